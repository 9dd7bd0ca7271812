"""What time it is: the tower's clock by partition, the wall's, and how far all is read."""

import asyncio
import time
from collections.abc import Iterable

from models.rules import QuietPolicy
from streams.dispatch.decide import USUAL_QUIET, Moment
from streams.dispatch.stops import NEVER_STOPPED, Stops


def wall_ms() -> int:
    """Return the wall clock, epoch milliseconds."""
    return time.time_ns() // 1_000_000


class Clocks:
    """The tower's clock by partition and how far the partitions are read, as of the last read.

    A partition is current once everything appended to it so far has been read, and the
    contact updates with it. `quiet` are the quiet hours of customers who named none, `stops`
    what somebody has stopped.
    """

    def __init__(
        self,
        towers: dict[int, int],
        channels: frozenset[str] = frozenset({"email"}),
        quiet: QuietPolicy = USUAL_QUIET,
    ) -> None:
        self._towers = dict(towers)
        self._channels = channels
        self._quiet = quiet
        self.stops = NEVER_STOPPED
        self.switched = asyncio.Event()
        self._current: frozenset[int] = frozenset()

    def switch(self, stops: Stops) -> None:
        """Take note of what is stopped; until the first time nobody knows."""
        self.stops = stops
        self.switched.set()

    def tick(self, partition: int, at: int) -> None:
        """Move a clock on; it never goes back."""
        self._towers[partition] = max(at, self._towers.get(partition, at))

    def read_up(self, partitions: Iterable[int]) -> bool:
        """Say which partitions are current; return whether one of them was not before."""
        before, self._current = self._current, frozenset(partitions)
        return not self._current <= before

    def moment(self, partition: int) -> Moment:
        """Return now, as the partition has it."""
        tower, current = self._towers.get(partition), partition in self._current
        return Moment(tower, wall_ms(), current, self._channels, self._quiet, self.stops)
