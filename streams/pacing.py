"""When each line and each tick of a feed is due.

On the `feed` clock time comes with the data: lines are sent in the order in which they arrived
and between them go ticks. A tick of T promises that whatever comes later arrived at T or after.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from models.base import Millis
from streams.feed import Arrival

Keys = Literal["order", "carrier", "random"]

_PACED_TICK_SECONDS = 60.0
_FINEST_SLEEP_SECONDS = 0.001


class Tick(NamedTuple):
    """The feed's clock, epoch milliseconds."""

    at: Millis


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How a feed is sent.

    `rate` is lines a second. `speed` keeps the pace of the events' arrival times that factor;
    lines that arrive before `pace_from` are sent without waiting. `tick_seconds` is event time
    between ticks, `as_of` the last tick (default: the last arrival).
    """

    keys: Keys = "order"
    rate: float | None = None
    speed: float | None = None
    pace_from: Millis | None = None
    tick_seconds: float = 900.0
    as_of: Millis | None = None


def schedule(feed: Iterable[Arrival], options: PublishOptions) -> Iterator[Arrival | Tick]:
    """Yield a feed sorted by arrival with its ticks.

    No tick is later than a line after it. Where the feed is paced a tick comes at least once
    a second also while nothing arrives; elsewhere one tick spans any gap.
    """
    ticked: Millis | None = None
    arrival: Arrival | None = None
    for arrival in feed:
        until = _not_after(arrival.received_at, options)
        for at in _ticks_before(ticked, until, options):
            ticked = at
            yield Tick(at)
        yield arrival
    end = options.as_of
    if end is None and arrival is not None:
        end = arrival.received_at
    if end is not None and (ticked is None or ticked < end):
        rest = _ticks_before(ticked, end, options)
        yield from map(Tick, rest if rest[-1:] == [end] else [*rest, end])


def _not_after(at: Millis, options: PublishOptions) -> Millis:
    return at if options.as_of is None else min(at, options.as_of)


def _ticks_before(
    ticked: Millis | None, until: Millis, options: PublishOptions
) -> list[Millis]:
    """Return the ticks due between the last one and the next line at `until`."""
    if ticked is None:
        return [until]
    interval = int(options.tick_seconds * 1_000)
    paced = options.speed is not None and until >= (options.pace_from or 0)
    if not paced or options.speed is None:
        return [until] if until - ticked >= interval else []
    interval = min(interval, int(1_000 * min(_PACED_TICK_SECONDS, options.speed)))
    start = max(ticked, options.pace_from or 0)
    first = [start] if start > ticked else []
    return first + list(range(start + interval, until + 1, max(1, interval)))


class Pace:
    """Waits until an item is due by the rate of lines or the pace of event time."""

    def __init__(self, options: PublishOptions) -> None:
        self._options = options
        self._lines = 0
        self._start: float | None = None
        self._origin: Millis = 0

    async def wait_for(self, item: Arrival | Tick) -> None:
        due = self._due(item)
        if due is not None:
            ahead = due - time.monotonic()
            if ahead > _FINEST_SLEEP_SECONDS:
                await asyncio.sleep(ahead)

    def _due(self, item: Arrival | Tick) -> float | None:
        """Return when to send, on the monotonic clock in seconds; None is at once."""
        if self._options.speed is not None:
            at = item.at if isinstance(item, Tick) else item.received_at
            if at < (self._options.pace_from or 0):
                return None
            if self._start is None:
                self._start = time.monotonic()
                self._origin = (
                    at if self._options.pace_from is None else self._options.pace_from
                )
            return self._start + (at - self._origin) / 1_000 / self._options.speed
        if self._options.rate is None or isinstance(item, Tick):
            return None
        if self._start is None:
            self._start = time.monotonic()
        self._lines += 1
        return self._start + (self._lines - 1) / self._options.rate
