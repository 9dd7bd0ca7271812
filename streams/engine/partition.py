"""One owned partition: its fold, its rows and the way of both to the broker.

Folding is synchronous, so what a barrier cuts off is always a whole number of records. One
task a partition carries flushes and barriers to the broker, in this order:

    outputs -> acknowledged -> archive rows -> acknowledged -> rows        (a flush)
    all rows acknowledged -> cells -> acknowledged -> partition row
        -> acknowledged -> offset to commit                                (a barrier)

Folds go on while a flush is under way; what they put goes out with the next one. A partition
over one of the bounds below is `full`: it is not read until the broker has caught up, and
every other partition goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

from aiokafka.errors import KafkaError

from streams.engine.api import Beat, PartitionFold, Record
from streams.engine.changelog import Tail, settle
from streams.engine.contiguity import Contiguity
from streams.engine.failpoints import Failpoint
from streams.engine.rows import PARTITION_KEY, Changes, PartitionRows, pack
from streams.engine.source import Source
from streams.engine.writer import Outbox, Outgoing, Sending, Writer
from streams.errors import TowerError

# What of one partition may not be acknowledged before it is read no further. What one answer
# of the broker makes comes on top, for an answer is folded whole.
WAITING = 2_000  # outputs and rows gathered: about two batches, what one flush carries well
FLUSHES = 8  # flushes whose rows are under way: enough to keep a slow link busy
BYTES = 8 * 1024 * 1024  # of values: 64 partitions stay below 512 MiB with the broker away

ReadForeign = Callable[[Sequence[tuple[int, int]]], Awaitable[Mapping[bytes, bytes | None]]]
_Sendings = Mapping[str, Sequence[Sending]]


class Partition:
    """One partition of one source, recovered and in order."""

    def __init__(  # noqa: PLR0913  # it is where everything meets
        self,
        source: Source,
        number: int,
        fold: PartitionFold,
        rows: PartitionRows,
        *,
        expected: int,
        tail: Tail,
        writer: Writer,
        failpoint: Failpoint,
        read_foreign: ReadForeign,
        barrier_seconds: float,
    ) -> None:
        self.source = source
        self.number = number
        self.fold = fold
        self.rows = rows
        self.order = Contiguity(expected)
        self.durable = -2  # the applied offset the broker remembers; below -1: none yet
        self.flushes = 0
        self.barrier_at = time.monotonic()
        self.open = True
        self.parked = self.dropped = False
        self.relieved: Callable[[], None] = _nobody  # called when no longer full
        self._tail = tail
        self._writer = writer
        self._lane = writer.private_lane(source.table, number, tail.acknowledged)
        self._failpoint = failpoint
        self._read_foreign = read_foreign
        self._outbox = Outbox()
        self._remembered: bytes | None = None
        self._rows_sent: list[asyncio.Future[None]] = []
        self._barrier_seconds = source.barrier_seconds or barrier_seconds
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._full = False
        self._sending = 0  # bytes of the outputs of the flush under way
        self._flying: dict[asyncio.Future[None], int] = {}  # rows of flushes, in bytes
        self._mean = 0.0  # bytes of an output or row of the last flush

    @property
    def applied(self) -> int:
        """The offset of the last record that is applied or believed not to exist."""
        return self.order.expected - 1

    def apply(self, records: tuple[Record, ...]) -> bool:
        """Fold what continues; return whether the rest was refused at a hole."""
        admitted, refused = self.order.admit(records)
        if admitted:
            self.fold.fold(admitted, self._outbox)
            self._moved()
        return refused

    def beat(self, beat: Beat) -> None:
        """Let the fold say what time says."""
        self.fold.beat(beat, self._outbox)
        self._moved()

    @property
    def full(self) -> bool:
        """Whether too much is not acknowledged to read on."""
        return self._full

    @property
    def flushes_in_flight(self) -> int:
        """How many flushes have not been acknowledged."""
        return len(self._flying) + (self._sending > 0)

    def close(self) -> None:
        """Take no more records."""
        self.open = False
        self._wake.set()

    async def park(self) -> None:
        """Make all that was applied durable and stand still, to be opened again or dropped."""
        self.close()
        await self.barrier()
        self.parked = True

    def unchanged(self, end: int) -> bool:
        """Tell whether memory is what a recovery would find, `end` being the changelog's.

        It is where the last barrier succeeded and nobody wrote behind it: then the newest row
        of every key, and the partition row, are ours.
        """
        return self.parked and not self._tail.foreign and self._tail.end == end

    def unpark(self) -> None:
        """Go on from memory; only where nobody wrote in between."""
        self.parked, self.open = False, True
        self.barrier_at = time.monotonic()

    def drop(self) -> None:
        """Forget what was not sent: the partition is somebody else's."""
        self.close()
        self.dropped = True
        self._lane.drop()
        for sent in self._rows_sent:
            sent.cancel()

    async def run(self) -> None:
        """Carry flushes and barriers until closed; never cut off in the middle of one."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            timer = loop.call_at(due, self._wake.set)
            await self._wake.wait()
            timer.cancel()
            self._wake.clear()
            if not self.open:
                return
            if loop.time() < due and not self._presses():
                await self.flush()
            else:
                await self.barrier()
                due = loop.time() + self._barrier_seconds

    def _presses(self) -> bool:
        presses = self.source.presses
        return presses is not None and presses(self.fold)

    async def flush(self) -> None:
        """Send what waits: outputs, then rows."""
        async with self._turn:
            with self._told():
                await self._flush()

    async def barrier(self) -> None:
        """Make everything applied so far durable, the partition row last."""
        async with self._turn:
            with self._told():
                await self._barrier()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in a sentence what the broker will not take."""
        try:
            yield
        except KafkaError as refused:
            raise TowerError(
                f"The broker refused what was written for {self.source.topic}/{self.number} "
                f"({refused!r}); the worker ends before anything of it is committed."
            ) from refused

    def _moved(self) -> None:
        self._wake.set()
        self._weigh()

    def _weigh(self) -> None:
        """See whether the bounds are kept."""
        waiting = len(self._outbox) + self.rows.changed()
        flying = sum(self._flying.values()) + self._sending
        before, self._full = (
            self._full,
            waiting > WAITING
            or len(self._flying) > FLUSHES
            or flying + waiting * self._mean > BYTES,
        )
        if before and not self._full:
            self.relieved()

    def _landed(self, rows: asyncio.Future[None]) -> None:
        self._flying.pop(rows, None)
        self._weigh()

    async def _flush(self) -> None:
        sendings, changes = self._outbox.take(), self.rows.take()
        outputs, rows = _bytes_of(sendings, changes)
        if sendings or changes:
            count = sum(map(len, sendings.values())) + len(changes.first) + len(changes.rest)
            self._mean = (outputs + rows) / max(1, count)
        if sendings:
            self._sending = outputs
            self._weigh()
            await self._writer.post(sendings)
            self._sending = 0
        if changes:
            await self._write(changes, rows)
        self._weigh()

    async def _write(self, changes: Changes, size: int = 0) -> None:
        name = self.source.name
        self.flushes += 1
        self._failpoint.flush(name)
        self._failpoint.reach(name, "after-outputs")
        if changes.first:
            await self._lane.put(_outgoing(changes.first))
        rest = _outgoing(changes.rest)
        if self._failpoint.due(name, "half-rows"):
            await self._lane.put(rest[: len(rest) // 2])
            self._failpoint.reach(name, "half-rows")
        if rest:
            sent = self._lane.put(rest)
            self._flying[sent] = size
            sent.add_done_callback(self._landed)
            self._rows_sent = [*(sent for sent in self._rows_sent if not _fine(sent)), sent]

    async def _barrier(self) -> None:
        cells = Outbox()
        if self.applied >= self.rows.highest_recovered:
            self.fold.publish(cells)
        applied, meta = self.applied, self.fold.meta()
        await self._flush()
        await self._rows_acknowledged()
        if len(cells):
            await self._writer.post(cells.take())
        self.barrier_at = time.monotonic()
        if applied == self.durable and meta == self._remembered:
            return
        self._failpoint.reach(self.source.name, "before-partition-row")
        await self._lane.put([(PARTITION_KEY, pack(applied, meta), ())])
        self.durable, self._remembered = applied, meta

    async def _rows_acknowledged(self) -> None:
        """Wait for every row sent; answer another writer until nobody wrote in between."""
        while True:
            sent, self._rows_sent = self._rows_sent, []
            await asyncio.gather(*sent)
            if not self._tail.foreign:
                return
            foreign, self._tail.foreign = self._tail.foreign, []
            if settle(self.rows, self.applied, await self._read_foreign(foreign)):
                self.durable = -2
            await self._flush()


def _outgoing(rows: Mapping[bytes, bytes | None]) -> list[Outgoing]:
    return [(key, row, ()) for key, row in rows.items()]


def _fine(sent: asyncio.Future[None]) -> bool:
    return sent.done() and not sent.cancelled() and sent.exception() is None


def _bytes_of(sendings: _Sendings, changes: Changes) -> tuple[int, int]:
    """Return how many bytes of values the outputs and the rows of a flush are."""
    outputs = sum(
        len(value)
        for ones in sendings.values()
        for (_, value, _), _ in ones
        if value is not None
    )
    return outputs, sum(
        map(len, filter(None, chain(changes.first.values(), changes.rest.values())))
    )


def _nobody() -> None:
    """Nobody waits for the partition to be read again."""
