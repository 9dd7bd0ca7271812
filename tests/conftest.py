"""What every test may ask for: a real Kafka broker, and a namespace of its own on it."""

import uuid
from collections.abc import Awaitable, Callable, Iterator

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.embedded import EmbeddedBroker

ReadTopic = Callable[[str], Awaitable[list[ConsumerRecord[bytes, bytes]]]]


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """One embedded Kafka for the whole session; its data goes with it."""
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def namespace() -> str:
    """A namespace (prefix of topics and groups) that no other test uses."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def read_topic(broker: EmbeddedBroker) -> ReadTopic:
    """A function that returns all records of a topic (full name) by partition and offset."""

    async def read(topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            await consumer.topics()  # fetches the metadata of all topics
            numbers = consumer.partitions_for_topic(topic) or set()
            partitions = [TopicPartition(topic, each) for each in numbers]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            records = []
            while any([await consumer.position(each) < ends[each] for each in partitions]):
                batches = await consumer.getmany(timeout_ms=200)
                records += [record for batch in batches.values() for record in batch]
        finally:
            await consumer.stop()
        return sorted(records, key=lambda record: (record.partition, record.offset))

    return read
