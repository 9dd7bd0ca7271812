"""Attempts at the door: one visit or two, and failures nobody reported (kpis 2.3, T1 to T4)."""

from models.base import Millis
from streams.domain.arrivals import Arrived
from streams.domain.lifecycle import NEW_LEG_AFTER_MS, SAME_VISIT_MS


class Attempt:
    """One visit that reached an outcome; `at` is when, `reason` why it failed.

    `by` is the event that says so, `courier` whose visit it was, as far as told; `undone_by`
    the event that made its delivery void.
    """

    __slots__ = (
        "at", "began", "by", "courier", "implicit", "reason", "succeeded", "undone_by",
    )  # fmt: skip

    def __init__(
        self, by: Arrived, reason: str | None, courier: str | None, *, implicit: bool
    ) -> None:
        self.began = by.at
        self.at = by.at
        self.by = by
        self.reason = reason
        self.courier = courier
        self.succeeded = reason is None
        self.implicit = implicit
        self.undone_by: Arrived | None = None

    @property
    def undone(self) -> bool:
        """Tell whether a delivery of this visit was void (L5)."""
        return self.undone_by is not None


class Attempts:
    """The attempts of an order so far, folded in the order of its life.

    A leg begins with out_for_delivery and waits for a conclusion: `leg_at` is when it began,
    None outside a leg; `at_door` whether the courier arrived in it; `courier` who went out
    last.
    """

    __slots__ = (
        "at_door", "concluded", "courier", "leg_at", "new_leg", "no_attempt_returns", "visits",
    )  # fmt: skip

    def __init__(self) -> None:
        self.visits: list[Attempt] = []
        self.no_attempt_returns = 0
        self.leg_at: Millis | None = None
        self.courier: str | None = None
        self.at_door = False
        self.concluded = False
        self.new_leg = False

    @property
    def first(self) -> Attempt | None:
        """Return the first attempt, None before it was concluded."""
        return self.visits[0] if self.visits else None

    def out_for_delivery(self, out: Arrived, courier: str | None = None) -> None:
        """Begin a leg; one still waiting for a conclusion after a day has failed (T2)."""
        goes_on = self.waiting and out.at - (self.leg_at or 0) <= NEW_LEG_AFTER_MS
        if self.waiting and not goes_on:
            self.fail(out, "unknown", implicit=True)
        self.courier, self.new_leg = courier, True
        if not goes_on:
            self.leg_at, self.at_door, self.concluded = out.at, False, False

    @property
    def waiting(self) -> bool:
        """Tell whether a leg has begun and not been concluded."""
        return self.leg_at is not None and not self.concluded

    def arrive(self) -> None:
        """The courier stands at the door."""
        self.at_door = self.waiting

    def back_at_depot(self, back: Arrived) -> None:
        """Close a leg: never at the door, it was no attempt; else it failed (T3)."""
        if self.waiting:
            if self.at_door:
                self.fail(back, "unknown", implicit=True)
            else:
                self.no_attempt_returns += 1
        self.leg_at, self.at_door = None, False

    def fail(
        self, by: Arrived, reason: str, courier: str | None = None, *, implicit: bool = False
    ) -> None:
        """Conclude a visit as failed; within a visit the first reason stands (T1)."""
        if self._same_visit(by.at) is None:
            self.visits.append(Attempt(by, reason, courier or self.courier, implicit=implicit))
        self.concluded, self.new_leg = True, False

    def succeed(self, by: Arrived) -> None:
        """Conclude a visit as a success, also one that had failed a moment before (T1)."""
        visit = self._same_visit(by.at)
        if visit is None:
            self.visits.append(Attempt(by, None, None, implicit=False))
        else:
            visit.at, visit.by, visit.succeeded, visit.implicit = by.at, by, True, False
        self.concluded, self.new_leg = True, False

    def undo(self, by: Arrived) -> None:
        """The delivery of the last visit was void: the visit failed (L5)."""
        visit = self.visits[-1]
        visit.undone_by = by
        if visit.succeeded:
            visit.succeeded, visit.reason = False, visit.reason or "unknown"

    def _same_visit(self, at: Millis) -> Attempt | None:
        if self.visits and not self.new_leg and at - self.visits[-1].began < SAME_VISIT_MS:
            return self.visits[-1]
        return None
