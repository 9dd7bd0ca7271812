"""One owned partition: its fold, its rows and the way of both to the broker.

Folding is synchronous, so what a barrier cuts off is always a whole number of records. One
task a partition carries flushes and barriers to the broker, in this order:

    outputs -> acknowledged -> archive rows -> acknowledged -> rows        (a flush)
    all rows acknowledged -> cells -> acknowledged -> partition row
        -> acknowledged -> offset to commit                                (a barrier)

Folds go on while a flush is under way; what they put goes out with the next one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from streams.engine.api import Beat, PartitionFold, Record
from streams.engine.changelog import Tail, settle
from streams.engine.contiguity import Contiguity
from streams.engine.failpoints import Failpoint
from streams.engine.rows import PARTITION_KEY, Changes, PartitionRows, pack
from streams.engine.source import Source
from streams.engine.writer import Outbox, Outgoing, Writer

ROOM = 2_000  # outputs and rows that may wait before a partition's agent has to

ReadForeign = Callable[[Sequence[tuple[int, int]]], Awaitable[Mapping[bytes, bytes | None]]]


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
        self._tail = tail
        self._writer = writer
        self._lane = writer.private_lane(source.table, number, tail.acknowledged)
        self._failpoint = failpoint
        self._read_foreign = read_foreign
        self._outbox = Outbox()
        self._remembered: bytes | None = None
        self._rows_sent: list[asyncio.Future[None]] = []
        self._barrier_seconds = barrier_seconds
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._turn = asyncio.Lock()

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

    async def room(self) -> None:
        """Return once the way to the broker is free enough for another batch."""
        await self._room.wait()

    def close(self) -> None:
        """Take no more records; who waits for room goes on."""
        self.open = False
        self._room.set()
        self._wake.set()

    def drop(self) -> None:
        """Forget what was not sent: the partition is somebody else's."""
        self.close()
        self._lane.drop()
        for sent in self._rows_sent:
            sent.cancel()

    async def run(self) -> None:
        """Carry flushes and barriers until closed; never cut off in the middle of one."""
        due = time.monotonic()
        while True:
            left = due - time.monotonic()
            if left > 0:
                try:
                    await asyncio.wait_for(self._wake.wait(), left)
                except TimeoutError:
                    left = 0
            self._wake.clear()
            if self._closed():
                return
            if left > 0:
                await self.flush()
            else:
                await self.barrier()
                due = time.monotonic() + self._barrier_seconds

    async def flush(self) -> None:
        """Send what waits: outputs, then rows."""
        async with self._turn:
            await self._flush()

    async def barrier(self) -> None:
        """Make everything applied so far durable, the partition row last."""
        async with self._turn:
            await self._barrier()

    def _closed(self) -> bool:
        return not self.open

    def _moved(self) -> None:
        self._wake.set()
        if self.open and len(self._outbox) + self.rows.changed() > ROOM:
            self._room.clear()

    async def _flush(self) -> None:
        sendings, changes = self._outbox.take(), self.rows.take()
        self._room.set()
        if sendings:
            await self._writer.post(sendings)
        if changes:
            await self._write(changes)

    async def _write(self, changes: Changes) -> None:
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
            self._rows_sent = [sent for sent in self._rows_sent if not _fine(sent)]
            self._rows_sent.append(self._lane.put(rest))

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
