"""What stops the clock of a service level: a reason code, and nothing else (kpis 2.6).

A hold or a failed attempt with a code stops it until somebody touches the parcel again; a wish
of the consignee until the wished time begins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.base import Millis
from streams.domain.arrivals import Arrived
from streams.domain.lifecycle import MOVES
from streams.domain.promises import resolve
from streams.domain.reasons import canonical
from streams.domain.slarules import Level

if TYPE_CHECKING:
    from streams.domain.order import Order

# What touches the parcel lets a clock go on; another hold does not (L23).
GOES_ON = MOVES - {"held"}

WISH = "consignee_rescheduled"


@dataclass(frozen=True, slots=True)
class Stop:
    """The clock stood by a reason code, from when until when (None: it still does)."""

    code: str
    since: Millis
    until: Millis | None


def stops_of(
    order: "Order", level: Level, ended_at: Millis | None, *, doubt: bool
) -> tuple[Stop, ...]:
    """Return what stopped a clock before it was read, in order of their begin.

    With `doubt` the first attempt is not believed, and stops nothing.
    """
    found = (_until(each, ended_at) for each in _stops(order, level, doubt=doubt))
    return tuple(sorted((each for each in found if each), key=lambda each: each.since))


def _stops(order: "Order", level: Level, *, doubt: bool) -> Iterator[Stop]:
    """Yield what stops the clock: holds and failed attempts with a code, and wishes."""
    if not level.stops:
        return
    track = order.track
    for hold in track.holds:
        if (code := _code(hold.by)) in level.stops:
            yield Stop(code, hold.by.at, hold.until)
    if track.last_failed is not None:
        yield from _failed_attempts(order, level, doubt=doubt)
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


def _failed_attempts(order: "Order", level: Level, *, doubt: bool) -> Iterator[Stop]:
    """Yield the failed attempts that stop the clock until somebody touches the parcel again."""
    events = list(order.standing())
    first = order.track.attempts.first
    untrue = first.by if doubt and first is not None else None
    for each in events:
        if each.event.kind != "attempt_failed" or each is untrue:
            continue
        if (code := _code(each)) in level.stops:
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


def merged(stops: tuple[Stop, ...]) -> Iterator[tuple[Millis, Millis | None]]:
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
