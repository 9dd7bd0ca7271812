"""The namespace that an export becomes: its topics, that they are empty, and the way there."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from streams import topics
from streams.admin import describe_topics, ensure_topics
from streams.config import Settings
from streams.engine.api import Headers
from streams.engine.reader import bounds, group_less
from streams.engine.writer import Outbox
from streams.errors import TowerError
from streams.publishing import durable_producer
from streams.topics import TOPICS, named

ON_THE_WAY = 5_000  # records sent and not acknowledged yet

# What may be there already: events that wait for the new tower, and how to reach customers.
_MAY_WAIT = frozenset(
    {topics.ORDER_EVENTS, topics.COURIER_EVENTS, topics.CONTACT_UPDATES, topics.CONTACTS}
)


class Target:
    """Sends to a namespace, in order within each partition; `settle` waits for all of it."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, consumer: Any) -> None:  # noqa: ANN401
        self._settings = settings
        self._producer = producer
        self._consumer = consumer
        self._sent: list[asyncio.Future[object]] = []

    async def send(
        self,
        topic: str,
        partition: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: Headers = (),
        timestamp: int | None = None,
    ) -> None:
        """Send a record; `partition` None: that of the key, `timestamp` None: now."""
        future = await self._producer.send(
            named(self._settings.namespace, topic),
            value,
            key,
            partition=partition,
            timestamp_ms=timestamp,
            headers=list(headers),
        )
        self._sent.append(future)
        if len(self._sent) >= ON_THE_WAY:
            await self.settle()

    async def publish(self, said: Outbox, which: Collection[str]) -> None:
        """Send what folds said on some topics, and forget what they said on others."""
        for topic, sendings in said.take().items():
            if topic in which:
                for (key, value, headers), partition in sendings:
                    await self.send(topic, partition, key, value, headers)

    async def settle(self) -> None:
        """Return once everything sent is acknowledged."""
        sent, self._sent = self._sent, []
        await asyncio.gather(*sent)

    async def must_hold(self, counts: Mapping[str, int]) -> None:
        """Raise unless each log (`topic/partition`) holds so many records, from offset 0 on."""
        for place, (begin, end) in (await self._bounds(counts)).items():
            if end != counts[place]:
                raise TowerError(
                    f"{place} was to hold {counts[place]} records and holds {begin} to {end}:"
                    " somebody else wrote there. Use another namespace."
                )

    async def must_be_empty(self, partitions: int) -> None:
        """Raise if there is anything in a topic that only the tower itself writes."""
        places = [
            f"{topic.name}/{number}"
            for topic in TOPICS
            if topic.name not in _MAY_WAIT
            for number in range(topic.partitions or partitions)
        ]
        for place, (_, end) in (await self._bounds(places)).items():
            if end:
                namespace = self._settings.namespace
                raise TowerError(
                    f"The namespace {namespace} is in use: {place} holds records. Name one that"
                    " no worker has run in."
                )

    async def _bounds(self, places: Collection[str]) -> dict[str, tuple[int, int]]:
        by_tp = {}
        for place in places:
            topic, _, number = place.rpartition("/")
            tp = TopicPartition(named(self._settings.namespace, topic), int(number))
            by_tp[tp] = place
        found = await bounds(self._consumer, by_tp)
        return {by_tp[tp]: range_ for tp, range_ in found.items()}


@asynccontextmanager
async def prepared(settings: Settings) -> AsyncIterator[Target]:
    """Yield a namespace that nobody has used, its topics made.

    Raises:
        TowerError: no broker; the namespace is in use or has another partition count; Kafka
            does not take everything.
    """
    await ensure_topics(settings.kafka, settings)
    await _must_fit(settings)
    try:
        async with (
            group_less(settings.kafka, "tower.rebuild") as consumer,
            durable_producer(settings.kafka) as producer,
        ):
            target = Target(settings, producer, consumer)
            await target.must_be_empty(settings.partitions)
            yield target
    except KafkaError as error:
        raise TowerError(
            f"Kafka did not take everything ({error!r}): the namespace {settings.namespace} is"
            " half made and of no use. Build another one."
        ) from error


async def _must_fit(settings: Settings) -> None:
    names = [named(settings.namespace, topic.name) for topic in TOPICS]
    there = await describe_topics(settings.kafka, names)
    for topic in TOPICS:
        name = named(settings.namespace, topic.name)
        needed = topic.partitions or settings.partitions
        if there[name].partitions != needed:
            raise TowerError(
                f"The topic {name} has {there[name].partitions} partitions, the export"
                f" {needed}: use another namespace."
            )
