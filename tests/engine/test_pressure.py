"""What the broker does not take: one partition waits, or the worker ends with a sentence."""

import re
import signal
import socket

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.engine import partition as bounds
from streams.engine.feed import ANSWER_BATCHES
from streams.topics import named
from tests.engine.harness import MAX_BATCH, Toys

pytestmark = pytest.mark.kafka


def folded(toys, number: int, partition: int) -> int:
    """Return how many records of a partition a worker has folded."""
    told = re.findall(rf"^folded {partition} (\d+)$", toys.log(number), re.MULTILINE)
    return max(map(int, told))


@pytest.mark.slow
async def test_a_partition_that_cannot_write_waits_and_the_others_go_on(toys, tmp_path) -> None:
    release = tmp_path / "release"
    await toys.send(16_000)
    worker = toys.start(TOY_HOLD=str(release))
    await toys.settled(but=[0])
    sent = {number: len(records) for number, records in (await toys.read("order-log")).items()}
    # Nothing of partition 0 is durable, and of its 4,000 or so records no more were folded
    # than its bound and one answer of the broker hold: each makes one fact, and a row once.
    assert 0 not in await toys.applied()
    most = bounds.WAITING + ANSWER_BATCHES * MAX_BATCH
    assert folded(toys, 0, 0) <= most < sent[0]
    assert [folded(toys, 0, number) for number in (1, 2, 3)] == [sent[1], sent[2], sent[3]]
    release.touch()
    await toys.settled()
    worker.send_signal(signal.SIGTERM)
    await toys.ends(worker, 0, seconds=10)
    assert await toys.exact() == 0


@pytest.mark.slow
async def test_standing_still_behind_the_log_ends_the_worker(toys, tmp_path) -> None:
    await toys.send(400)
    worker = toys.start(TOY_HOLD=str(tmp_path / "never"), TOWER_STALLED_SECONDS="1")
    await toys.ends(worker, 1, seconds=30)
    said = toys.log(0)
    assert said.count("\ntower: order-log/0 is ") == 1
    assert "Traceback" not in said
    toys.start()
    await toys.settled()
    await toys.exact()


async def limit(toys, topic: str, size: int) -> None:
    """Let a topic take no larger batch from now on."""
    admin = AIOKafkaAdminClient(bootstrap_servers=toys.bootstrap)
    await admin.start()
    try:
        settings = {"max.message.bytes": str(size)}
        resource = ConfigResource(
            ConfigResourceType.TOPIC, named(toys.namespace, topic), settings
        )
        await admin.alter_configs([resource])
    finally:
        await admin.close()


@pytest.mark.parametrize(
    "topic",
    [
        "order-facts",
        pytest.param("orders-changelog", marks=pytest.mark.slow),
        pytest.param("kpi-cells", marks=pytest.mark.slow),
    ],
)
async def test_a_write_that_is_refused_ends_the_worker_with_no_commit(toys, topic) -> None:
    first = toys.start()
    await toys.send(200)
    await toys.settled()
    before = await toys.applied()
    await limit(toys, topic, 1)
    await toys.send(200)
    await toys.ends(first, 1)
    said = toys.log(0)
    assert "The broker refused what was written for order-log/" in said
    assert "MessageSizeTooLarge" in said
    assert "Traceback" not in said
    # Only partitions whose batch came before the refusal went on, and those exactly.
    ends = {n: records[-1].offset for n, records in (await toys.read("order-log")).items()}
    after = await toys.applied()
    assert all(after[number] in (before[number], ends[number]) for number in after)
    assert after != ends
    await limit(toys, topic, 1_000_000)
    toys.start()
    await toys.settled()
    await toys.exact()


@pytest.mark.parametrize("listens", [False, True])
async def test_an_address_that_never_answers_is_one_sentence(
    tmp_path, namespace, listens
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()  # takes connections and never says a word
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        toys = Toys(where, namespace, tmp_path)
        try:
            await toys.ends(toys.start(TOY_START="1"), 1)
        finally:
            toys.close()
    others = ("INFO:", "ERROR:aiokafka:", "counted ")  # a worker proper silences aiokafka
    told = [line for line in toys.log(0).splitlines() if not line.startswith(others)]
    assert told == [f"tower: No Kafka broker answered at {where} for 1 s."]
