"""Reads the compacted topics from their beginning and goes on reading, in no group."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.config import Settings
from streams.engine.reader import bounds, patiently
from streams.topics import DESK, KPI_CELLS, named
from streams.web.desk import Desk
from streams.web.mirror import COURIERS, ORDERS, Mirror, Place

FOLLOWED = (KPI_CELLS, ORDERS, COURIERS, DESK)
AT_ONCE = 2_000  # records between two turns of the loop
LOOKS = 200  # rows judged between two turns, some 30 ms
IDLE_MS = 200
ANSWER_MS = 5_000


class Following:
    """Keeps mirror and desk up to date. `complete` once all that was there has been read."""

    def __init__(self, settings: Settings, mirror: Mirror, desk: Desk) -> None:
        self._settings = settings
        self._mirror = mirror
        self._desk = desk
        self._heard_at = time.monotonic()
        self._ends: dict[TopicPartition, int] = {}
        self.complete = False

    @property
    def heard_seconds(self) -> float:
        """Return for how long nothing came; a living tower says something every second."""
        return time.monotonic() - self._heard_at

    async def run(self, consumer: Any, partitions: Mapping[str, int]) -> None:  # noqa: ANN401
        """Follow the topics, each of so many partitions, for ever."""
        names = {named(self._settings.namespace, each): each for each in partitions}
        tps = [
            TopicPartition(full, p) for full in names for p in range(partitions[names[full]])
        ]
        ranges = await bounds(consumer, tps)
        self._ends = {tp: end for tp, (begin, end) in ranges.items() if begin < end}
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, ranges[tp][0])
        while True:
            await self._turn(consumer, names)

    async def _turn(self, consumer: Any, names: Mapping[str, str]) -> None:  # noqa: ANN401
        waiting = 0 if self._mirror.unread else IDLE_MS
        try:
            answers = await consumer.getmany(timeout_ms=waiting, max_records=AT_ONCE)
        except KafkaError as failure:
            if not failure.retriable:
                raise
            await asyncio.sleep(1.0)
            return
        for tp, records in answers.items():
            self._heard(names[tp.topic], tp, records)
        self._mirror.look(LOOKS)
        if not self.complete:
            await self._look_for_the_end(consumer)
        await asyncio.sleep(0)  # getmany does not yield while it has records

    def _heard(self, topic: str, tp: TopicPartition, records: list[Any]) -> None:
        self._heard_at = time.monotonic()
        for record in records:
            if record.key is None:
                continue
            if topic == DESK:
                self._desk.heard(record.key, record.value)
            else:
                self._mirror.heard(topic, tp.partition, record.offset, record.key, record.value)

    async def _look_for_the_end(self, consumer: Any) -> None:  # noqa: ANN401
        for tp in list(self._ends):
            if await consumer.position(tp) >= self._ends[tp]:
                del self._ends[tp]
        self.complete = not self._ends and not self._mirror.unread


class RowReader:
    """Fetches single rows of orders from the log, one request after the other."""

    def __init__(self, settings: Settings, consumer: Any) -> None:  # noqa: ANN401
        self._topic = named(settings.namespace, ORDERS)
        self._consumer = consumer
        self._one_by_one = asyncio.Lock()

    async def row(self, key: bytes, place: Place) -> bytes | None:
        """Return a row as the changelog holds it; None if a newer one has taken its place."""
        tp = TopicPartition(self._topic, place.partition)
        async with self._one_by_one:
            self._consumer.assign([tp])
            self._consumer.seek(tp, place.offset)
            answers = await patiently(
                lambda: self._consumer.getmany(tp, timeout_ms=ANSWER_MS, max_records=1)
            )
        for record in answers.get(tp, ()):
            if record.key == key and record.offset == place.offset:
                value: bytes | None = record.value
                return value
        return None
