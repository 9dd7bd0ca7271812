"""The inbound topics of one round: filled in a transaction, shown at once, thrown away.

What is published lies in an open transaction until `show`: a worker that is up and waiting
begins at that instant, and every other contestant reads the same bytes afterwards. Records are
keyed by their order, so that jobs that do not re-key find an order in one partition; they
carry their arrival and the ticks of the clock `feed` in headers, as `tower publish` sends them.
"""

import itertools
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from models.base import Millis
from streams.admin import connected, ensure_topics
from streams.config import Settings
from streams.partitioner import partition_of
from streams.publishing import RECEIVED_AT, TICK
from streams.topics import COURIER_EVENTS, ORDER_EVENTS, named
from tests.bench.day import Line

TICK_EVERY = 900_000  # milliseconds of event time, the default of `tower publish`
BATCH_BYTES = 256 * 1024

Item = tuple[bytes | None, bytes, list[tuple[str, bytes]]]


@dataclass(slots=True)
class Held:
    """A topic whose records nobody sees who reads only what is committed."""

    producer: AIOKafkaProducer
    topic: str
    ends: dict[int, int] = field(default_factory=dict)  # after the last record, a partition

    async def show(self) -> Millis:
        """Commit, and return the instant before it (epoch milliseconds)."""
        at = int(time.time() * 1_000)
        await self.producer.commit_transaction()
        await self.producer.stop()
        return at


async def held(
    settings: Settings, lines: Sequence[Line], end: Millis, topic: str = ORDER_EVENTS
) -> Held:
    """Publish lines in the order given, with ticks until `end`, and leave it uncommitted."""
    await ensure_topics(settings.kafka, settings)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.brokers,
        transactional_id=f"{settings.namespace}.bench",
        transaction_timeout_ms=600_000,
        max_batch_size=BATCH_BYTES,
    )
    await producer.start()
    await producer.begin_transaction()
    ticks = range(lines[0].at - TICK_EVERY, end, TICK_EVERY) if lines else ()
    for other in {ORDER_EVENTS, COURIER_EVENTS} - {topic}:
        alone = Held(producer, named(settings.namespace, other))
        for partition in range(settings.partitions):
            await send(alone, partition, [_tick(at) for at in (*ticks, end)])
    result = Held(producer, named(settings.namespace, topic))
    for partition, items in enumerate(_items(lines, [*ticks, end], settings.partitions)):
        await send(result, partition, items)
    return result


def _tick(at: Millis) -> Item:
    return None, b"", [(TICK, b"%d" % at)]


def _items(lines: Sequence[Line], ticks: list[Millis], count: int) -> list[list[Item]]:
    """Return what goes to each partition: ticks to all, a line where its key belongs."""
    items: list[list[Item]] = [[] for _ in range(count)]
    waiting = iter([*ticks, None])
    tick = next(waiting)
    for line in lines:
        while tick is not None and tick < line.at:
            for each in items:
                each.append(_tick(tick))
            tick = next(waiting)
        headers = [(RECEIVED_AT, b"%d" % line.at)]
        items[partition_of(line.order_id, count)].append((line.order_id, line.raw, headers))
    for at in itertools.takewhile(lambda at: at is not None, (tick, *waiting)):
        for each in items:
            each.append(_tick(at))
    return items


async def send(to: Held, partition: int, items: Iterable[Item]) -> None:
    """Send in batches, in order, and note where the log ends."""
    left, acknowledged = iter(items), None
    item = next(left, None)
    while item is not None:
        batch = to.producer.create_batch()
        while item is not None:
            key, value, headers = item
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                break
            item = next(left, None)
        batch.close()
        count = batch.record_count()
        sent = await to.producer.send_batch(batch, to.topic, partition=partition)
        acknowledged = (sent, count)
    if acknowledged is not None:
        to.ends[partition] = (await acknowledged[0]).offset + acknowledged[1]


@asynccontextmanager
async def reading(settings: Settings, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer of no group at the beginning of all partitions of a topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await consumer.start()
    name = named(settings.namespace, topic)
    consumer.assign([TopicPartition(name, p) for p in range(settings.partitions)])
    try:
        yield consumer
    finally:
        await consumer.stop()


async def records(settings: Settings, topic: str) -> AsyncIterator[ConsumerRecord]:
    """Yield all records a topic has now, partition by partition in order."""
    async with reading(settings, topic) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        left = {tp for tp, end in ends.items() if end}
        while left:
            for batch in (await consumer.getmany(*left, timeout_ms=100)).values():
                for record in batch:
                    yield record
            left = {tp for tp in left if await consumer.position(tp) < ends[tp]}


async def remove(settings: Settings) -> None:
    """Delete every topic of the namespace, those of the contestants too."""
    async with connected(settings.kafka) as admin:
        mine = [name for name in await admin.list_topics() if settings.namespace in name]
        await admin.delete_topics(mine)
