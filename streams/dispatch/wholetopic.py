"""A compacted topic as a whole: read to its end, and followed from there."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.config import Settings
from streams.dispatch.kafka import patiently
from streams.kafka import consumer_options

PATIENCE_SECONDS = 10.0  # with the broker away, or the follower at its end


async def read_all(settings: Settings, topic: str, partitions: set[int]) -> dict[bytes, bytes]:
    """Return the newest value of every key of a compacted topic, read to its end."""
    whole = [TopicPartition(topic, each) for each in sorted(partitions)]

    async def attempt() -> dict[bytes, bytes]:
        consumer = AIOKafkaConsumer(
            **consumer_options(settings.kafka), auto_offset_reset="earliest"
        )
        values: dict[bytes, bytes] = {}
        try:
            await consumer.start()
            consumer.assign(whole)
            ends = await consumer.end_offsets(whole)
            begins = await consumer.beginning_offsets(whole)
            left = {each for each in whole if ends[each] > begins[each]}
            while left:
                for partition, records in (await consumer.getmany(timeout_ms=500)).items():
                    for record in records:
                        _put(values, record.key, record.value)
                    if await consumer.position(partition) >= ends[partition]:
                        left.discard(partition)
        finally:
            await consumer.stop()
        return values

    return await patiently(settings.kafka, f"reading {topic}", attempt)


def _put(values: dict[bytes, bytes], key: bytes | None, value: bytes | None) -> None:
    if key is None:
        return
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


class Follower:
    """Reads all of a topic from its beginning, in no group, and says how far it has come."""

    def __init__(self, settings: Settings, topic: str, partitions: set[int]) -> None:
        self._settings = settings
        self._topic = topic
        self._whole = [TopicPartition(topic, each) for each in sorted(partitions)]
        self._consumer = AIOKafkaConsumer(
            **consumer_options(settings.kafka), auto_offset_reset="earliest"
        )
        self._read = dict.fromkeys(self._whole, 0)
        self._came = asyncio.Condition()
        self._started = asyncio.Event()

    async def follow(self, take: Callable[[bytes | None, bytes | None], None]) -> None:
        """Give every record's key and value to `take`, without end."""
        doing = f"following {self._topic}"
        await patiently(self._settings.kafka, doing, self._consumer.start)
        try:
            self._consumer.assign(self._whole)
            self._started.set()
            while True:
                for partition, records in (
                    await self._consumer.getmany(timeout_ms=500)
                ).items():
                    for record in records:
                        take(record.key, record.value)
                    self._read[partition] = records[-1].offset + 1
                async with self._came:
                    self._came.notify_all()
        finally:
            await self._consumer.stop()

    async def reach_end(self) -> None:
        """Wait, though not for ever, until everything is taken that is in the topic now."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._reach_end()

    async def _reach_end(self) -> None:
        await self._started.wait()

        async def ends() -> dict[TopicPartition, int]:
            return dict(await self._consumer.end_offsets(self._whole))

        async def begins() -> dict[TopicPartition, int]:
            return dict(await self._consumer.beginning_offsets(self._whole))

        where, doing = self._settings.kafka, f"asking for the end of {self._topic}"
        wanted, first = await patiently(where, doing, ends), {}
        if any(not read for read in self._read.values()):
            first = await patiently(where, doing, begins)
        async with self._came:
            await self._came.wait_for(
                lambda: all(
                    max(self._read[each], first.get(each, 0)) >= wanted[each]
                    for each in self._whole
                )
            )
