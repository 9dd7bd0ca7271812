"""What an order is held to: when each clock started, stopped and is due, by its evidence.

An agreement is a rule in force and what the events of one order make of it; it knows no clock.
How it stands at an instant is in `sla.py`. Clocks run in business time and stand only for a
reason code (kpis 2.6).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.base import Millis
from models.sla import Metric
from streams.domain.arrivals import Arrived
from streams.domain.attempts import Attempt
from streams.domain.calendars import MIDNIGHT, LocalCalendar, add_business_time, business_time
from streams.domain.clockstops import Stop, merged, stops_of
from streams.domain.promises import Resolved
from streams.domain.slarules import Level, ServiceLevels
from streams.domain.zones import instant, local_day, zone

if TYPE_CHECKING:
    from streams.domain.order import Order

# Scans that show that the parcel has come through the network, or is in it.
CAME_THROUGH = frozenset({
    "out_for_delivery", "courier_arrived", "attempt_failed", "available_for_pickup",
    "delivered",
})  # fmt: skip
# Scans on the way in. What is on its way to the door, or there, was handed in some time before:
# it does not say when, and must not excuse a carrier that scans late.
ON_THE_WAY_IN = frozenset({"picked_up", "in_transit", "arrived_depot"})
SCANNED = CAME_THROUGH | ON_THE_WAY_IN

First = Mapping[str, Arrived]  # the first event of each kind, in the order of a life


@dataclass(frozen=True, slots=True)
class Agreement:
    """A rule an order is held to, by all evidence; instants are epoch milliseconds.

    The clock was `started` by an event and runs from `starts_at`: later than the event after a
    cut-off, on a day off, or if the parcel was `handed_in` late. `due` has the stops added and
    no grace; `risky_from` is when less than 20 % remains, `breached_from` the first
    millisecond at which it is broken; all three are None while the clock stands. `derived`
    marks a deadline where nothing was promised.
    """

    level: Level
    calendar: LocalCalendar | None
    started: Arrived
    starts_at: Millis
    handed_in: Arrived | None
    stops: tuple[Stop, ...]
    due: Millis | None
    risky_from: Millis | None
    breached_from: Millis | None
    ended_at: Millis | None
    derived: bool

    @property
    def deadline(self) -> Millis | None:
        """Return `due` with the grace."""
        return None if self.due is None else self.due + self.level.grace

    def came_due(self, clock: Millis) -> bool:
        """Tell whether the last good moment is past."""
        return self.breached_from is not None and clock >= self.breached_from

    def breached(self, clock: Millis) -> bool:
        """Tell whether the last good moment passed before what was agreed was done."""
        at = self.breached_from
        return at is not None and clock >= at and (self.ended_at is None or self.ended_at >= at)

    def elapsed(self, until: Millis) -> Millis:
        """Return how long the clock ran up to an instant: business time less what it stood."""
        until = until if self.ended_at is None else min(until, self.ended_at)
        ran = business_time(self.starts_at, until, self.calendar)
        for since, ends in merged(self.stops):
            end = until if ends is None else min(ends, until)
            ran -= business_time(max(since, self.starts_at), end, self.calendar)
        return ran


@dataclass(frozen=True, slots=True)
class _Clock:
    """From when a clock runs, when it would be due, and how much later it is broken."""

    starts_at: Millis
    due: Millis
    after: Millis
    handed_in: Arrived | None = None


def agreements(order: "Order", *, doubt: bool) -> tuple[Agreement, ...]:
    """Return every rule whose clock has started, one a metric.

    With `doubt` the first attempt is not believed: in the accountable view there was none.
    """
    levels, track = order.judgement.levels, order.track
    if levels is None or not track.is_order:
        return ()
    scope = levels.of(track.carrier, track.service, track.region)
    if not scope:
        return ()
    first = _first_of_each_kind(order)
    found = (_in_force(order, levels, candidates, first) for candidates in scope)
    made = (_made(order, *each, first, doubt=doubt) for each in found if each is not None)
    return tuple(each for each in made if each is not None)


def _first_of_each_kind(order: "Order") -> First:
    first: dict[str, Arrived] = {}
    for each in order.standing():
        kind = each.event.kind
        if kind not in first or each.key < first[kind].key:
            first[kind] = each
    return first


def _in_force(
    order: "Order", levels: ServiceLevels, candidates: tuple[Level, ...], first: First
) -> tuple[Level, LocalCalendar | None, Arrived] | None:
    """Return the most specific rule in force when its clock starts, and what starts it.

    One that waits for its clock to start keeps the less specific ones from applying.
    """
    track = order.track
    own = track.timezone or order.judgement.tolerance(track.carrier).timezone
    for level in candidates:
        started = first.get(level.rule.starts_with)
        where = levels.zone_of(level, own)
        begun = started or min(first.values(), key=lambda each: each.key)
        if level.dated and not level.holds_on(local_day(instant(begun.at), zone(where))):
            continue
        if started is None:
            return None
        return level, levels.calendar(level, where), started
    return None


def _made(
    order: "Order",
    level: Level,
    calendar: LocalCalendar | None,
    started: Arrived,
    first: First,
    *,
    doubt: bool,
) -> Agreement | None:
    clock = _clock(order.promise, level, calendar, started, first)
    if clock is None:
        return None
    total = business_time(clock.starts_at, clock.due, calendar)
    risky = add_business_time(clock.starts_at, total * 4 // 5 + 1, calendar)
    doubt = doubt and level.rule.view == "accountable"
    done: Arrived | Attempt | None = order.track.handover
    if not doubt or level.rule.metric != "first_attempt":
        done = _DONE[level.rule.metric](order, first, started)
    ended_at = None if done is None else done.at
    stops = stops_of(order, level, ended_at, doubt=doubt)
    due = _extended(clock.due, clock.starts_at, stops, calendar)
    risky_from = _extended(risky, clock.starts_at, stops, calendar)
    return Agreement(
        level=level,
        calendar=calendar,
        started=started,
        starts_at=clock.starts_at,
        handed_in=clock.handed_in,
        stops=stops,
        due=due,
        risky_from=None if due is None else risky_from,
        breached_from=None if due is None else due + level.grace + clock.after,
        ended_at=ended_at,
        derived=order.promise is None,
    )


def _clock(
    promise: Resolved | None,
    level: Level,
    calendar: LocalCalendar | None,
    started: Arrived,
    first: First,
) -> _Clock | None:
    """Return the clock of a target, the end of a day not included; None without a promise."""
    at = started.at
    if level.amount is not None:
        return _Clock(at, add_business_time(at, level.amount, calendar), 1)
    if calendar is None:
        if promise is None:
            return None
        return _Clock(at, promise.deadline, promise.late_from - promise.deadline)
    target, late = level.rule.target, None
    day = calendar.counted_day(at, target.cut_off)
    scan = _handed_in(first) if level.excuses_late_handover else None
    if scan is not None and calendar.counted_day(scan.at, target.cut_off) > day:
        at, late = scan.at, scan
        day = calendar.counted_day(at, target.cut_off)
    last = calendar.days_after(day, target.business_days or 0)
    due = calendar.end_of(last, target.day_end or MIDNIGHT)
    return _Clock(max(at, calendar.working_time(day)[0]), due, 0, late)


def _handed_in(first: First) -> Arrived | None:
    """Return the carrier's first scan, if it tells when the parcel was handed in (edge 39)."""
    scan = _earliest(first, SCANNED)
    return scan if scan is not None and scan.event.kind in ON_THE_WAY_IN else None


def _extended(
    due: Millis, starts_at: Millis, stops: tuple[Stop, ...], calendar: LocalCalendar | None
) -> Millis | None:
    """Return when a clock is due that stood while it ran; None while it stands."""
    for since, until in merged(stops):
        if since >= due:
            break
        if until is None:
            return None
        stood = business_time(max(since, starts_at), until, calendar)
        due = add_business_time(due, stood, calendar)
    return due


# -- what was agreed, done ---------------------------------------------------------------


def _handed_over(order: "Order", _: First, __: Arrived) -> Arrived | None:
    return order.track.handover


def _attempted(order: "Order", _: First, __: Arrived) -> Attempt | None:
    return order.track.attempts.first


def _came_through(_: "Order", first: First, __: Arrived) -> Arrived | None:
    return _earliest(first, CAME_THROUGH)


def _picked_up(_: "Order", first: First, __: Arrived) -> Arrived | None:
    return _earliest(first, SCANNED)


def _answered(order: "Order", _: First, started: Arrived) -> Arrived | None:
    """Return the first step taken after a clock started, or what ended the order before it."""
    later = [
        each
        for each in order.standing()
        if each.event.kind == "intervention_made" and each.key > started.key
    ]
    if order.track.ending is not None:
        later.append(order.track.ending)
    return min(later, key=lambda each: each.key, default=None)


def _earliest(first: First, kinds: frozenset[str]) -> Arrived | None:
    found = (first[kind] for kind in kinds if kind in first)
    return min(found, key=lambda each: each.key, default=None)


_DONE: dict[Metric, Callable[["Order", First, Arrived], Arrived | Attempt | None]] = {
    "handover": _handed_over,
    "first_attempt": _attempted,
    "transit": _came_through,
    "pickup": _picked_up,
    "response": _answered,
}
