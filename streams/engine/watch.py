"""Ends a worker whose partition has records to read and makes nothing durable of them.

Whatever the cause (a topic that takes no writes, a reader that is stuck), waiting longer helps
nobody: another worker, or this one started anew, may do better, and somebody looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from streams.errors import TowerError

INTERVALS = 10  # barriers that may fail to move a partition on


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a partition stands: how many records it is behind, and what is durable of it."""

    name: str
    lag: int
    durable: int


class Watch:
    """Remembers since when each partition has been standing still behind its log."""

    def __init__(self, stalled_seconds: float, barrier_seconds: float) -> None:
        """Allow `stalled_seconds`, or ten barriers where that is longer."""
        self.limit = max(stalled_seconds, INTERVALS * barrier_seconds)
        self._since: dict[str, tuple[int, float]] = {}

    def look(self, now: float, standings: Iterable[Standing]) -> None:
        """Raise if a partition has been behind and still for longer than the limit.

        `now` is on the monotonic clock. To be told of no partition while none can be expected
        to move: then each has its whole time again.
        """
        since = {}
        for one in standings:
            if one.lag <= 0:
                continue
            durable, at = self._since.get(one.name, (one.durable, now))
            since[one.name] = (one.durable, at if durable == one.durable else now)
            still = now - since[one.name][1]
            if still > self.limit:
                raise TowerError(
                    f"{one.name} is {one.lag} records behind and nothing of it became durable "
                    f"for {still:.0f} s, though the broker answers: the worker ends, so that "
                    "it, or another in its place, can start afresh."
                )
        self._since = since
