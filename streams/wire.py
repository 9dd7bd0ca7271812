r"""Reading Kafka's wire format when a producer wrote header names that are not UTF-8.

Kafka takes any bytes as a header's name. aiokafka decodes names strictly, so one such record
would stop every consumer at its offset for ever. Here names that are not UTF-8 are read with
their odd bytes as `\xNN`; everything else is aiokafka's own reader, at its own speed.
"""

from collections.abc import Iterator
from typing import Any, SupportsIndex

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_LENGTH = slice(8, 12)  # of a batch: where its size after the first 12 bytes is written
_PREFIX = 12


class _Octets(bytearray):
    """Bytes whose parts decode leniently."""

    def __getitem__(self, index: SupportsIndex | slice) -> Any:  # noqa: ANN401
        part = super().__getitem__(index)
        return _Octets(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        del errors
        return super().decode(encoding, "backslashreplace")


class _Batch:
    """One batch as aiokafka reads it; a name it cannot read makes us read on ourselves."""

    def __init__(self, batch: Any, octets: memoryview) -> None:  # noqa: ANN401
        self._batch = batch
        self._octets = octets

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # noqa: ANN401
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))  # at once: a generator costs every record
        except UnicodeDecodeError:
            return _leniently(self._octets)


def _leniently(octets: memoryview) -> Iterator[Any]:
    batch = _DefaultRecordBatchPy(octets)
    batch._maybe_uncompress()  # noqa: SLF001
    batch._buffer = _Octets(batch._buffer)  # noqa: SLF001
    return iter(batch)


class TolerantRecords:
    """The batches of one fetched partition, in place of aiokafka's `MemoryRecords`."""

    def __init__(self, octets: bytes) -> None:
        self._records: Any = MemoryRecords(octets)
        self._octets = memoryview(octets)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Return how many bytes were fetched."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Tell whether there is another whole batch."""
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch:
        """Return the next batch."""
        rest = self._octets[self._at :]
        end = _PREFIX + int.from_bytes(rest[_LENGTH])
        self._at += end
        return _Batch(self._records.next_batch(), rest[:end])


def install() -> None:
    """Let every consumer of this process read that way; to be called before one starts."""
    fetcher.MemoryRecords = TolerantRecords
