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

_NOTHING: Contribution = {}
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Contribution).decode
_NONE: Measures = {}


class CellBook:
    """Sums per cell, and which of them changed since they were published."""

    def __init__(self) -> None:
        self.totals: Contribution = {}
        self.archive: Contribution = {}
        self._live: dict[bytes, bytes] = {}  # packed: a dict of each would weigh ten times that
        self._changed: set[Cell] = set()

    def load_archive(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the archive rows of a partition; other rows are passed over."""
        for key, payload in rows:
            if key.startswith(ARCHIVE) and payload:
                cell = decode_cell(key[len(ARCHIVE) :].decode())
                self.archive[cell] = json.loads(payload)
                self._add(cell, self.archive[cell])

    def replace(self, key: bytes, contribution: Contribution) -> None:
        """Let a row's contribution be this one."""
        packed, now = self._live.get(key), _pack(contribution)
        if now == packed:
            return
        before = _NOTHING if packed is None else _unpack(packed)
        if contribution:
            self._live[key] = now
        else:
            self._live.pop(key, None)
        for cell, measures in contribution.items():
            self._exchange(cell, before.get(cell, _NONE), measures)
        for cell, measures in before.items():
            if cell not in contribution:
                self._exchange(cell, measures, _NONE)

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
