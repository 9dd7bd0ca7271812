"""The dispatcher's hands on Kafka: a sender that outlasts the broker, a reader without holes.

Times are milliseconds. A broker that is away is waited for; only a stop ends the waiting.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import (
    IllegalOperation,
    IllegalStateError,
    KafkaError,
    UnknownTopicOrPartitionError,
)

from streams.config import Settings
from streams.kafka import Where, client_options, consumer_options
from streams.partitioner import by_key
from streams.refusal import FORBIDDEN, forbidden, refusal
from streams.topics import MIB

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
POLL_MS = 100
SILENT_MS = 5_000
MAX_RECORDS = 1_000
_PASSING = (KafkaError, OSError, TimeoutError)
# A consumer says these when a rebalance took a partition away while it was asked about it.
_MOVED = (IllegalStateError, IllegalOperation, AssertionError)

T = TypeVar("T")


class Letter(NamedTuple):
    """One record to send; `topic` is its full name."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


async def patiently(where: Where, doing: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what `attempt` returns, trying again for as long as the broker is away.

    Raises:
        TowerError: the broker is there and does not let us in, or not do this.
    """
    refused, said = None, ""
    while True:
        try:
            return await attempt()
        except FORBIDDEN as error:
            raise forbidden(where, error) from error
        except _PASSING as error:
            before, refused = refused, await refusal(where)
            if refused is not None and before is not None:  # once may be a broker that ends
                raise refused from error
            if (why := _why(error)) != said:
                log.warning("%s: %s", doing, why)
                said = why
            await asyncio.sleep(RETRY_SECONDS)


def _why(error: Exception) -> str:
    """Say what is waited for."""
    if isinstance(error, UnknownTopicOrPartitionError):
        return "it is not there; `tower worker` creates it, until then nothing can be done"
    return f"the broker does not answer ({error!r}), trying again"


class Sender:
    """Sends letters and returns once every one of them is acknowledged by all replicas."""

    def __init__(self, settings: Settings) -> None:
        self._where = settings.kafka
        self._producer = AIOKafkaProducer(
            **client_options(self._where),
            acks="all",
            linger_ms=2,
            partitioner=by_key,
            max_request_size=2 * MIB,
        )

    async def start(self) -> None:
        """Connect, whenever the broker is there."""
        await patiently(self._where, "connecting", self._producer.start)

    async def partitions(self, topic: str) -> set[int]:
        """Return a topic's partitions, once the topic is there."""

        async def attempt() -> set[int]:
            return set(await self._producer.partitions_for(topic))

        return await patiently(self._where, f"looking for the topic {topic}", attempt)

    async def send(self, letters: Iterable[Letter]) -> None:
        """Send letters; after a failure all of them again, so any may arrive twice."""
        given = tuple(letters)

        async def attempt() -> None:
            futures = [
                await self._producer.send(
                    each.topic, each.value, key=each.key, headers=list(each.headers)
                )
                for each in given
            ]
            await asyncio.gather(*futures)

        if given:
            await patiently(self._where, "sending", attempt)

    async def stop(self, within: float) -> None:
        """Close, leaving behind what `within` seconds do not suffice for."""
        await _ended(self._producer.stop(), within)


class Reader(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads topics as a member of a group, each partition in order and without a hole.

    A batch that does not continue what was read before is refused and asked for again; only a
    hole that stays is the broker's own (retention) and believed.
    """

    def __init__(self, settings: Settings, group: str, topics: Sequence[str]) -> None:
        self._topics = topics
        self._expected: dict[TopicPartition, int] = {}
        self._refused: dict[TopicPartition, int] = {}
        self._assignments = 0
        self._where = settings.kafka
        self._consumer = AIOKafkaConsumer(
            **consumer_options(self._where),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=round(settings.session_timeout_seconds * 1_000),
            heartbeat_interval_ms=round(settings.heartbeat_seconds * 1_000),
            metadata_max_age_ms=5_000,
            fetch_max_wait_ms=POLL_MS,
        )

    def share(self, topic: str) -> tuple[int, frozenset[int]]:
        """Return how often we were assigned any, and which of a topic are ours."""
        ours = (each.partition for each in self._consumer.assignment() if each.topic == topic)
        return self._assignments, frozenset(ours)

    async def start(self) -> None:
        """Join the group, whenever the broker is there."""
        self._consumer.subscribe(list(self._topics), listener=self)
        await patiently(self._where, "connecting", self._consumer.start)

    async def stop(self, within: float) -> None:
        """Leave the group, or let its session run out if that takes too long."""
        await _ended(self._consumer.stop(), within)

    def silent(self) -> bool:
        """Tell whether nothing was heard of any partition for a while."""
        heard = [0]
        for partition in self._consumer.assignment():
            with suppress(*_MOVED):
                heard.append(self._consumer.last_poll_timestamp(partition) or 0)
        return time.time() * 1_000 - max(heard) > SILENT_MS

    def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ANN401, ARG002 (as its base)
        """Forget where we were: somebody else may go on from the committed offsets."""
        self._expected.clear()
        self._refused.clear()

    def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ANN401 (as its base)
        """Begin anew at the committed offsets."""
        self._expected.clear()
        self._refused.clear()
        self._assignments += 1
        log.info("reading %d partitions", len(assigned))

    async def read(self) -> list["ConsumerRecord[bytes, bytes]"]:
        """Return the records that continue what was read; none after a while without any."""
        try:
            batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        except _PASSING as error:
            log.warning("reading: %r, trying again", error)
            await asyncio.sleep(RETRY_SECONDS)
            return []
        return [
            record
            for partition, records in batches.items()
            for record in await self._continued(partition, records)
        ]

    async def commit(self) -> None:
        """Commit everything read; a commit that fails only means to read it once more."""
        if not self._expected:
            return
        try:
            await self._consumer.commit(dict(self._expected))
        except (*_PASSING, *_MOVED) as error:
            log.warning("committing: %r, the offsets go with the next commit", error)

    async def lags(self) -> dict[tuple[str, int], int | None]:
        """Return the records unread by (topic, partition); None: not yet known."""
        lags: dict[tuple[str, int], int | None] = {}
        for partition in self._consumer.assignment():
            with suppress(*_MOVED):
                end = self._consumer.highwater(partition)
                # Once a fetch has answered there is a position, and asking for it is instant.
                at = None if end is None else await self._consumer.position(partition)
                lags[partition] = None if at is None else max(end - at, 0)
        return lags

    async def _continued(
        self, partition: TopicPartition, records: Sequence["ConsumerRecord[bytes, bytes]"]
    ) -> list["ConsumerRecord[bytes, bytes]"]:
        accepted = []
        expected = self._expected.get(partition)
        if expected is None:
            expected = await self._begin(partition, records[0].offset)
        for record in records:
            if record.offset < expected:
                continue
            if record.offset > expected and self._refused.get(partition) != record.offset:
                self._ask_again(partition, expected, record.offset)
                break
            accepted.append(record)
            expected = record.offset + 1
        else:
            self._refused.pop(partition, None)
        self._expected[partition] = expected
        return accepted

    async def _begin(self, partition: TopicPartition, first: int) -> int:
        """Return where to begin: the committed offset, else the first record there is."""
        committed = await patiently(
            self._where, "asking for offsets", lambda: self._consumer.committed(partition)
        )
        return first if committed is None else int(committed)

    def _ask_again(self, partition: TopicPartition, expected: int, found: int) -> None:
        log.warning("%s: %d came where %d was due, reading again", partition, found, expected)
        self._refused[partition] = found
        with suppress(*_MOVED):
            self._consumer.seek(partition, expected)


async def _ended(closing: Coroutine[Any, Any, None], within: float) -> None:
    """Wait for a close, not longer than `within` seconds; how it fails does not matter.

    With its broker away a client's close may even end as cancelled, which is not our own end.
    """
    task = asyncio.create_task(closing)
    await asyncio.wait({task}, timeout=within)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
