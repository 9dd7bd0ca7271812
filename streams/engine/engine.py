"""Everything between Kafka and the agents of one worker, in one object.

One consumer in the group `<namespace>.worker` for all sources, one idempotent producer, and
a `Partition` for every partition this worker owns. streams/engine/README.md has the rules.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from faust import App, ChannelT

from streams.config import Settings
from streams.engine.api import PartitionFold, RecordBatch
from streams.engine.changelog import OvertakenError, Tail
from streams.engine.failpoints import Failpoint
from streams.engine.feed import Feed
from streams.engine.partition import Partition
from streams.engine.pulse import Pulse
from streams.engine.reader import close, patiently
from streams.engine.recovery import Recovered, read_range, recover
from streams.engine.rows import PartitionRows
from streams.engine.source import Source
from streams.engine.writer import Writer
from streams.errors import TowerError
from streams.kafka import consumer_options
from streams.refusal import kept_out
from streams.topics import named

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
STOP_SECONDS = 2.5  # for the flushes under way, and again for the last barrier


class Engine(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Reads the sources, feeds the agents' channels, and makes what they fold durable.

    Plain counters for the sensor: `rebalances`, `recovered_rows`, `recovered_seconds`,
    `flushes`, `records`, `holes`, and `commit_age()` in seconds.
    """

    def __init__(self, app: App, settings: Settings, sources: Sequence[Source]) -> None:
        self.app = app
        self.settings = settings
        self.rebalances = self.records = 0
        self.recovered_rows = 0
        self.recovered_seconds = 0.0
        self.failed: asyncio.Event = asyncio.Event()
        self.failure: BaseException | None = None
        self._flushed_before = 0
        self._sources = {source.topic: source for source in sources}
        self._by_name = {named(settings.namespace, source.topic): source for source in sources}
        self._channels: dict[str, ChannelT[RecordBatch]] = {
            source.topic: app.channel(maxsize=1) for source in sources
        }
        self._failpoint = Failpoint(settings.failpoint)
        self._pulse = Pulse(settings.session_timeout_seconds)
        self._writer: Writer
        self._consumer: Any = None  # aiokafka is untyped; None until started
        self._partitions: dict[TopicPartition, Partition] = {}
        self._feed: Feed | None = None
        self._carriers: dict[TopicPartition, asyncio.Task[None]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._recoveries: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._assigned: set[TopicPartition] = set()
        self._joined = False

    # What agents and the composition root use

    def channel(self, which: str) -> ChannelT[RecordBatch]:
        """Return the channel an agent iterates, by the source's name or topic (short name)."""
        return self._channels[self._named(which).topic]

    async def apply(self, batch: RecordBatch) -> None:
        """Fold a batch as far as it continues; a failure ends the worker and never returns."""
        partition = self._find(batch.topic, batch.partition)
        if partition is None or not partition.open:
            return
        try:
            before = partition.applied
            refused = partition.apply(batch.records)
            self.records += partition.applied - before
        except Exception as failure:  # noqa: BLE001  # whatever a fold raises is fatal
            await self.crash(failure)
        else:
            if refused:
                self._reading.ask_again(self._tp(batch.topic, batch.partition), "a hole")
            await partition.room()

    @property
    def ready(self) -> bool:
        """Whether every assigned partition is recovered and being read."""
        return (
            self._joined
            and self.failure is None
            and self._pulse.fresh()
            and all(tp in self._partitions for tp in self._assigned)
        )

    def folds(self, which: str) -> dict[int, PartitionFold]:
        """Return the folds of a source (by its name or topic), by partition."""
        source = self._named(which)
        return {
            partition.number: partition.fold
            for partition in self._partitions.values()
            if partition.source is source
        }

    def lag(self) -> dict[tuple[str, int], int]:
        """Return how many records each owned partition (short topic, number) is behind."""
        lags = {}
        for tp, partition in self._partitions.items():
            high = self._reading.highwater(tp)
            if high is not None:
                lags[partition.source.topic, partition.number] = max(
                    0, high - partition.order.expected
                )
        return lags

    @property
    def flushes(self) -> int:
        """How many flushes wrote rows."""
        return self._flushed_before + sum(p.flushes for p in self._partitions.values())

    @property
    def holes(self) -> int:
        """How many offsets of owned partitions held no record (control records)."""
        return sum(p.order.believed for p in self._partitions.values())

    def commit_age(self) -> float:
        """Return the seconds since the oldest last barrier of an owned partition."""
        now = time.monotonic()
        return max((now - p.barrier_at for p in self._partitions.values()), default=0.0)

    # Life

    async def start(self) -> None:
        """Connect, check the topics and join the group; the agents must be iterating."""
        settings = self.settings
        session_ms = int(settings.session_timeout_seconds * 1000)
        self._writer = Writer(settings.kafka, settings.namespace, self._pulse)
        self._consumer = AIOKafkaConsumer(
            **consumer_options(settings.kafka),
            client_id=f"{settings.namespace}.worker",
            group_id=f"{settings.namespace}.worker",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=int(settings.heartbeat_seconds * 1000),
            rebalance_timeout_ms=max(session_ms, 30_000),
            max_poll_interval_ms=2**31 - 1,
            fetch_max_wait_ms=250,
            metadata_max_age_ms=60_000,
        )
        self._feed = Feed(self._consumer, self._partitions, settings.max_batch)
        self._spawn(kept_out(settings.kafka, lambda: not self._pulse.fresh()))
        await patiently(self._writer.producer.start)
        await self._check_topics()
        await patiently(self._consumer.start)
        self._pulse.listen(self._consumer)
        self._consumer.subscribe(list(self._by_name), listener=self)
        self._spawn(self._pulse.run())
        self._spawn(self._beats())
        self._spawn(self._commits())
        for source in self._sources.values():
            self._spawn(self._reading.run(source, self._channels[source.topic]))

    async def stop(self) -> None:
        """Take a last barrier and leave the group."""
        healthy = self.failure is None
        if healthy:
            await self._part(STOP_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._drop()
        if self._consumer is not None:
            await close(self._consumer)
            await self._writer.stop()

    async def crash(self, failure: BaseException) -> None:
        """End the worker with exit code 1, without a commit; never returns."""
        if self.failure is None:
            self.failure = failure
            for partition in self._partitions.values():
                partition.close()
            self.failed.set()
            if not isinstance(failure, TowerError):  # a sentence needs no traceback
                await self.app.crash(failure)
        await asyncio.Event().wait()

    # The group's calls

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Make what is applied durable and forget it."""
        if self.failure is not None:
            return
        try:
            await self._part(self.settings.session_timeout_seconds)
        except Exception as failure:  # noqa: BLE001  # aiokafka would log and go on
            self._spawn(self.crash(failure))
        if revoked:
            log.info("partitions revoked: %d", len(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Start to recover; aiokafka sends no heartbeat while it waits for this call."""
        if assigned:
            self._consumer.pause(*assigned)
        self._assigned = set(assigned)
        self._joined = True
        self.rebalances += 1
        self._pulse.beat()
        log.info("partitions assigned: %s", _listed(assigned))
        self._recover_soon(assigned)

    # Recovery and parting

    def _recover_soon(self, tps: Iterable[TopicPartition]) -> None:
        task = asyncio.create_task(self._guarded(self._recover(list(tps))))
        self._recoveries.add(task)
        task.add_done_callback(self._recoveries.discard)

    async def _recover(self, tps: Sequence[TopicPartition]) -> None:
        if not tps:
            return
        started = time.monotonic()
        settings = self.settings
        wanted = [(self._by_name[tp.topic], tp.partition) for tp in tps]
        for one in await recover(settings.kafka, settings.namespace, wanted):
            self._open(one)
            await asyncio.sleep(0)
        self.recovered_seconds = time.monotonic() - started

    def _open(self, found: Recovered) -> None:
        tp = self._tp(found.source.topic, found.number)
        rows = PartitionRows(found.rows, found.expected - 1)
        fold = found.source.fold(found.number)
        fold.recover(found.meta, rows, found.cells)
        self._pulse.worked()
        self.recovered_rows += len(rows)
        table = self._tp(found.source.table, found.number)

        async def read_foreign(
            ranges: Sequence[tuple[int, int]],
        ) -> Mapping[bytes, bytes | None]:
            log.warning("another writer on %s/%d: %s", table.topic, table.partition, ranges)
            return await read_range(self.settings.kafka, table, ranges)

        partition = Partition(
            found.source,
            found.number,
            fold,
            rows,
            expected=found.expected,
            tail=Tail(f"{table.topic}/{table.partition}", found.tail),
            writer=self._writer,
            failpoint=self._failpoint,
            read_foreign=read_foreign,
            barrier_seconds=self.settings.barrier_seconds,
        )
        self._partitions[tp] = partition
        self._reading.opened(tp)
        self._carriers[tp] = asyncio.create_task(self._guarded(self._carry(tp, partition)))

    async def _carry(self, tp: TopicPartition, partition: Partition) -> None:
        try:
            await partition.run()
        except OvertakenError:
            log.warning("%s/%d was overtaken, recovering it anew", tp.topic, tp.partition)
            was_open = partition.open
            partition.drop()
            if not was_open:
                return
            self._consumer.pause(tp)
            self._reading.closed(tp)
            del self._partitions[tp], self._carriers[tp]
            self._recover_soon([tp])

    async def _part(self, patience: float) -> None:
        """Take a barrier of every partition, commit, and forget them all.

        Waits `patience` seconds for flushes under way and as long for the barriers.
        """
        for task in list(self._recoveries):
            task.cancel()
        await asyncio.gather(*self._recoveries, return_exceptions=True)
        for partition in self._partitions.values():
            partition.close()
        carried = self._pulse.fresh()  # else the partitions may be somebody else's by now
        if self._carriers and carried:
            _, busy = await asyncio.wait(self._carriers.values(), timeout=patience)
            carried = not busy  # a flush cut off in the middle must not become durable
        if self._partitions and carried:
            try:
                async with asyncio.timeout(patience):
                    await asyncio.gather(*(p.barrier() for p in self._partitions.values()))
                    await self._commit()
            except (TimeoutError, OvertakenError):
                log.warning("parted without a barrier; the next owner repeats a little")
        self._drop()

    def _drop(self) -> None:
        for tp, partition in self._partitions.items():
            self._flushed_before += partition.flushes
            partition.drop()
            self._reading.closed(tp)
        for carrier in self._carriers.values():
            carrier.cancel()
        self._partitions.clear()
        self._carriers.clear()
        self._committed.clear()
        self._assigned.clear()
        self._joined = False

    # Time and commits

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for tp, partition in list(self._partitions.items()):
                if partition.open:
                    partition.beat(self._reading.beat(tp))

    async def _commits(self) -> None:
        while True:
            await asyncio.sleep(self.settings.barrier_seconds)
            await self._commit()

    async def _commit(self) -> None:
        """Commit what is durable; for lag monitors only, recovery reads the partition row."""
        offsets = {
            tp: partition.durable + 1
            for tp, partition in self._partitions.items()
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

    # Small things

    @property
    def _reading(self) -> Feed:
        if self._feed is None:
            raise RuntimeError("the engine was not started")
        return self._feed

    def _named(self, which: str) -> Source:
        for source in self._sources.values():
            if which in (source.name, source.topic):
                return source
        raise KeyError(which)

    def _find(self, topic: str, number: int) -> Partition | None:
        return self._partitions.get(self._tp(topic, number))

    def _tp(self, topic: str, number: int) -> TopicPartition:
        return TopicPartition(named(self.settings.namespace, topic), number)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as failure:  # noqa: BLE001  # any failure ends the worker
            await self.crash(failure)

    async def _check_topics(self) -> None:
        for source in self._sources.values():
            counts = {}
            for topic in (source.topic, source.table, source.published):
                if topic is not None:
                    counts[topic] = await self._writer.partitions(topic)
            if len(set(counts.values())) > 1:
                raise TowerError(f"topics of one source differ in partitions: {counts}")


def _listed(tps: Iterable[TopicPartition]) -> str:
    return ", ".join(sorted(f"{tp.topic}/{tp.partition}" for tp in tps)) or "none"
