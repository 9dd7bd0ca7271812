"""What was set aside: read it, and send its bytes again to where they came from."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from models.letters import DeadLetter
from streams.admin import connected, describe_topics
from streams.config import Settings
from streams.errors import TowerError
from streams.feed import arrivals
from streams.publishing import RECEIVED_AT, customer_of, durable_producer
from streams.topics import CONTACT_UPDATES, COURIER_EVENTS, DEAD_LETTERS, ORDER_EVENTS, named

_INBOUND = (ORDER_EVENTS, COURIER_EVENTS, CONTACT_UPDATES)
_ANSWER_MS = 10_000


class Kept(NamedTuple):
    """One letter under its id, `topic/partition/offset`; None if we cannot read it."""

    id: str
    letter: DeadLetter | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many records were sent again, and how many came from no inbound topic."""

    sent: int
    left: int


async def read(settings: Settings) -> AsyncIterator[Kept]:
    """Yield all letters kept now, those of one partition in the order they were set aside.

    Raises TowerError when there is no broker; without the topic there are no letters.
    """
    topic = named(settings.namespace, DEAD_LETTERS)
    there = await describe_topics(settings.brokers, [topic])
    if topic not in there:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        request_timeout_ms=_ANSWER_MS,
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, each) for each in range(there[topic].partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        async for record in _until(consumer, ends):
            yield _kept(record)
    except KafkaError as error:
        raise TowerError(f"The dead letters could not be read ({error!r}).") from error
    finally:
        await consumer.stop()


async def _until(
    consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]
) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """Yield the records below the given ends."""
    waiting = set(ends)
    while waiting:
        for partition in tuple(waiting):
            if await consumer.position(partition) >= ends[partition]:
                waiting.discard(partition)
        if not waiting:
            return
        batches = await consumer.getmany(timeout_ms=200)
        for partition, records in batches.items():
            for record in records:
                if record.offset < ends[partition]:
                    yield record


def _kept(record: ConsumerRecord[bytes, bytes]) -> Kept:
    name = (record.key or b"?").decode("utf-8", "replace")
    try:
        return Kept(name, DeadLetter.model_validate_json(record.value or b""))
    except ValidationError:
        return Kept(name, None)


async def replay(settings: Settings, letters: Iterable[Kept]) -> Replayed:
    """Send the bytes of letters to their inbound topics again, each record once.

    The arrival header goes with them where they had one. Kafka gives each a new offset, so
    what is still wrong becomes a new letter and what was accepted before a duplicate.
    """
    by_id = {kept.id: kept.letter for kept in letters}
    sendable = [each for each in by_id.values() if each and _short(settings, each) in _INBOUND]
    if not sendable:
        return Replayed(0, len(by_id))
    async with connected(settings.brokers):
        pass  # one sentence at once instead of a producer's long patience
    async with durable_producer(settings.brokers) as producer:
        futures = [
            await producer.send(
                named(settings.namespace, _short(settings, letter)),
                letter.raw or b"",
                _key(_short(settings, letter), letter.raw or b""),
                headers=[
                    (name, value)
                    for name, value in letter.headers.items()
                    if name == RECEIVED_AT
                ],
            )
            for letter in sendable
        ]
        try:
            await asyncio.gather(*futures)
        except KafkaError as error:
            raise TowerError(f"Not all letters could be sent again ({error!r}).") from error
    return Replayed(len(sendable), len(by_id) - len(sendable))


def _short(settings: Settings, letter: DeadLetter) -> str:
    return letter.topic.removeprefix(named(settings.namespace, ""))


def _key(topic: str, raw: bytes) -> bytes | None:
    if topic == CONTACT_UPDATES:
        try:
            return customer_of(raw).encode()
        except TowerError:
            return None
    subject = next(iter(arrivals([raw]))).subject
    return subject.encode("utf-8", "surrogatepass") if subject else None
