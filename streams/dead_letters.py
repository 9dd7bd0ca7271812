"""What was set aside: read it, and send its bytes again to where they came from."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from models.letters import DeadLetter, Reason
from streams.admin import connected, describe_topics
from streams.config import Settings
from streams.errors import TowerError
from streams.feed import arrivals
from streams.kafka import consumer_options
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
    """How many messages were sent again, and how many are no inbound events."""

    sent: int
    left: int


class Pile:
    """Letters piled up by their message: the same bytes of a topic are one, however often.

    A message that was sent again and is still wrong comes back as a letter with another id;
    here it stays one. With a limit only the newest messages of each source are held.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.ids: set[str] = set()
        self._limit = limit
        self._held: dict[str, dict[bytes, Kept]] = {}
        self._copies: dict[bytes, set[str]] = {}

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self._copies)

    def add(self, kept: Kept) -> None:
        """Put a letter on the pile, those of one source in the order they were set aside."""
        what = _message(kept)
        self.ids.add(kept.id)
        self._copies.setdefault(what, set()).add(kept.id)
        held = self._held.setdefault(kept.id.rsplit("/", 1)[0], {})
        held.pop(what, None)
        held[what] = kept
        if self._limit is not None and len(held) > self._limit:
            del held[next(iter(held))]

    def newest(self) -> list[Kept]:
        """Return the newest letter of each message, oldest first, at most the limit."""
        everything = [each for held in self._held.values() for each in held.values()]
        newest = {_message(each): each for each in sorted(everything, key=_when)}
        ordered = sorted(newest.values(), key=_when)
        return ordered if self._limit is None else ordered[-self._limit :]

    def copies(self, kept: Kept) -> int:
        """Return how many letters the message of a letter has."""
        return len(self._copies[_message(kept)])


def _message(kept: Kept) -> bytes:
    letter = kept.letter
    if letter is None:
        return kept.id.encode()
    place = f"{letter.topic}/{letter.index}/{letter.raw is None}/".encode()
    return hashlib.blake2b(place + (letter.raw or b""), digest_size=16).digest()


def _when(kept: Kept) -> tuple[int, str]:
    return (kept.letter.received_at if kept.letter else 0, kept.id)


async def read(settings: Settings) -> AsyncIterator[Kept]:
    """Yield all letters kept now, those of one partition in the order they were set aside.

    Raises TowerError when there is no broker, or no tower in this namespace.
    """
    topic = named(settings.namespace, DEAD_LETTERS)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        raise TowerError(f"There is no topic {topic}: no worker has run in this namespace.")
    consumer = AIOKafkaConsumer(
        **consumer_options(settings.kafka),
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
    """Send the bytes of letters to their inbound topics again, each message once.

    The arrival header goes with them where they had one; a tick is no event and stays. Kafka
    gives each a new offset, so what is still wrong becomes another letter of its message and
    what was accepted before a duplicate.
    """
    given = list({kept.id: kept.letter for kept in letters}.values())
    events = [each for each in given if each and _is_event(settings, each)]
    sendable = list({(each.topic, each.raw): each for each in events}.values())
    left = len(given) - len(events)
    if not sendable:
        return Replayed(0, left)
    async with connected(settings.kafka):
        pass  # one sentence at once instead of a producer's long patience
    async with durable_producer(settings.kafka) as producer:
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
    return Replayed(len(sendable), left)


def _is_event(settings: Settings, letter: DeadLetter) -> bool:
    return letter.reason is not Reason.FOREIGN_TICK and _short(settings, letter) in _INBOUND


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
