"""Which records continue what was applied: the one rule that makes every transport safe.

A partition applies exactly the records that continue `expected`, also inside a batch: lower
ones are skipped, and at a hole the rest is refused and `expected` asked for again. Some holes
are the broker's own (control records, aborted transactions, compaction). Such a hole is
believed only inside an unbroken chain of answers: the chain begins with our own seek, every
answer of the broker moves it on, and any other movement or a rebalance breaks it.
"""

from collections.abc import Sequence
from itertools import pairwise

from streams.engine.api import Record


class Contiguity:
    """The place of one partition: `expected` is the offset to apply next.

    `cursor` is how far the broker's unbroken answers reach, None while the chain is broken;
    `believed` counts the offsets in holes that were believed and passed.
    """

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.cursor: int | None = None
        self.believed = 0
        self._holes: list[tuple[int, int]] = []  # [from, to), certified by the chain

    def sought(self) -> None:
        """Begin a chain: the reader was just moved to `expected`."""
        self.cursor = self.expected
        self._holes.clear()

    def broken(self) -> None:
        """End the chain; nothing it certified counts any more."""
        self.cursor = None
        self._holes.clear()

    def answered(self, records: Sequence[Record], end: int) -> bool:
        """Take one answer of the broker: its records and where the next answer begins.

        Returns whether the answer certified a hole. An answer that does not go forward from
        the cursor breaks the chain.
        """
        start = self.cursor
        if start is None:
            return False
        if records and records[0].offset == start and len(records) == end - start:
            self.cursor = end  # as many as there are offsets: no hole to certify
            return False
        bounds = [start - 1, *(record.offset for record in records), end]
        if any(later <= earlier for earlier, later in pairwise(bounds)):
            self.broken()
            return False
        self.cursor = end
        self._holes += [(a + 1, b) for a, b in pairwise(bounds) if b > a + 1]
        self._pass_hole()
        return True

    def admit(self, records: tuple[Record, ...]) -> tuple[tuple[Record, ...], bool]:
        """Return the records to apply now, and whether the rest was refused at a hole."""
        first = self.expected
        if [record.offset for record in records] == list(range(first, first + len(records))):
            self.expected = first + len(records)
            self._pass_hole()
            return records, False
        return self._admit_slowly(records)

    def _admit_slowly(self, records: tuple[Record, ...]) -> tuple[tuple[Record, ...], bool]:
        admitted: list[Record] = []
        for record in records:
            if record.offset < self.expected:
                continue
            if record.offset > self.expected:
                return tuple(admitted), True
            admitted.append(record)
            self.expected += 1
            self._pass_hole()
        return tuple(admitted), False

    def _pass_hole(self) -> None:
        """Step over certified holes that begin where we stand, forget those behind."""
        while self._holes and self._holes[0][0] <= self.expected:
            start, end = self._holes.pop(0)
            if start == self.expected:
                self.believed += end - start
                self.expected = end
