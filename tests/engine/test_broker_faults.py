"""What the worker does when the broker is away, or a log is not what it was."""

import asyncio
import signal

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from streams.embedded import EmbeddedBroker
from streams.engine.rows import PARTITION_KEY, pack
from streams.partitioner import partition_of
from streams.topics import named
from tests.engine.harness import PARTITIONS, Toys

pytestmark = pytest.mark.kafka


async def write(toys, topic: str, partition: int, *rows: tuple[bytes, bytes | None]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=toys.bootstrap, acks="all")
    await producer.start()
    try:
        for key, value in rows:
            await producer.send_and_wait(
                named(toys.namespace, topic), value, key=key, partition=partition
            )
    finally:
        await producer.stop()


async def test_a_late_writers_rows_are_merged_and_ours_written_again(toys) -> None:
    worker = toys.start()
    await toys.send(400)
    await toys.settled()
    key = b"k01"
    partition = partition_of(key, PARTITIONS)
    # A zombie that had applied less writes its old row and partition row, and a tombstone.
    await write(
        toys,
        "orders-changelog",
        partition,
        (key, pack(0, b"\0" * 8)),
        (PARTITION_KEY, pack(0, b"\0" * 8)),
        (key, None),
    )
    await toys.send(400)
    await toys.settled()
    await toys.says(0, "another writer")
    worker.send_signal(signal.SIGTERM)
    await toys.ends(worker, 0, seconds=10)
    await toys.exact()
    last: dict[bytes, bytes | None] = {
        record.key: record.value for record in (await toys.read("orders-changelog"))[partition]
    }
    assert last[key] is not None  # compaction keeps the last row: it has to be ours
    assert int.from_bytes(last[key][8:], "big") == toys.sent[key]
    assert int.from_bytes(last[PARTITION_KEY][:8], "big") > 0


@pytest.mark.slow
async def test_a_source_that_was_cut_before_it_was_read_stops_the_worker(toys) -> None:
    await toys.send(400)
    worker = toys.start()
    await toys.settled()
    worker.send_signal(signal.SIGTERM)
    await toys.ends(worker, 0)
    await toys.send(400)
    partition = partition_of(b"k01", PARTITIONS)
    end = (await toys.read("order-log"))[partition][-1].offset
    admin = AIOKafkaAdminClient(bootstrap_servers=toys.bootstrap)
    await admin.start()
    try:
        tp = TopicPartition(named(toys.namespace, "order-log"), partition)
        await admin.delete_records({tp: RecordsToDelete(before_offset=end)})
    finally:
        await admin.close()
    await toys.ends(toys.start(), 1)
    assert "records were deleted before they were read" in toys.log(1)


@pytest.mark.slow
async def test_a_source_that_ends_before_our_state_stops_the_worker(toys) -> None:
    await toys.send(100)
    partition = partition_of(b"k01", PARTITIONS)
    await write(toys, "orders-changelog", partition, (PARTITION_KEY, pack(10_000, b"\0" * 8)))
    await toys.ends(toys.start(), 1, seconds=30)
    assert "was truncated or made anew" in toys.log(0)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_worker_waits_for_a_broker_that_starts_later(namespace, tmp_path) -> None:
    with EmbeddedBroker() as broker:
        toys = Toys(broker.bootstrap, namespace, tmp_path)
        await toys.create()
        await toys.send(200)
        await asyncio.to_thread(broker.stop)
        try:
            impatient, patient = toys.start(), toys.start()
            await toys.says(0, "does not answer yet")
            await toys.says(1, "does not answer yet")
            impatient.send_signal(signal.SIGTERM)
            await toys.ends(impatient, 0, seconds=10)
            await asyncio.to_thread(broker.start)
            await toys.settled()
            await toys.exact()
            await asyncio.to_thread(broker.kill)
            patient.send_signal(signal.SIGTERM)
            await toys.ends(patient, 0, seconds=10)
        finally:
            toys.close()


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("how", ["paused for 30 s", "killed twice"])
async def test_the_broker_is_away(namespace, tmp_path, how) -> None:
    with EmbeddedBroker() as broker:
        toys = Toys(broker.bootstrap, namespace, tmp_path)
        await toys.create()
        try:
            first, second = toys.start(TOY_SLOW="0.02"), toys.start(TOY_SLOW="0.02")
            for number in (0, 1):
                await toys.says(number, "(kept|recovered) 2 partitions")
            sending = asyncio.create_task(toys.send(6_000, pause=0.05))
            await asyncio.sleep(1)
            if how == "killed twice":
                for _ in range(2):
                    await asyncio.to_thread(broker.kill)
                    await asyncio.sleep(2)
                    await asyncio.to_thread(broker.restart)
                    await asyncio.sleep(3)
            else:
                broker.pause()
                await asyncio.sleep(30)
                broker.resume()
            await sending
            await toys.settled(60)
            assert [first.poll(), second.poll()] == [None, None], toys.logs()  # no crash loop
            await toys.exact()
        finally:
            toys.close()
