"""Everything a worker sends, one lane a partition of a topic, acknowledged in order.

A lane gathers what its callers put while a batch is on its way and sends that as the next
batch, so many small flushes become few large requests. aiokafka's own accumulator would cost
a future and a lock a record.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError

from streams.engine.api import Headers
from streams.engine.pulse import Pulse
from streams.engine.reader import close
from streams.engine.rows import MAX_ROW
from streams.kafka import Where, client_options
from streams.partitioner import partition_of
from streams.topics import TOPICS, named

BATCH_BYTES = 256 * 1024
Acknowledged = Callable[[int | None, int], None]


Outgoing = tuple[bytes | None, bytes | None, Headers]  # key, value, headers
Sending = tuple[Outgoing, int | None]  # partition None: murmur2 of the key


class Outbox:
    """What a fold wants published (api.Outputs), in order within every topic."""

    def __init__(self) -> None:
        self._sendings: dict[str, list[Sending]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        partition: int | None = None,
    ) -> None:
        if key is None and (value is None or partition is None):
            raise ValueError("an output has a key, or a value and a partition")
        sendings = self._sendings.get(topic)
        if sendings is None:
            sendings = self._sendings[topic] = []
        sendings.append(((key, value, headers), partition))
        self._count += 1

    def take(self) -> dict[str, list[Sending]]:
        """Return what was put since the last time, by topic."""
        sendings, self._sendings, self._count = self._sendings, {}, 0
        return sendings


class Lane:
    """The way to one partition of one topic; `acknowledged` hears (base offset, records).

    The base offset is None where the broker acknowledged a retry without naming it.
    """

    def __init__(
        self, writer: "Writer", topic: str, partition: int, acknowledged: Acknowledged | None
    ) -> None:
        self._writer = writer
        self._topic = topic
        self._partition = partition
        self._acknowledged = acknowledged
        self._waiting: deque[tuple[deque[Outgoing], asyncio.Future[None]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, records: Iterable[Outgoing]) -> asyncio.Future[None]:
        """Send records after all put before; done when the last is acknowledged."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((deque(records), done))
        if self._task is None or self._task.done():
            self._task = self._writer.spawn(self._run())
        return done

    def drop(self) -> None:
        """Forget what was not handed to Kafka yet."""
        if self._task is not None:
            self._task.cancel()
        for _, done in self._waiting:
            done.cancel()
        self._waiting.clear()

    async def _run(self) -> None:
        arrived: list[asyncio.Future[None]] = []
        try:
            while self._waiting:
                await self._writer.allowed()  # before a batch is made: some may be given up
                builder, arrived = self._fill()
                if count := builder.record_count():
                    base = await self._writer.deliver(builder, self._topic, self._partition)
                    if self._acknowledged is not None:
                        self._acknowledged(base, count)
                for done in arrived:
                    if not done.done():
                        done.set_result(None)
        except Exception as failure:  # noqa: BLE001  # goes on to whoever waits
            for done in [*arrived, *(done for _, done in self._waiting)]:
                if not done.done():
                    done.set_exception(failure)
            self._waiting.clear()

    def _fill(self) -> tuple[Any, list[asyncio.Future[None]]]:
        """Return a batch of what waits, and whom its acknowledgement satisfies.

        Records go to what aiokafka's builder wraps, and all bear one time: its own way with
        each of them takes several times as long.
        """
        builder = self._writer.producer.create_batch()
        append, now = builder._builder.append, int(time.time() * 1_000)  # noqa: SLF001
        arrived: list[asyncio.Future[None]] = []
        while self._waiting:
            records, done = self._waiting[0]
            if done.cancelled():  # by a partition that is no longer ours
                records.clear()
            while records:
                key, value, headers = records[0]
                place = builder._relative_offset  # noqa: SLF001
                if append(place, now, key, value, [*headers]) is None:
                    builder.close()
                    return builder, arrived
                builder._relative_offset = place + 1  # noqa: SLF001
                records.popleft()
            arrived.append(done)
            self._waiting.popleft()
        builder.close()
        return builder, arrived


class Writer:
    """One idempotent producer and its lanes."""

    def __init__(self, where: Where, namespace: str, pulse: Pulse) -> None:
        self.producer = AIOKafkaProducer(
            **client_options(where),
            client_id=f"{namespace}.worker",
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES,
            linger_ms=0,
            request_timeout_ms=30_000,
            retry_backoff_ms=200,
        )
        self._namespace = namespace
        self._pulse = pulse
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._counts: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.records = 0  # acknowledged since the start

    async def stop(self) -> None:
        """Stop sending: what waits is dropped, the connection closed."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await close(self.producer)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a lane's work, cancelled with the writer."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def lane(self, topic: str, partition: int) -> Lane:
        """Return the shared lane of a partition (topics by short name)."""
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = Lane(self, topic, partition, None)
        return lane

    def private_lane(self, topic: str, partition: int, acknowledged: Acknowledged) -> Lane:
        """Return a lane of one owner, who hears its acknowledgements."""
        return Lane(self, topic, partition, acknowledged)

    async def partitions(self, topic: str) -> int:
        """Return a topic's partition count; it is fixed for the life of a log."""
        count = self._counts.get(topic)
        if count is None:
            found = await self.producer.partitions_for(named(self._namespace, topic))
            count = self._counts[topic] = len(found)
        return count

    async def post(self, sendings: Mapping[str, Sequence[Sending]]) -> None:
        """Send outputs, in order within every partition; return once all are acknowledged."""
        puts = []
        for topic, ones in sendings.items():
            count, limit = await self.partitions(topic), _limit(topic)
            lanes: dict[int, list[Outgoing]] = {}
            for record, partition in ones:
                key, value, _ = record
                if value is not None and len(value) > limit:
                    raise ValueError(f"an output of {len(value)} bytes for {topic}")
                where = partition_of(key or b"", count) if partition is None else partition
                lane = lanes.get(where)
                if lane is None:
                    lane = lanes[where] = []
                lane.append(record)
            puts += [self.lane(topic, where).put(lane) for where, lane in lanes.items()]
        await asyncio.gather(*puts)

    async def allowed(self) -> None:
        """Return once anything may be sent."""
        await self._pulse.wait()

    async def deliver(self, builder: Any, topic: str, partition: int) -> int | None:  # noqa: ANN401
        """Hand a batch to Kafka and return the base offset of its acknowledgement."""
        count = builder.record_count()
        full_name = named(self._namespace, topic)
        while True:
            await self._pulse.wait()
            try:
                future = await self.producer.send_batch(builder, full_name, partition=partition)
            except KafkaTimeoutError:  # the broker is away: this batch was not taken yet
                continue
            break
        # To cancel aiokafka's future would end its sender at the next try of the batch.
        metadata = await asyncio.shield(future)
        self.records += count
        return metadata.offset if metadata is not None and metadata.offset >= 0 else None


@cache
def _limit(topic: str) -> int:
    """Return the largest value (bytes) of a topic, a little below what the broker takes."""
    for entry in TOPICS:
        if entry.name == topic and "max.message.bytes" in entry.config:
            return int(entry.config["max.message.bytes"]) - 48 * 1024
    return MAX_ROW
