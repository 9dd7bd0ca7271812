"""The log of the kill switch: who stopped which notices when, and let them go on.

The topic `notice-switches` is kept for ever: it is the state and its audit in one. Every
dispatcher reads it whole and follows it, so that a stop holds within a second, also for what
waits already, and after any restart.
"""

import asyncio
from collections.abc import Callable

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from models.notices import NoticeSwitch
from streams import topics
from streams.config import Settings
from streams.dispatch.kafka import patiently
from streams.dispatch.stops import NEVER_STOPPED, Stops, decode, switched
from streams.engine.reader import bounds, group_less, read
from streams.errors import TowerError
from streams.publishing import durable_producer

POLL_MS = 500


async def follow(settings: Settings, say: Callable[[Stops], None]) -> None:
    """Say what is stopped, first when the log has been read, then whenever it grows."""
    where = _partition(settings)

    async def attempt() -> None:
        stops = NEVER_STOPPED
        async with group_less(settings.kafka, "tower.dispatcher") as consumer:
            consumer.assign([where])
            end = (await consumer.end_offsets([where]))[where]
            while True:
                for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        if (switch := decode(record.value)) is not None:
                            stops = switched(stops, switch)
                if await consumer.position(where) >= end:
                    say(stops)

    await patiently(settings.kafka, f"reading {where.topic}", attempt)


async def log(settings: Settings) -> list[NoticeSwitch]:
    """Return every switch that was ever made, the oldest first."""
    where, found = _partition(settings), list[NoticeSwitch]()

    def heard(_: TopicPartition, __: bytes, value: bytes | None) -> None:
        if (switch := decode(value)) is not None:
            found.append(switch)

    async with group_less(settings.kafka, "tower.notices") as consumer:
        await read(consumer, await bounds(consumer, [where]), heard)
    return found


async def switch(settings: Settings, made: NoticeSwitch) -> None:
    """Write a switch down; it holds from the moment this returns.

    Raises:
        TowerError: the broker did not take it in time.
    """
    where = _partition(settings)
    async with durable_producer(settings.kafka) as producer:
        key = f"{made.carrier or '*'}/{made.kind or '*'}".encode()
        value = made.model_dump_json().encode()
        sent = await producer.send(where.topic, value, key, partition=0)
        try:
            await asyncio.wait_for(sent, 10)
        except (TimeoutError, KafkaError) as error:
            raise TowerError(f"The switch was not taken by the broker ({error!r}).") from error


def _partition(settings: Settings) -> TopicPartition:
    return TopicPartition(topics.named(settings.namespace, topics.NOTICE_SWITCHES), 0)
