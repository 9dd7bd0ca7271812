"""Attempts at the door, and which of them are hard to believe (kpis 2.3, T1 to T6)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.oracle.couriers import Couriers, accuracy, distance, were_there
from tests.oracle.events import IMPLICIT, PRESENT, Event, name_of, reason_of
from tests.oracle.times import DAY, HOUR, day_ends, local_day

if TYPE_CHECKING:
    from tests.oracle.order import Order


@dataclass
class Visit:
    """A visit that reached an outcome: `reason` why it failed, None of a success.

    `scan` is the event that concluded it, in an `implicit` failure without saying so;
    `courier` who was out with the parcel; `delivery` what was handed over in it, `void` that
    this was void.
    """

    at: int
    begun: int
    reason: str | None
    implicit: bool
    scan: Event
    courier: str | None
    delivery: Event | None = None
    void: bool = False


class Visits:
    """The visits of an order in their order, and the legs that never came to a door."""

    def __init__(self, order: "Order") -> None:
        self.order = order
        self.visits: list[Visit] = []
        self.leg: dict[str, Any] | None = None
        self.courier: str | None = None
        self.joinable = False
        self.no_attempt_return = 0
        for (at, *_), event in order.events:
            if name_of(event) not in order.silenced or event in order.standing:
                self._take(at, event)

    @property
    def first(self) -> Visit | None:
        return self.visits[0] if self.visits else None

    def _take(self, at: int, event: Event) -> None:
        kind = event["kind"]
        if kind == "out_for_delivery":
            self._out(at, event)
        elif kind == "courier_arrived" and self.leg:
            self.leg["arrived"] = True
        elif kind == "attempt_failed":
            if self._same(at) is None:
                self._conclude(at, reason_of(event), event)
            self.leg = None
        elif kind == "delivered" and event in self.order.standing:
            self._deliver(at, event)
        elif kind == "arrived_depot" and self.leg:
            if self.leg["arrived"]:
                self._conclude(at, "unknown", event, implicit=True)
            else:
                self.no_attempt_return += 1
                self.leg = None
        elif kind in IMPLICIT and self.leg:
            self._conclude(at, reason_of(event), event, implicit=True)

    def _same(self, at: int) -> Visit | None:
        """Return the visit that a conclusion at `at` belongs to, None of a new one (T1)."""
        if self.joinable and at - self.visits[-1].begun < 2 * HOUR:
            return self.visits[-1]
        return None

    def _conclude(
        self, at: int, reason: str | None, scan: Event, *, implicit: bool = False
    ) -> None:
        courier = (None if implicit else scan.get("courier_id")) or self.courier
        self.visits.append(Visit(at, at, reason, implicit, scan, courier))
        self.leg, self.joinable = None, True

    def _out(self, at: int, event: Event) -> None:
        if self.leg and at - self.leg["at"] > DAY:
            self._conclude(at, "unknown", event, implicit=True)
        if self.leg is None:
            self.leg = {"at": at, "arrived": False}
        self.joinable = False
        self.courier = event.get("courier_id")

    def _deliver(self, at: int, event: Event) -> None:
        refused = self._not_received(event)
        visit = self._same(at)
        if visit is None:
            self._conclude(at, refused, event)
            visit = self.visits[-1]
        elif refused is None:
            visit.at, visit.scan, visit.implicit = at, event, False
            if event not in self.order.voided:
                visit.reason = None
        visit.delivery = event
        if event in self.order.voided:
            visit.void = True
            visit.reason = visit.reason or "unknown"
        self.leg = None

    def _not_received(self, event: Event) -> str | None:
        """Return why a delivered event is a failed attempt; None is a success (T4)."""
        neighbour = event.get("to") == "neighbour" and self.order.own["neighbour_counts"]
        agreed = event.get("to") in PRESENT or event.get("consented") is True or neighbour
        return None if agreed else "diverted"


class Doubt(NamedTuple):
    """Whether a first attempt is suspect, and by which evidence."""

    suspect: bool
    why: str


def doubt(order: "Order", couriers: Couriers, known_by: int) -> Doubt:
    """Tell whether the first attempt failed in a way that is hard to believe (T5, L5)."""
    visit = order.first
    if visit is None or visit.reason is None:
        return Doubt(False, "no failed attempt")
    if visit.void:
        return Doubt(True, "its delivery was void")
    position, door = visit.scan.get("position"), order.door
    if position and door:
        far = distance(position, door) > max(150, 3 * accuracy(position))
        return Doubt(far, "scanned far from the door" if far else "scanned at the door")
    where, at = order.where, visit.begun
    day = local_day(at, where)
    if any(
        event["kind"] == "courier_arrived" and local_day(key[0], where) == day
        for key, event in order.events
    ):
        return Doubt(False, "arrived that day")
    if visit.courier is None:
        return Doubt(False, "by whom is not known")
    over = day_ends(at, where) + 2 * DAY  # nothing is said of that day from then on
    if next(key[2] for key, event in order.events if event is visit.scan) >= over:
        return Doubt(False, "nobody remembers that day")
    door, known_by = door if order.door_heard < over else None, min(known_by, over - 1)
    fixes = couriers.fixes(visit.courier, day, where, known_by)
    if fixes and door and not were_there(fixes, door):
        return Doubt(True, "fixes elsewhere")
    if couriers.off_shift(visit.courier, at, where, known_by):
        return Doubt(True, "outside the shift")
    there = bool(fixes and door)
    return Doubt(False, "fixes at the door" if there else "nothing speaks against it")
