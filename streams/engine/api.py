"""What an agent's logic sees of the engine: records, rows, outputs and a beat.

A `PartitionFold` is the logic of one partition of one agent: plain Python that never awaits.
The engine feeds it the partition's records exactly in order, makes its outputs and rows
durable, and rebuilds it elsewhere after a crash (docs/architecture.md, decisions 3 and 4).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Headers = tuple[tuple[str, bytes], ...]


class Record(NamedTuple):
    """One record of a log; `timestamp` is Kafka's, epoch milliseconds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records of one partition of one topic (its short name), in order, without a hole."""

    topic: str
    partition: int
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """The pulse of a partition, about once a second, all times epoch milliseconds.

    `safe_at`: every record of this partition still to be read was appended at or after it
    (the time of the previous fetch answer less the margin); None while it lags behind.
    """

    now: int
    caught_up: bool
    safe_at: int | None


class Outputs(Protocol):
    """Where a fold puts what it wants published; sent in this order, before any row."""

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        """Publish on a topic (short name); `partition` None: murmur2 of the key."""


class Rows(Protocol):
    """The rows of one partition: key -> payload, each with the offset it includes.

    A row whose offset is not below the record in hand already includes it: a fold leaves it
    alone. Archive rows (`first=True`) are made durable before the others of the same flush.
    """

    def get(self, key: bytes) -> bytes | None:
        """Return the payload, None without a row."""

    def off(self, key: bytes) -> int:
        """Return the offset the row includes, -1 without a row."""

    def recovered_off(self, key: bytes) -> int:
        """Return the offset a row had when recovered, if it was ahead of the partition.

        -1 otherwise: any record in hand is then beyond it.
        """

    def put(self, key: bytes, payload: bytes, off: int, *, first: bool = False) -> None:
        """Set a row as of the record at `off`."""

    def delete(self, key: bytes) -> None:
        """Forget a row for good (a tombstone); only after a durable closing row."""

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every (key, payload)."""


class PartitionFold(Protocol):
    """The logic of one partition of one agent."""

    def recover(self, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]) -> None:
        """Rebuild memory.

        `meta` is as of the applied offset (None: a new partition), rows may be ahead of it,
        and `published` has the latest cells of the source's `published` topic, partition of
        this number, whoever wrote them: tell your own by their key.
        """

    def fold(self, records: Sequence[Record], out: Outputs) -> None:
        """Apply records that continue what was applied; put outputs and rows."""

    def beat(self, beat: Beat, out: Outputs) -> None:
        """Say what time says (ticks); called between folds."""

    def meta(self) -> bytes:
        """Return what the partition row must remember beside the applied offset."""

    def publish(self, out: Outputs) -> None:
        """Publish cells that changed, after a recovery all of them.

        Called about once a second (before each barrier) once the partition has passed the
        highest offset of a recovered row. What the call before this one saw as applied is
        durable by now, so a dead marker from before it may be deleted here.
        """
