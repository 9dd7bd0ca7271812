"""Starting, stopping and taking over, and what a worker refuses to start with."""

import asyncio
import json
import re
import signal
import socket

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from streams import admin
from streams.clockmode import worker_clocks
from streams.config import Settings
from streams.topics import KPI_CELLS, ORDER_EVENTS, named
from tests.processes import towers, until
from tests.story import delivered, out, promised

pytestmark = pytest.mark.kafka


@pytest.fixture
def tower(broker, namespace, tmp_path):
    with towers(broker.bootstrap, namespace, tmp_path) as made:
        yield made


def send(tower, events):
    """Send events of orders, each keyed by its order."""

    async def sending():
        producer = AIOKafkaProducer(bootstrap_servers=tower.bootstrap, acks="all")
        await producer.start()
        try:
            for event in events:
                value, key = json.dumps(event).encode(), event["order_id"].encode()
                await producer.send(named(tower.namespace, ORDER_EVENTS), value, key)
        finally:
            await producer.stop()

    asyncio.run(sending())


def lives(numbers):
    return [
        event
        for n in numbers
        for event in (
            promised(0, window=(60, 180), order=f"A-{n}"),
            out(60, order=f"A-{n}"),
            delivered(150, order=f"A-{n}"),
        )
    ]


def topics_of(broker, namespace, **changes):
    """Make one topic of a namespace in another way than the tower would."""

    async def make():
        wrong = NewTopic(
            named(namespace, ORDER_EVENTS),
            num_partitions=changes.pop("partitions", 4),
            replication_factor=1,
            topic_configs=changes,
        )
        async with admin.connected(broker.bootstrap) as client:
            await client.create_topics([wrong])

    asyncio.run(make())


def test_the_other_takes_over_when_one_is_told_to_stop(tower):
    first, second = tower.workers(2)
    send(tower, lives(range(50)))
    until(lambda: tower.events()["accepted"] == 150, 20, tower.says)
    first.signal(signal.SIGTERM)
    assert first.ended(10) == 0, tower.says()
    until(second.ready, 20, tower.says)
    send(tower, lives(range(50, 100)))
    until(lambda: tower.events()["accepted"] == 300, 20, tower.says)
    lag = re.findall(r"^tower_consumer_lag_records\{(.*?)\}", second.metrics(), re.MULTILINE)
    assert len(lag) == 21  # all four partitions of all five topics, the one of `training`
    second.signal(signal.SIGINT)
    assert second.ended(10) == 0, tower.says()
    assert "Traceback" not in tower.says()


@pytest.mark.slow
def test_a_process_is_alive_before_it_is_ready(tower):
    worker = tower.workers(1)[0]  # makes the topics
    for command in ("worker", "dispatcher"):
        process = tower.start(command)
        until(lambda: "metrics on" in process.says(), 20, tower.says, pause=0.001)  # noqa: B023
        assert process.get("readyz")[::2] == (503, "not ready\n")
        assert process.get("healthz")[::2] == (200, "alive\n")
        until(process.ready, 20, tower.says)
        assert process.get("readyz")[::2] == (200, "ready\n")
        process.signal(signal.SIGTERM)
        assert process.ended(10) == 0, tower.says()
    assert worker.code is None


def test_a_worker_refuses_topics_that_would_misdate_events(tower, broker, namespace):
    topics_of(broker, namespace, **{"message.timestamp.type": "CreateTime",
                                    "max.message.bytes": "1048576"})  # fmt: skip
    code, says = tower.run("worker")
    assert code == 1
    [sentence] = [line for line in says.splitlines() if line.startswith("tower: ")]
    assert "message.timestamp.type=CreateTime and needs LogAppendTime" in sentence
    assert "Traceback" not in says


def test_a_worker_refuses_another_number_of_partitions(tower, broker, namespace):
    topics_of(broker, namespace, partitions=3, **{"message.timestamp.type": "LogAppendTime"})
    code, says = tower.run("worker")
    assert code == 1
    [sentence] = [line for line in says.splitlines() if line.startswith("tower: ")]
    assert f"{namespace}.order-events has 3 partitions and needs 4" in sentence
    assert "Traceback" not in says


def sentences(says):
    """Return the lines with which a command ends that fails."""
    return [line for line in says.splitlines() if line.startswith("tower: ")]


@pytest.mark.parametrize(("theirs", "mine"), [("feed", "wall"), ("wall", "feed")])
def test_a_worker_on_another_clock_than_its_namespace_refuses_to_start(
    tower, broker, namespace, theirs, mine
):
    chosen = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=4)

    async def published():
        await admin.ensure_topics(chosen.kafka, chosen)
        cell = json.dumps({"counts": {}, "clock": 0, "time": theirs}).encode()
        async with AIOKafkaProducer(bootstrap_servers=tower.bootstrap) as producer:
            name, key = named(namespace, KPI_CELLS), b"ingest/courier-events/3"
            await producer.send_and_wait(name, cell, key, partition=3)

    asyncio.run(published())
    said = f"The workers of the namespace {namespace} are on the clock {theirs}, not {mine}: "
    code, says = tower.run("worker", clock=mine)
    assert code == 1
    [sentence] = sentences(says)
    assert sentence.startswith(f"tower: {said}")
    assert sentence.endswith("This worker does not start.")
    assert "Traceback" not in says
    code, says = tower.run("check", clock=mine)
    assert (code, says.count(said)) == (1, 1)


@pytest.mark.slow
def test_a_worker_on_the_clock_of_its_namespace_joins_and_another_does_not(tower):
    tower.workers(1, clock="feed")
    until(lambda: clocks(tower) == {"feed"}, 20, tower.says)
    code, says = tower.run("worker", clock="wall")
    assert code == 1
    assert "are on the clock feed, not wall" in sentences(says)[0]
    tower.workers(1, clock="feed")


def clocks(tower):
    where = {"brokers": tower.bootstrap, "namespace": tower.namespace}
    return asyncio.run(worker_clocks(Settings(**where)))


def test_a_port_that_is_taken_is_one_sentence(tower):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for command in ("worker", "dispatcher"):
            code, says = tower.run(command, metrics_port=port)
            assert code == 1
            [sentence] = sentences(says)
            assert sentence.startswith(f"tower: Metrics cannot be served on 127.0.0.1:{port}: ")
            assert "Traceback" not in says
            assert "Unclosed" not in says


def test_a_dispatcher_of_a_namespace_without_topics_says_what_it_waits_for(tower, namespace):
    dispatcher = tower.start("dispatcher")
    waits = (
        f"waiting for the topics of the namespace {namespace} ({namespace}.notice-commands, "
    )
    until(lambda: waits in dispatcher.says(), 20, tower.says)
    dispatcher.signal(signal.SIGTERM)
    assert dispatcher.ended(10) == 0, tower.says()
    assert dispatcher.says().count("waiting for") == 1
    assert "Traceback" not in dispatcher.says()
