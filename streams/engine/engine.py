"""Everything between Kafka and the agents of one worker, in one object.

One consumer in the group `<namespace>.worker` for all sources, one idempotent producer, and
a `Partition` for every partition this worker owns. streams/engine/README.md has the rules.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from aiokafka import TopicPartition
from faust import App, ChannelT

from streams.config import Settings
from streams.engine.api import PartitionFold, RecordBatch
from streams.engine.feed import Feed
from streams.engine.member import member, replaced_by_another
from streams.engine.ownership import Ownership
from streams.engine.pulse import Pulse
from streams.engine.reader import close, patiently
from streams.engine.recovery import Recovering
from streams.engine.source import Source
from streams.engine.unpacking import unpack
from streams.engine.watch import Standing, Watch
from streams.engine.writer import Writer
from streams.errors import TowerError
from streams.refusal import kept_out
from streams.topics import named

BEAT_SECONDS = 1.0
STOP_SECONDS = 2.5  # for the flushes under way, and again for the last barrier
START_SECONDS = 60.0  # for a broker to answer at start; later it may be away for longer


class Engine:
    """Reads the sources, feeds the agents' channels, and makes what they fold durable.

    Plain counters for the sensor: `rebalances`, `recovered_rows`, `kept_rows`,
    `recovered_seconds`, `flushes`, `flushes_in_flight`, `records`, `holes`, `paused`.
    """

    def __init__(self, app: App, settings: Settings, sources: Sequence[Source]) -> None:
        self.app = app
        self.settings = settings
        self.records = 0
        self.failed: asyncio.Event = asyncio.Event()
        self.failure: BaseException | None = None
        self._sources = {source.topic: source for source in sources}
        self._channels: dict[str, ChannelT[RecordBatch]] = {
            source.topic: app.channel(maxsize=1) for source in sources
        }
        self._pulse = Pulse(settings.session_timeout_seconds)
        self._owned = Ownership(settings, sources, self._pulse, self.crash)
        self._watch = Watch(settings.stalled_seconds, settings.barrier_seconds)
        self._writer: Writer
        self._consumer: Any = None  # aiokafka is untyped; None until started
        self._feed: Feed | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # What agents and the composition root use

    def channel(self, which: str) -> ChannelT[RecordBatch]:
        """Return the channel an agent iterates, by the source's name or topic (short name)."""
        return self._channels[self._named(which).topic]

    async def apply(self, batch: RecordBatch) -> None:
        """Fold a batch as far as it continues; a failure ends the worker and never returns."""
        tp = TopicPartition(named(self.settings.namespace, batch.topic), batch.partition)
        partition = self._owned.open.get(tp)
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
                self._reading.ask_again(tp, "a hole")

    # What the sensor reads

    @property
    def ready(self) -> bool:
        """Whether every assigned partition is recovered and being read."""
        owned = self._owned
        return (
            owned.joined
            and self.failure is None
            and self._pulse.fresh()
            and owned.assigned <= owned.open.keys()
        )

    @property
    def recovering(self) -> Recovering | None:
        """How far a recovery has come (offsets read, and to read), None without one."""
        return self._owned.progress.now

    def folds(self, which: str) -> dict[int, PartitionFold]:
        """Return the folds of a source (by its name or topic), by partition."""
        source = self._named(which)
        return {p.number: p.fold for p in self._owned.open.values() if p.source is source}

    def lag(self) -> dict[tuple[str, int], int]:
        """Return how many records each owned partition (short topic, number) is behind."""
        lags = {}
        for tp, partition in self._owned.open.items():
            high = self._reading.highwater(tp)
            if high is not None:
                lags[partition.source.topic, partition.number] = max(
                    0, high - partition.order.expected
                )
        return lags

    @property
    def rebalances(self) -> int:
        """How often the group gave partitions out."""
        return self._owned.rebalances

    @property
    def recovered_rows(self) -> int:
        """How many rows were read anew from changelogs."""
        return self._owned.recovered_rows

    @property
    def kept_rows(self) -> int:
        """How many rows stayed in memory over rebalances."""
        return self._owned.kept_rows

    @property
    def recovered_seconds(self) -> float:
        """How long the last recovery took."""
        return self._owned.recovered_seconds

    @property
    def flushes(self) -> int:
        """How many flushes wrote rows."""
        owned = self._owned
        held = (*owned.open.values(), *owned.parked.values())
        return owned.flushed_before + sum(partition.flushes for partition in held)

    @property
    def flushes_in_flight(self) -> int:
        """How many flushes the broker has not acknowledged."""
        return sum(p.flushes_in_flight for p in self._owned.open.values())

    @property
    def paused(self) -> int:
        """How many partitions are not read until more of them is acknowledged."""
        return sum(partition.full for partition in self._owned.open.values())

    @property
    def holes(self) -> int:
        """How many offsets of owned partitions held no record (control records)."""
        return sum(p.order.believed for p in self._owned.open.values())

    def commit_age(self) -> float:
        """Return the seconds since the oldest last barrier of an owned partition."""
        return max(self.commit_ages().values(), default=0.0)

    def commit_ages(self) -> dict[tuple[str, int], float]:
        """Return the seconds since the last barrier of each owned partition."""
        now = time.monotonic()
        return {
            (p.source.topic, p.number): now - p.barrier_at for p in self._owned.open.values()
        }

    # Life

    async def start(self) -> None:
        """Connect, check the topics and join the group; the agents must be iterating."""
        settings = self.settings
        self._writer = Writer(settings.kafka, settings.namespace, self._pulse)
        self._consumer = member(settings, self._owned.parked.keys)
        self._feed = Feed(self._consumer, self._owned.open, settings.max_batch)
        self._owned.attach(self._consumer, self._feed, self._writer)
        try:
            async with asyncio.timeout(START_SECONDS):
                await patiently(self._writer.producer.start)
                await self._check_topics()
                await patiently(self._consumer.start)
        except TimeoutError:
            raise TowerError(
                f"No Kafka broker answered at {settings.brokers} for {START_SECONDS:.0f} s."
            ) from None
        unpack(self._consumer)
        self._pulse.listen(self._consumer, self._forgotten)
        self._consumer.subscribe(
            [named(settings.namespace, topic) for topic in self._sources], listener=self._owned
        )
        self._spawn(self._pulse.run())
        self._spawn(kept_out(settings.kafka, lambda: not self._pulse.fresh()))
        self._spawn(self._beats())
        self._spawn(self._commits())
        for source in self._sources.values():
            self._spawn(self._feed.run(source, self._channels[source.topic]))

    async def stop(self) -> None:
        """Take a last barrier and leave the group."""
        if self.failure is None and self._consumer is not None:
            try:
                await self._owned.part(STOP_SECONDS)
            except Exception as failure:  # noqa: BLE001  # told by whoever stops us
                self.failure = failure
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._owned.end()
        if self._consumer is not None:
            await close(self._consumer)
            await self._writer.stop()

    async def crash(self, failure: BaseException) -> None:
        """End the worker with exit code 1, without a commit; never returns."""
        if self.failure is None:
            self.failure = failure
            self._owned.halt()
            self.failed.set()
            if not isinstance(failure, TowerError):  # a sentence needs no traceback
                await self.app.crash(failure)
        await asyncio.Event().wait()

    def _forgotten(self) -> None:
        if (replaced := replaced_by_another(self.settings)) is not None:
            self._spawn(self.crash(replaced))

    # Time and commits

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            for tp, partition in list(self._owned.open.items()):
                if partition.open:
                    partition.beat(self._reading.beat(tp))
            able = self._pulse.fresh() and self.recovering is None
            self._watch.look(time.monotonic(), self._standings() if able else ())

    def _standings(self) -> list[Standing]:
        standings = []
        for tp, partition in self._owned.open.items():
            end = self._reading.readable(tp)
            if end is not None and partition.open:
                name = f"{partition.source.topic}/{partition.number}"
                lag = end - 1 - partition.durable
                standings.append(Standing(name, lag, partition.durable))
        return standings

    async def _commits(self) -> None:
        while True:
            await asyncio.sleep(self.settings.barrier_seconds)
            await self._owned.commit()

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

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(self._guarded(work)))

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
