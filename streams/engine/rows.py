"""The rows of one partition in memory, and what of them is still to be written.

On the changelog a row is eight bytes (the offset it includes, big endian) and its payload;
a row without a value is a tombstone. Of two rows of a key the higher offset wins.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

PARTITION_KEY = b"~partition"
MAX_ROW = 1_000_000  # bytes; the broker takes 1 MiB in a batch, headers of the batch included

_OFF = struct.Struct(">q")
_NO_ROW = -1


def pack(off: int, payload: bytes) -> bytes:
    """Return a row as the changelog holds it."""
    return _OFF.pack(off) + payload


def unpack(row: bytes) -> tuple[int, bytes]:
    """Return (offset, payload) of a row of the changelog."""
    return off_of(row), row[_OFF.size :]


def off_of(row: bytes) -> int:
    """Return the offset a row of the changelog includes."""
    off: int = _OFF.unpack_from(row)[0]
    return off


def merge(rows: dict[bytes, bytes], key: bytes, row: bytes | None) -> None:
    """Take a row that was read: a tombstone removes, a lower offset changes nothing."""
    if row is None:
        rows.pop(key, None)
        return
    known = rows.get(key)
    if known is None or off_of(known) <= off_of(row):
        rows[key] = row


@dataclass(slots=True)
class Changes:
    """Rows to write, None for a tombstone; `first` is durable before `rest` is sent."""

    first: dict[bytes, bytes | None] = field(default_factory=dict)
    rest: dict[bytes, bytes | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.first or self.rest)


class PartitionRows:
    """The rows of one partition (api.Rows): bytes as on the changelog, by key."""

    def __init__(self, rows: dict[bytes, bytes], applied: int) -> None:
        """Own `rows` as recovered; those beyond `applied` are ahead of the partition row."""
        self._rows = rows
        self._ahead = {key: off for key, row in rows.items() if (off := off_of(row)) > applied}
        self.highest_recovered = max(self._ahead.values(), default=applied)
        self._changes = Changes()

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: bytes) -> bytes | None:
        row = self._rows.get(key)
        return None if row is None else row[_OFF.size :]

    def off(self, key: bytes) -> int:
        row = self._rows.get(key)
        return _NO_ROW if row is None else off_of(row)

    def recovered_off(self, key: bytes) -> int:
        return self._ahead.get(key, _NO_ROW)

    def put(self, key: bytes, payload: bytes, off: int, *, first: bool = False) -> None:
        if key == PARTITION_KEY:
            raise ValueError("this key belongs to the partition row")
        if len(payload) > MAX_ROW:
            raise ValueError(f"a row of {len(payload)} bytes is over the limit of {MAX_ROW}")
        row = _OFF.pack(off) + payload
        self._rows[key] = row
        self._change(key, row, first=first)

    def delete(self, key: bytes) -> None:
        self._rows.pop(key, None)
        self._change(key, None, first=False)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        size = _OFF.size
        return ((key, row[size:]) for key, row in self._rows.items())

    def take(self) -> Changes:
        """Return what changed since the last time."""
        changes, self._changes = self._changes, Changes()
        return changes

    def changed(self) -> int:
        """Return how many rows wait to be written."""
        return len(self._changes.first) + len(self._changes.rest)

    def repeat(self, key: bytes) -> None:
        """Write a row, or its tombstone, once more."""
        self._change(key, self._rows.get(key), first=False)

    def _change(self, key: bytes, row: bytes | None, *, first: bool) -> None:
        changes = self._changes
        now, other = (changes.first, changes.rest) if first else (changes.rest, changes.first)
        now[key] = row
        other.pop(key, None)
