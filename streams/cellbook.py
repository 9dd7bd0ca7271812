"""The cells of one inbox partition: archive and live contributions, and what to publish.

Contributions of live rows are replaced (the old subtracted, the new added), those of ended
lives are added to the archive once. What is published is absolute, so a repeated record, or
one that a crash kept away, is put right by the next.
"""

import json
from collections.abc import Callable, Iterable, Iterator

import msgspec

from streams.domain.cells import (
    Cell,
    Contribution,
    Measures,
    add,
    decode_cell,
    encode_cell,
    exchange,
)

ARCHIVE = b"\x01"  # no order id begins with it: ids are printable

KNOWN = 1_000  # contributions kept unpacked, some 2 KB each at most

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Contribution).decode
_NONE: Measures = {}
NOTHING = _pack({})


class CellBook:
    """Sums per cell, and which of them changed since they were published.

    Contributions come and are kept packed: a dict of each row would weigh ten times that. Those
    of orders that stand at the same point of their way are the same, and are kept once.
    """

    def __init__(self) -> None:
        self.totals: Contribution = {}
        self.archive: Contribution = {}
        self._live: dict[bytes, bytes] = {}
        self._known: dict[bytes, tuple[bytes, Contribution]] = {}
        self._changed: set[Cell] = set()

    def load_archive(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the archive rows of a partition; other rows are passed over."""
        for key, payload in rows:
            if key.startswith(ARCHIVE) and payload:
                cell = decode_cell(key[len(ARCHIVE) :].decode())
                self.archive[cell] = json.loads(payload)
                self._add(cell, self.archive[cell])

    def pack(self, contribution: Contribution) -> bytes:
        """Return a contribution packed; it is not to be changed any more."""
        packed = _pack(contribution)
        if packed not in self._known:
            self._learn(packed, contribution)
        return packed

    def replace(self, key: bytes, packed: bytes) -> None:
        """Let a row's contribution, packed, be this one."""
        was = self._live.get(key, NOTHING)
        if packed == was:
            return
        (_, before), (once, now) = self._unpacked(was), self._unpacked(packed)
        if now:
            self._live[key] = once
        else:
            self._live.pop(key, None)
        for cell, measures in now.items():
            self._exchange(cell, before.get(cell, _NONE), measures)
        for cell, measures in before.items():
            if cell not in now:
                self._exchange(cell, measures, _NONE)

    def _unpacked(self, packed: bytes) -> tuple[bytes, Contribution]:
        """Return packed bytes, of equal ones the same where they are known, and unpacked."""
        return self._known.get(packed) or self._learn(packed, _unpack(packed))

    def _learn(self, packed: bytes, contribution: Contribution) -> tuple[bytes, Contribution]:
        if len(self._known) >= KNOWN:
            self._known.clear()
        known = self._known[packed] = packed, contribution
        return known

    def archive_all(
        self, contribution: Contribution, admits: Callable[[bytes], bool]
    ) -> list[bytes]:
        """Add to the archive wherever the archive row does not hold it already.

        Returns the keys of the archive rows that changed.
        """
        keys = []
        for cell, measures in contribution.items():
            key = archive_key(cell)
            if admits(key):
                add(self.archive.setdefault(cell, {}), measures)
                self._add(cell, measures)
                keys.append(key)
        return keys

    def archive_row(self, key: bytes) -> bytes:
        """Return the payload of an archive row."""
        return json.dumps(self.archive[decode_cell(key[len(ARCHIVE) :].decode())]).encode()

    def all_changed(self, published: Iterable[Cell]) -> None:
        """Mark every cell, and each that was published and is not there any more."""
        self._changed |= self.totals.keys() | set(published)

    def take_changed(self) -> Iterator[tuple[Cell, Measures]]:
        """Yield the cells that changed since the last call, with their measures."""
        changed, self._changed = self._changed, set()
        for cell in sorted(changed):
            yield cell, self.totals.get(cell, {})

    def _add(self, cell: Cell, measures: Measures) -> None:
        self._exchange(cell, _NONE, measures)

    def _exchange(self, cell: Cell, old: Measures, new: Measures) -> None:
        total = self.totals.setdefault(cell, {})
        exchange(total, old, new)
        if not total:
            del self.totals[cell]
        self._changed.add(cell)


def archive_key(cell: Cell) -> bytes:
    """Return the key of a cell's archive row."""
    return ARCHIVE + encode_cell(cell).encode()
