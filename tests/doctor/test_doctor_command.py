"""`tower doctor` against a real Kafka: what is wrong is named, and it ends with 1."""

import asyncio
import json
import os
import signal
import socket
import time

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from models.letters import DeadLetter, Reason
from streams.admin import connected, describe_topics
from streams.doctor.judge import NAMES
from streams.domain.judgement import rules_id
from streams.letters import encoded
from streams.rules import load
from streams.topics import TOPICS, named
from tests.dispatch.given import command, ending
from tests.processes import towers, until


@pytest.fixture
def doctor(tower, monkeypatch, tmp_path):
    """A function that returns the exit code and the findings of each check that is not ok."""
    for name in [name for name in os.environ if name.startswith("TOWER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOWER_PARTITIONS", "4")
    monkeypatch.setenv("TOWER_CLAIMS", str(tmp_path / "claims.sqlite"))

    def run(bootstrap, namespace):
        ran = tower("doctor", "--json", "--brokers", bootstrap, "--namespace", namespace)
        said = json.loads(ran.out)
        assert ran.err == ""
        assert said["healthy"] is (ran.code == 0)
        assert [each["name"] for each in said["checks"]] == list(NAMES)
        return ran.code, {
            each["name"]: " ".join(one["seen"] for one in each["findings"])
            for each in said["checks"]
            if each["verdict"] == "wrong"
        }

    return run


def test_without_a_broker_there_is_one_sentence_and_no_traceback(doctor, tower):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        code, wrong = doctor(address, "tower")
        text = tower("doctor", "--brokers", address)
    assert code == 1
    assert wrong.keys() == {"broker"}
    assert wrong["broker"].startswith(f"No Kafka broker answers at {address}")
    assert text.code == 1
    assert text.out.startswith("WRONG  broker")
    assert text.out.endswith("Something is wrong in 1.\n")
    assert "Not looked at without a broker: topics, workers, lag, clocks," in text.out
    assert text.out.count("No broker answers") == 0
    assert text.err == ""


def test_a_check_that_is_not_there_is_wrong_usage(tower):
    ran = tower("doctor", "--without", "nonsense")
    assert ran.code == 2
    assert "there is no check nonsense" in ran.err


async def made(bootstrap, namespace, leave_out, wrong):
    """Make the topics of a namespace but one, another with wrong settings."""
    new = [
        NewTopic(
            name=named(namespace, topic.name),
            num_partitions=topic.partitions or 4,
            replication_factor=1,
            topic_configs=topic.config | (wrong.get(topic.name) or {}),
        )
        for topic in TOPICS
        if topic.name != leave_out
    ]
    async with connected(bootstrap) as admin:
        await admin.create_topics(new)


def there(bootstrap, namespace):
    """Return how many topics of a namespace the broker knows by now."""
    names = [named(namespace, topic.name) for topic in TOPICS]
    return len(asyncio.run(describe_topics(bootstrap, names)))


async def sent(bootstrap, namespace, *records, timestamp=None):
    """Send records (topic, key, value, partition) of a namespace."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for topic, key, value, partition in records:
            await producer.send_and_wait(
                named(namespace, topic), value, key, partition, timestamp
            )
    finally:
        await producer.stop()


def clock_records(at, rules):
    """Return what eight folds and eight ingests publish of their clocks."""
    records = []
    for number in range(4):
        ingest = json.dumps({"counts": {}, "clock": at, "time": "wall"}).encode()
        orders = json.dumps({"clock": at, "rules": rules}).encode()
        records += [
            ("kpi-cells", f"ingest/order-events/{number}".encode(), ingest, number),
            ("kpi-cells", f"ingest/courier-events/{number}".encode(), ingest, number),
            ("kpi-cells", f"couriers/{number}".encode(), b'{"clock": %d}' % at, number),
            ("kpi-cells", f"orders/{number}/~partition".encode(), orders, number),
            (
                "kpi-cells",
                f"groups/{number}/~partition".encode(),
                b'{"clock": %d}' % at,
                number,
            ),
        ]
    return records


def letter(offset, reason):
    return DeadLetter(
        reason=reason, detail="", topic="order-events", partition=0, offset=offset,
        received_at=0, raw=b"x",
    )  # fmt: skip


@pytest.mark.kafka
def test_what_lies_on_the_topics_is_counted_without_any_process(broker, namespace, doctor):
    wrong_config = {"order-log": {"cleanup.policy": "compact"}}
    asyncio.run(made(broker.bootstrap, namespace, "order-facts", wrong_config))
    until(lambda: there(broker.bootstrap, namespace) == len(TOPICS) - 1, 20)
    at = time.time_ns() // 1_000_000 - 120_000
    notices = [
        command(notice_id=f"{name}/1", order_id=name, decided_at=at - ago, expires_at=at + left)
        for name, ago, left in (("A", 60_000, 0), ("B", 30_000, 1), ("C", 90_000, 9_000))
    ]
    commands = [*notices, ending(2, at, "C")]
    letters = [Reason.BAD_JSON] * 8 + [Reason.BAD_TIME] * 4
    asyncio.run(
        sent(
            broker.bootstrap,
            namespace,
            *clock_records(at, "0123456789ab"),
            *[
                ("notice-commands", b"k", said.model_dump_json().encode(), 2)
                for said in commands
            ],
            *[
                ("dead-letters", b"order-events/0/%d" % n, encoded(letter(n, reason)), n % 4)
                for n, reason in enumerate(letters)
            ],
            *[("order-events", b"k", b"{}", 3)] * 5,
        )
    )
    two_days_ago = at - 2 * 86_400_000
    row = ("model", b"~partition", b"m", 0)
    asyncio.run(sent(broker.bootstrap, namespace, row, timestamp=two_days_ago))
    _, found = doctor(broker.bootstrap, namespace)
    assert "model" not in found  # a learner is there, and has learnt nothing yet
    old = ("model", b"k", b"m", 0)
    asyncio.run(sent(broker.bootstrap, namespace, old, timestamp=two_days_ago))
    code, found = doctor(broker.bootstrap, namespace)
    assert code == 1
    assert found.pop("model") == "The topic of the model holds none of the last 24 hours."
    topics = found.pop("topics")
    assert f"The topic {namespace}.order-facts does not exist" in topics
    assert f"The topic {namespace}.order-log has cleanup.policy=compact" in topics
    group = f"the group {namespace}"
    assert found.pop("workers") == f"No worker is in {group}.worker; unread: 5 records."
    assert found.pop("lag").startswith("order-events/3 stands still with 5 records unread")
    assert found.pop("dispatcher") == (
        f"No dispatcher is in {group}.dispatcher; 2 notices lie unread, the oldest asked for"
        " 1 min ago by the tower's clock, 1 of them expired."
    )
    assert found.pop("dead-letters") == (
        "12 messages set aside in the last hour, 12 in the last 15 minutes (the newest:"
        " bad_json 8, bad_time 4)."
    )
    here = rules_id(load(None))
    assert (
        found.pop("rules") == f"The workers judge by the rules 0123456789ab, here are {here}."
    )
    clocks = found.pop("clocks")
    assert clocks.startswith("ingest of order-events/0, ingest of courier-events/0, ingest of")
    assert "4 of 4 inbox partitions stand with them; no worker runs." in clocks
    assert found == {}


def notice_sent(bootstrap, namespace):
    """Ask for a notice that is not expired by any clock of this century."""
    now = time.time_ns() // 1_000_000
    said = command(decided_at=now, expires_at=4_000_000_000_000).model_dump_json().encode()
    asyncio.run(sent(bootstrap, namespace, ("notice-commands", b"A-1", said, 0)))


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(150)
def test_a_running_tower_is_healthy_until_its_processes_are_not(
    broker, namespace, doctor, tmp_path
):
    """Two workers and a dispatcher on the wall clock, stopped one after the other."""
    where = (broker.bootstrap, namespace)
    with towers(*where, tmp_path, session_timeout_seconds=60) as tower:
        stopped, other = tower.workers(2)
        dispatcher = tower.start("dispatcher")
        tower.ready([dispatcher])
        until(lambda: doctor(*where) == (0, {}), 40, lambda: str(doctor(*where)))

        dispatcher.signal(signal.SIGTERM)
        stopped.signal(signal.SIGSTOP)
        assert dispatcher.ended(20) == 0
        notice_sent(*where)
        until(lambda: "clocks" in doctor(*where)[1], 40, lambda: str(doctor(*where)))
        code, found = doctor(*where)
        assert code == 1
        assert found.keys() == {"clocks", "lag", "dispatcher"}
        assert "1 notice lies unread" in found["dispatcher"]
        clocks, _, owner = found["clocks"].partition("; owner: ")
        assert clocks.count("ingest of") == 4  # the stopped worker's half of two topics
        assert clocks.endswith("4 of 4 inbox partitions stand with them")
        assert owner.startswith(f"{namespace}.worker-")
        assert found["lag"].endswith(f"; owner: {owner}")  # and nobody else's
        assert found["lag"].count("stand") == 1

        stopped.signal(signal.SIGCONT)
        for worker in (stopped, other):
            worker.signal(signal.SIGTERM)
        assert {worker.ended(30) for worker in (stopped, other)} <= {0, 1}
        code, found = doctor(*where)
        assert code == 1
        assert found["workers"].startswith(f"No worker is in the group {namespace}.worker")
