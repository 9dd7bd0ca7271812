"""Which partitions this worker owns, from the group's calls to recovered, open and parted with.

The group protocol takes everything away before it gives anything (it is the eager one). So a
partition that is taken is parked: durable to its last record, in memory, standing still. Given
to us again, it goes on from memory if nobody wrote to its changelog since; given to another,
it is forgotten. Only what is new to us is recovered.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from streams.config import Settings
from streams.engine.changelog import OvertakenError, Tail
from streams.engine.failpoints import Failpoint
from streams.engine.feed import Feed
from streams.engine.partition import Partition
from streams.engine.pulse import Pulse
from streams.engine.recovery import Progress, Recovered, ends, read_range, recover
from streams.engine.rows import PartitionRows
from streams.engine.source import Source
from streams.engine.writer import Writer
from streams.topics import named

log = logging.getLogger(__name__)

Partitions = dict[TopicPartition, Partition]


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """The partitions of a worker: those that are open, those that are parked.

    Counters for the sensor: `rebalances`, `recovered_rows` and `kept_rows` (rows of partitions
    that went on from memory), `recovered_seconds` of the last recovery.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Iterable[Source],
        pulse: Pulse,
        crash: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        """Own nothing; `crash` ends the worker."""
        self.open: Partitions = {}
        self.parked: Partitions = {}
        self.assigned: set[TopicPartition] = set()
        self.joined = False
        self.progress = Progress()
        self.rebalances = self.recovered_rows = self.kept_rows = 0
        self.recovered_seconds = 0.0
        self.flushed_before = 0
        self._settings = settings
        self._by_name = {named(settings.namespace, source.topic): source for source in sources}
        self._pulse = pulse
        self._crash = crash
        self._failpoint = Failpoint(settings.failpoint)
        self._consumer: Any = None  # aiokafka is untyped
        self._feed: Feed
        self._writer: Writer
        self._carriers: dict[TopicPartition, asyncio.Task[None]] = {}
        self._recoveries: set[asyncio.Task[None]] = set()
        self._committed: dict[TopicPartition, int] = {}
        self._ended = False

    def attach(self, consumer: Any, feed: Feed, writer: Writer) -> None:  # noqa: ANN401
        """Take what the worker reads and writes with, before it joins the group."""
        self._consumer, self._feed, self._writer = consumer, feed, writer

    # The group's calls

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Make what is applied durable, commit, and park it."""
        if self._ended:
            return
        try:
            await self.part(self._settings.session_timeout_seconds)
        except Exception as failure:  # noqa: BLE001  # aiokafka would log and go on
            self._guard(_raised(failure))
        if revoked:
            log.info("partitions revoked: %d", len(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Start to recover; aiokafka sends no heartbeat while it waits for this call."""
        if self._ended:
            return
        if assigned:
            self._consumer.pause(*assigned)
        self.assigned = set(assigned)
        self.joined = True
        self.rebalances += 1
        self._pulse.beat()
        log.info("partitions assigned: %s", _listed(assigned))
        for tp in self.parked.keys() - assigned:
            self._drop(self.parked.pop(tp))
        kept = dict(self.parked)  # parked until it is known whether they may go on
        if kept:
            self._recovery(self._keep(kept))
        if new := assigned - kept.keys():
            self._recovery(self._recover(sorted(new)))

    # Recovering

    def _recovery(self, work: Coroutine[Any, Any, None]) -> None:
        async def counted() -> None:
            self.progress.begin()
            try:
                await work
            finally:
                self.progress.end()

        task = self._guard(counted())
        self._recoveries.add(task)
        task.add_done_callback(self._recoveries.discard)

    async def _keep(self, kept: Partitions) -> None:
        """Go on from memory where the changelog ends as we left it, else recover anew."""
        wanted = [(partition.source, partition.number) for partition in kept.values()]
        found = await ends(self._settings.kafka, self._settings.namespace, wanted)
        lost = []
        for (tp, partition), (table, (begin, end)) in zip(kept.items(), found, strict=True):
            del self.parked[tp]
            if partition.unchanged(table) and begin <= partition.order.expected <= end:
                self.kept_rows += len(partition.rows)
                partition.unpark()
                self._begin(tp, partition)
            else:
                log.info("%s/%d was written to meanwhile", tp.topic, tp.partition)
                self._drop(partition)
                lost.append(tp)
        log.info("kept %d partitions in memory", len(kept) - len(lost))
        if lost:
            await self._recover(lost)

    async def _recover(self, tps: Sequence[TopicPartition]) -> None:
        started = time.monotonic()
        settings = self._settings
        wanted = [(self._by_name[tp.topic], tp.partition) for tp in tps]
        found = await recover(settings.kafka, settings.namespace, wanted, self.progress)
        for tp, one in zip(tps, found, strict=True):
            self._begin(tp, self._made(one))
            await asyncio.sleep(0)
        self.recovered_seconds = time.monotonic() - started

    def _made(self, found: Recovered) -> Partition:
        rows = PartitionRows(found.rows, found.expected - 1)
        fold = found.source.fold(found.number)
        fold.recover(found.meta, rows, found.cells)
        self.recovered_rows += len(rows)
        table = TopicPartition(
            named(self._settings.namespace, found.source.table), found.number
        )
        return Partition(
            found.source,
            found.number,
            fold,
            rows,
            expected=found.expected,
            tail=Tail(f"{table.topic}/{table.partition}", found.tail),
            writer=self._writer,
            failpoint=self._failpoint,
            read_foreign=partial(read_range, self._settings.kafka, table),
            barrier_seconds=self._settings.barrier_seconds,
        )

    def _begin(self, tp: TopicPartition, partition: Partition) -> None:
        self.open[tp] = partition
        self._feed.opened(tp)
        self._carriers[tp] = self._guard(self._carry(tp, partition))

    async def _carry(self, tp: TopicPartition, partition: Partition) -> None:
        """Run a partition's way to the broker; recover it where another was ahead of us."""
        try:
            await partition.run()
        except OvertakenError:
            log.warning("%s/%d was overtaken, recovering it anew", tp.topic, tp.partition)
            was_open = partition.open
            self._drop(partition)
            if not was_open:
                return
            self._consumer.pause(tp)
            self._feed.closed(tp)
            del self.open[tp], self._carriers[tp]
            self._recovery(self._recover([tp]))

    # Parting

    async def part(self, patience: float) -> None:
        """Take a barrier of every partition, commit, and park those that are durable.

        Waits `patience` seconds for flushes under way and as long for the barriers.
        """
        for task in list(self._recoveries):
            task.cancel()
        await asyncio.gather(*self._recoveries, return_exceptions=True)
        for partition in self.open.values():
            partition.close()
        carried = self._pulse.fresh()  # else the partitions may be somebody else's by now
        if self._carriers and carried:
            _, busy = await asyncio.wait(self._carriers.values(), timeout=patience)
            carried = not busy  # a flush cut off in the middle must not become durable
        if self.open and carried:
            await self._barriers(patience)
        for tp, partition in self.open.items():
            self._feed.closed(tp)
            if partition.parked:
                self.parked[tp] = partition
            else:
                self._drop(partition)
        for carrier in self._carriers.values():
            carrier.cancel()
        self.open.clear()
        self._carriers.clear()
        self._committed.clear()
        self.assigned.clear()
        self.joined = False

    async def _barriers(self, patience: float) -> None:
        """Park every partition and commit; what does not succeed in time is not parked."""
        try:
            async with asyncio.timeout(patience):
                parkings = (p.park() for p in self.open.values() if not p.dropped)
                for failure in await asyncio.gather(*parkings, return_exceptions=True):
                    if isinstance(failure, OvertakenError):
                        log.warning("overtaken while parting; the next owner goes on")
                    elif failure is not None:
                        raise failure
                await self.commit()
        except TimeoutError:
            log.warning("parted without a barrier; the next owner repeats a little")

    async def commit(self) -> None:
        """Commit what is durable; for lag monitors only, recovery reads the partition row."""
        offsets = {
            tp: partition.durable + 1
            for tp, partition in self.open.items()
            if partition.durable + 1 > self._committed.get(tp, 0)
        }
        if not offsets:
            return
        try:
            await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as failure:
            log.info("not committed: %s", failure)
            return
        self._committed.update(offsets)

    def halt(self) -> None:
        """Take no more records and write no barrier: the worker failed."""
        self._ended = True
        for partition in self.open.values():
            partition.close()

    def end(self) -> None:
        """Forget everything: the worker stops, or must not write any more."""
        self._ended = True
        for task in self._recoveries | set(self._carriers.values()):
            task.cancel()
        for partition in (*self.open.values(), *self.parked.values()):
            self._drop(partition)
        self.open.clear()
        self.parked.clear()

    def _drop(self, partition: Partition) -> None:
        if not partition.dropped:
            self.flushed_before += partition.flushes
            partition.drop()

    def _guard(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except Exception as failure:  # noqa: BLE001  # any failure ends the worker
                await self._crash(failure)

        return asyncio.create_task(guarded())


async def _raised(failure: Exception) -> None:
    raise failure


def _listed(tps: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted(f"{tp.topic}/{tp.partition}" for tp in tps)) or "none"
