"""What an order is held to: when each clock started, stopped and is due, by its evidence.

An agreement is a rule in force and what the events of one order make of it; it knows no clock.
How it stands at an instant is in `sla.py`. Clocks run in business time and stand only for a
reason code (kpis 2.6).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.base import Millis
from streams.domain.arrivals import Arrived
from streams.domain.calendars import MIDNIGHT, LocalCalendar, add_business_time, business_time
from streams.domain.lifecycle import MOVES
from streams.domain.promises import Resolved, resolve
from streams.domain.reasons import canonical
from streams.domain.slarules import Level, ServiceLevels
from streams.domain.zones import instant, local_day, zone

if TYPE_CHECKING:
    from streams.domain.order import Order

# Scans that show that the parcel has come through the network, or is in it.
CAME_THROUGH = frozenset({
    "out_for_delivery", "courier_arrived", "attempt_failed", "available_for_pickup",
    "delivered",
})  # fmt: skip
HANDED_IN = CAME_THROUGH | {"picked_up", "in_transit", "arrived_depot"}

# What touches the parcel lets a clock go on; another hold does not (L23).
GOES_ON = MOVES - {"held"}

WISH = "consignee_rescheduled"

First = Mapping[str, Arrived]  # the first event of each kind, in the order of a life


@dataclass(frozen=True, slots=True)
class Stop:
    """The clock stood by a reason code, from when until when (None: it still does)."""

    code: str
    since: Millis
    until: Millis | None


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
        for since, ends in _merged(self.stops):
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


def agreements(order: "Order") -> tuple[Agreement, ...]:
    """Return every rule whose clock has started, one a metric."""
    levels, track = order.judgement.levels, order.track
    if levels is None or not track.is_order:
        return ()
    scope = levels.of(track.carrier, track.service, track.region)
    if not scope:
        return ()
    first = _first_of_each_kind(order)
    found = (_agreement(order, levels, candidates, first) for candidates in scope)
    return tuple(each for each in found if each is not None)


def _first_of_each_kind(order: "Order") -> First:
    first: dict[str, Arrived] = {}
    for each in _standing(order):
        kind = each.event.kind
        if kind not in first or each.key < first[kind].key:
            first[kind] = each
    return first


def _standing(order: "Order") -> Iterator[Arrived]:
    """Yield the events that were not withdrawn, in no order."""
    for identity, arrived in order.arrivals.items():
        if identity not in order.withdrawn:
            yield arrived


def _agreement(
    order: "Order", levels: ServiceLevels, candidates: tuple[Level, ...], first: First
) -> Agreement | None:
    """Return the agreement by the most specific rule in force when its clock starts.

    One that waits for its clock to start keeps the less specific ones from applying.
    """
    track = order.track
    own = track.timezone or order.judgement.tolerance(track.carrier).timezone
    for level in candidates:
        started = first.get(level.rule.starts_with)
        begun = started or min(first.values(), key=lambda each: each.key)
        where = levels.zone_of(level, own)
        if level.holds_on(local_day(instant(begun.at), zone(where))):
            if started is None:
                return None
            return _made(order, level, levels.calendar(level, where), started, first)
    return None


def _made(
    order: "Order",
    level: Level,
    calendar: LocalCalendar | None,
    started: Arrived,
    first: First,
) -> Agreement | None:
    clock = _clock(order.promise, level, calendar, started, first)
    if clock is None:
        return None
    total = business_time(clock.starts_at, clock.due, calendar)
    risky = add_business_time(clock.starts_at, total * 4 // 5 + 1, calendar)
    ended_at = _end(order, level, started, first)
    found = (_until(each, ended_at) for each in _stops(order, level))
    stops = tuple(sorted((each for each in found if each), key=lambda each: each.since))
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
    return _earliest(first, HANDED_IN)


def _earliest(first: First, kinds: frozenset[str]) -> Arrived | None:
    found = (first[kind] for kind in kinds if kind in first)
    return min(found, key=lambda each: each.key, default=None)


def _end(order: "Order", level: Level, started: Arrived, first: First) -> Millis | None:
    """Return when what was agreed was done, None if it was not."""
    track = order.track
    match level.rule.metric:
        case "handover":
            return None if track.handover is None else track.handover.at
        case "first_attempt":
            attempt = track.attempts.first
            return None if attempt is None else attempt.at
        case "transit":
            done = _earliest(first, CAME_THROUGH)
        case "pickup":
            done = _handed_in(first)
        case "response":
            done = _answer(order, started)
    return None if done is None else done.at


def _answer(order: "Order", started: Arrived) -> Arrived | None:
    """Return the first step taken after a clock started, or what ended the order before it."""
    later = [
        each
        for each in _standing(order)
        if each.event.kind == "intervention_made" and each.key > started.key
    ]
    if order.track.ending is not None:
        later.append(order.track.ending)
    return min(later, key=lambda each: each.key, default=None)


# -- what stops a clock ------------------------------------------------------------------


def _stops(order: "Order", level: Level) -> Iterator[Stop]:
    """Yield what stops the clock: holds and failed attempts with a code, and wishes."""
    if not level.stops:
        return
    track = order.track
    for hold in track.holds:
        if (code := _code(hold.by)) in level.stops:
            yield Stop(code, hold.by.at, hold.until)
    if track.last_failed is not None:
        yield from _failed_attempts(order, level)
    # A wish moves the promise and with it the end of its window, or it counts for nothing (P2).
    if track.consignee and WISH in level.stops and not level.rule.target.window_end:
        yield from _wishes(order)


def _until(stop: Stop, ended_at: Millis | None) -> Stop | None:
    """Return what of a stop lies before the end of an agreement: then its clock is read."""
    if ended_at is None:
        return stop
    if stop.since >= ended_at:
        return None
    until = ended_at if stop.until is None else min(stop.until, ended_at)
    return Stop(stop.code, stop.since, until)


def _code(arrived: Arrived) -> str:
    return canonical(getattr(arrived.event, "reason", None))


def _failed_attempts(order: "Order", level: Level) -> Iterator[Stop]:
    """Yield the failed attempts that stop the clock until somebody touches the parcel again."""
    events = list(_standing(order))
    for each in events:
        if each.event.kind == "attempt_failed" and (code := _code(each)) in level.stops:
            after = (
                other.key
                for other in events
                if other.event.kind in GOES_ON and other.key > each.key
            )
            until = min(after, default=None)
            yield Stop(code, each.at, None if until is None else until[0])


def _wishes(order: "Order") -> Iterator[Stop]:
    """Yield the consignee's changes: the clock stands until the wished time begins.

    A later wish takes the place of an earlier one.
    """
    track = order.track
    tolerance = order.judgement.tolerance(track.carrier)
    wishes = list(track.consignee)
    for number, (at, promise, *_) in enumerate(wishes):
        wished = resolve(promise, track.timezone, tolerance)
        until = wished.end if wished.start is None else wished.start
        if number + 1 < len(wishes):
            until = min(until, wishes[number + 1][0])
        if until > at:
            yield Stop(WISH, at, until)


def _merged(stops: tuple[Stop, ...]) -> Iterator[tuple[Millis, Millis | None]]:
    """Yield the times in which a clock stood, each once; stops come in order of their begin."""
    since: Millis | None = None
    until: Millis | None = None
    for stop in stops:
        if since is None or (until is not None and stop.since > until):
            if since is not None:
                yield since, until
            since, until = stop.since, stop.until
        elif until is not None:
            until = None if stop.until is None else max(until, stop.until)
    if since is not None:
        yield since, until


def _extended(
    due: Millis, starts_at: Millis, stops: tuple[Stop, ...], calendar: LocalCalendar | None
) -> Millis | None:
    """Return when a clock is due that stood while it ran; None while it stands."""
    for since, until in _merged(stops):
        if since >= due:
            break
        if until is None:
            return None
        stood = business_time(max(since, starts_at), until, calendar)
        due = add_business_time(due, stood, calendar)
    return due
