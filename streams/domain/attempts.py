"""Attempts at the door: one visit or two, and failures nobody reported (kpis 2.3, T1 to T4)."""

from models.base import Millis
from streams.domain.lifecycle import NEW_LEG_AFTER_MS, SAME_VISIT_MS


class Attempt:
    """One visit that reached an outcome; `at` is when, `reason` why it failed."""

    __slots__ = ("at", "began", "implicit", "reason", "succeeded", "undone")

    def __init__(self, at: Millis, reason: str | None, *, implicit: bool) -> None:
        self.began = at
        self.at = at
        self.reason = reason
        self.succeeded = reason is None
        self.implicit = implicit
        self.undone = False


class Attempts:
    """The attempts of an order so far, folded in the order of its life.

    A leg begins with out_for_delivery and waits for a conclusion: `leg_at` is when it began,
    None outside a leg; `at_door` whether the courier arrived in it.
    """

    __slots__ = ("at_door", "concluded", "leg_at", "new_leg", "no_attempt_returns", "visits")

    def __init__(self) -> None:
        self.visits: list[Attempt] = []
        self.no_attempt_returns = 0
        self.leg_at: Millis | None = None
        self.at_door = False
        self.concluded = False
        self.new_leg = False

    def out_for_delivery(self, at: Millis) -> None:
        """Begin a leg; one still waiting for a conclusion after a day has failed (T2)."""
        if self.waiting:
            if at - (self.leg_at or 0) <= NEW_LEG_AFTER_MS:
                self.new_leg = True
                return
            self.fail(at, "unknown", implicit=True)
        self.leg_at, self.at_door, self.concluded, self.new_leg = at, False, False, True

    @property
    def waiting(self) -> bool:
        """Tell whether a leg has begun and not been concluded."""
        return self.leg_at is not None and not self.concluded

    def arrive(self) -> None:
        """The courier stands at the door."""
        self.at_door = self.waiting

    def back_at_depot(self, at: Millis) -> None:
        """Close a leg: never at the door, it was no attempt; else it failed (T3)."""
        if self.waiting:
            if self.at_door:
                self.fail(at, "unknown", implicit=True)
            else:
                self.no_attempt_returns += 1
        self.leg_at, self.at_door = None, False

    def fail(self, at: Millis, reason: str, *, implicit: bool = False) -> None:
        """Conclude a visit as failed; within a visit the first reason stands (T1)."""
        if self._same_visit(at) is None:
            self.visits.append(Attempt(at, reason, implicit=implicit))
        self.concluded, self.new_leg = True, False

    def succeed(self, at: Millis) -> None:
        """Conclude a visit as a success, also one that had failed a moment before (T1)."""
        visit = self._same_visit(at)
        if visit is None:
            self.visits.append(Attempt(at, None, implicit=False))
        else:
            visit.at, visit.succeeded, visit.implicit = at, True, False
        self.concluded, self.new_leg = True, False

    def undo(self) -> None:
        """The delivery of the last visit was void: the visit failed (L5)."""
        visit = self.visits[-1]
        visit.undone = True
        if visit.succeeded:
            visit.succeeded, visit.reason = False, visit.reason or "unknown"

    def _same_visit(self, at: Millis) -> Attempt | None:
        if self.visits and not self.new_leg and at - self.visits[-1].began < SAME_VISIT_MS:
            return self.visits[-1]
        return None
