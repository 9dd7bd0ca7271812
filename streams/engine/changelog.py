"""The writing end of one partition's changelog, and how it notices another writer.

A partition has one owner. If an acknowledgement does not continue what was read and written,
somebody else wrote in between: a worker that lost the partition and did not know it yet.
"""

from collections.abc import Mapping

from streams.engine.rows import PARTITION_KEY, PartitionRows, off_of
from streams.errors import TowerError


class Tail:
    """Where the changelog ends as far as we read and wrote; `foreign` is what others wrote."""

    def __init__(self, name: str, end: int) -> None:
        self._name = name
        self.end = end
        self.foreign: list[tuple[int, int]] = []  # offsets [from, to)

    def acknowledged(self, base: int | None, count: int) -> None:
        """Take an acknowledgement; one without an offset (a retried duplicate) continues."""
        if base is None:
            self.end += count
            return
        if base < self.end:
            raise TowerError(
                f"{self._name} went back from {self.end} to {base}: it was truncated or "
                "made anew while this worker wrote to it"
            )
        if base > self.end:
            self.foreign.append((self.end, base))
        self.end = base + count


class OvertakenError(Exception):
    """Another writer was ahead of us: the partition has to be recovered anew."""


def settle(rows: PartitionRows, applied: int, foreign: Mapping[bytes, bytes | None]) -> bool:
    """Weigh another writer's rows against ours and queue ours again where they win.

    Returns whether the partition row has to be written again. Raises OvertakenError where
    the other's row includes more than ours.
    """
    partition_row = False
    for key, row in foreign.items():
        if key == PARTITION_KEY:
            if row is not None and off_of(row) > applied:
                raise OvertakenError
            partition_row = True
        elif row is not None and off_of(row) > rows.off(key):
            raise OvertakenError
        else:
            rows.repeat(key)
    return partition_row
