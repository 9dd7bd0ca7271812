"""`tower publish`: bytes, keys, arrival headers and ticks as they are found on the topics."""

import asyncio
import json
import time

import pytest
from aiokafka import AIOKafkaProducer

from streams import admin
from streams.clockmode import clock_finding
from streams.config import Settings
from streams.pacing import PublishOptions
from streams.partitioner import partition_of
from streams.publishing import publish
from streams.topics import TOPICS

pytestmark = pytest.mark.kafka

NINE = 1_704_099_600_000  # 2024-01-01T09:00Z
MINUTE = 60_000
PARTITIONS = 2


def event(minute, kind="in_transit", **fields):
    hour, rest = divmod(minute, 60)
    when = f"2024-01-01T{9 + hour:02}:{rest:02}:00Z"
    return json.dumps({"kind": kind, "occurred_at": when} | fields).encode()


@pytest.fixture
def settings(broker, namespace, monkeypatch):
    chosen = Settings(
        brokers=broker.bootstrap, namespace=namespace, clock="feed", partitions=PARTITIONS
    )
    for name in ("brokers", "namespace", "clock", "partitions"):
        monkeypatch.setenv(f"TOWER_{name.upper()}", str(getattr(chosen, name)))
    return chosen


@pytest.fixture
def topics(read_topic, namespace):
    """A function that returns the records of both inbound topics."""

    async def read():
        return [
            await read_topic(f"{namespace}.order-events"),
            await read_topic(f"{namespace}.courier-events"),
        ]

    return read


def is_tick(record):
    return any(name == "tower-tick" for name, _ in record.headers)


def lines_of(records):
    return [record for record in records if not is_tick(record)]


FEED = [
    event(40, order_id="o1", n="é"),
    event(0, order_id="o1"),
    b'{"kind": "delivered",  "garbage',  # arrives with the line before: 09:00
    event(5, "position_reported", courier_id="c1", carrier="dpx"),
    b"\xff\x00 not utf-8",  # 09:05
    event(20, order_id="o2"),
]


def test_a_file_arrives_byte_for_byte_with_its_arrival_and_its_ticks(
    tower, settings, tmp_path, topics
):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b"\r\n".join(FEED) + b"\n \n")
    ran = tower("publish", file)
    assert (ran.code, ran.err) == (0, "")
    # ticks at 09:00, 09:20 and 09:40, on 2 partitions of 2 topics
    assert ran.out == (
        "Published and acknowledged: 5 order events, 1 courier events, 12 ticks.\n"
    )
    orders, couriers = asyncio.run(topics())
    assert {record.value for record in lines_of(orders)} == set(FEED) - {FEED[3]}
    assert [record.value for record in lines_of(couriers)] == [FEED[3]]
    minutes = {
        record.value: (int(dict(record.headers)["tower-received-at"]) - NINE) // MINUTE
        for record in lines_of(orders + couriers)
    }
    assert minutes == dict(zip(FEED, [40, 0, 0, 5, 5, 20], strict=True))
    for records in (orders, couriers):
        for partition in range(PARTITIONS):
            ticks = [
                (int(dict(record.headers)["tower-tick"]) - NINE) // MINUTE
                for record in records
                if is_tick(record) and record.partition == partition
            ]
            assert ticks == [0, 20, 40]
    assert all(
        record.value == b"" and record.key is None for record in orders if is_tick(record)
    )


async def test_a_partition_never_brings_a_line_older_than_its_tick(settings, topics):
    feed = [event(minute, order_id=f"o{minute % 17}") for minute in range(0, 300, 2)]
    published = await publish(reversed(feed), PublishOptions(tick_seconds=60), settings)
    assert published.orders == 150
    assert published.last_tick == NINE + 298 * MINUTE
    orders, _ = await topics()
    clock = dict.fromkeys(range(PARTITIONS), 0)
    for record in orders:
        headers = dict(record.headers)
        if "tower-tick" in headers:
            assert int(headers["tower-tick"]) > clock[record.partition]
            clock[record.partition] = int(headers["tower-tick"])
        else:
            assert int(headers["tower-received-at"]) >= clock[record.partition]
    assert set(clock.values()) == {NINE + 298 * MINUTE}


async def test_records_are_keyed_as_asked_for(settings, topics):
    feed = [
        event(0, "order_promised", order_id="o1", carrier="dpx"),
        event(1, order_id="o1"),
        event(2, order_id="o2"),  # its carrier is not known
        event(3, "shift_started", courier_id="c1", carrier="dpx"),
    ]
    for keys in ("order", "carrier", "random"):
        await publish(feed, PublishOptions(keys=keys), settings)
    orders, couriers = await topics()
    by_value = {}
    for record in lines_of(orders + couriers):
        by_value.setdefault(feed.index(record.value), set()).add(record.key)
    for number, natural, carrier in [
        (0, b"o1", b"dpx"),
        (1, b"o1", b"dpx"),
        (2, b"o2", None),
        (3, b"c1", b"dpx"),
    ]:
        (random,) = by_value[number] - {natural, carrier}
        assert by_value[number] == {natural, carrier, random}
        assert len(random) == 16
    for record in orders:
        if record.key is not None:
            assert record.partition == partition_of(record.key, PARTITIONS)


async def test_a_key_longer_than_any_name_leaves_the_line_as_it_is(settings, topics):
    feed = [event(0, "order_promised", order_id="o" * 600_000, carrier="c" * 430_000)]
    for keys in ("order", "carrier"):
        await publish(feed, PublishOptions(keys=keys), settings)
    found = lines_of((await topics())[0])
    assert {record.value for record in found} == {feed[0]}
    assert {record.key for record in found} == {b"o" * 1_024, b"c" * 1_024}


def test_on_the_wall_clock_lines_keep_their_order_and_carry_nothing(
    tower, settings, tmp_path, topics
):
    file = tmp_path / "feed.jsonl"
    lines = [event(60 - minute, order_id="o1") for minute in range(30)]
    file.write_bytes(b"\n".join(lines))
    ran = tower("publish", file, "--clock", "wall")
    assert ran.out == "Published and acknowledged: 30 order events, 0 courier events.\n"
    orders, couriers = asyncio.run(topics())
    assert [record.value for record in orders] == lines
    assert {record.headers for record in orders} == {()}
    assert couriers == []


def test_contacts_go_to_their_own_topic(tower, settings, tmp_path, read_topic, namespace):
    feed, contacts = tmp_path / "feed.jsonl", tmp_path / "contacts.jsonl"
    feed.write_bytes(event(0, order_id="o1"))
    contacts.write_bytes(b'{"customer_id": "k1", "channels": []}\n')
    ran = tower("publish", feed, "--contacts", contacts)
    assert "1 contact updates" in ran.out
    (record,) = asyncio.run(read_topic(f"{namespace}.contact-updates"))
    assert (record.key, record.value) == (b"k1", contacts.read_bytes().rstrip())


async def test_a_rate_and_a_pace_are_kept(settings):
    feed = [event(minute, order_id="o1") for minute in range(11)]
    for options, at_least in [
        (PublishOptions(rate=20.0), 0.5),  # 11 lines, 10 intervals of 50 ms
        (PublishOptions(speed=1_200.0), 0.5),  # 600 s of event time at 1,200 times
        (PublishOptions(speed=600.0, pace_from=NINE + 5 * MINUTE), 0.5),  # its second half
    ]:
        started = time.monotonic()
        await publish(feed, options, settings)
        assert at_least <= time.monotonic() - started < at_least + 2


async def test_progress_ends_at_the_number_of_lines(settings):
    told = []
    feed = [event(0, order_id="o1")] * 450
    await publish(
        feed, PublishOptions(), settings, progress=lambda sent, of: told.append((sent, of))
    )
    assert told[-1] == (450, 450)
    assert (200, 450) in told


def test_a_line_that_no_message_can_hold_is_one_sentence(tower, settings, tmp_path):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(event(0, order_id="o1") + b"\n" + b"x" * 1_048_576)
    ran = tower("publish", file)
    assert ran.code == 1
    assert ran.err.startswith("tower: A line of 1048576 bytes is longer than a message may be")


def test_a_contact_without_a_customer_is_one_sentence(tower, settings, tmp_path):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b'{"channels": []}')
    ran = tower("publish", "/dev/null", "--contacts", file)
    assert ran.code == 1
    assert "customer_id" in ran.err


def test_a_broker_that_is_not_there_is_one_sentence(tower, tmp_path):
    file = tmp_path / "feed.jsonl"
    file.write_bytes(b"{}")
    ran = tower("publish", file, "--brokers", "127.0.0.1:1")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        "tower: No Kafka broker answers at 127.0.0.1:1: start it, or name another with"
        " --brokers or TOWER_BROKERS.\n"
    )


@pytest.mark.parametrize(("workers", "sender"), [("feed", "wall"), ("wall", "feed")])
def test_workers_on_another_clock_are_a_reason_to_send_nothing(
    tower, settings, tmp_path, topics, workers, sender
):
    namespace, file = settings.namespace, tmp_path / "feed.jsonl"
    file.write_bytes(event(0, order_id="o1"))

    async def publish_clock():
        await admin.ensure_topics(settings.brokers, settings)
        cell = {"counts": {}, "clock": 0, "time": workers}
        async with AIOKafkaProducer(bootstrap_servers=settings.brokers) as producer:
            await producer.send_and_wait(
                f"{namespace}.kpi-cells", json.dumps(cell).encode(), b"ingest/order-events/0"
            )

    asyncio.run(publish_clock())
    ran = tower("publish", file, "--clock", sender)
    assert (ran.code, ran.out) == (1, "")
    said = (
        f"The workers of the namespace {namespace} are on the clock {workers}, not {sender}: "
    )
    assert ran.err.startswith(f"tower: {said}")
    assert f"--clock {workers}" in ran.err
    assert asyncio.run(topics()) == [[], []]
    found = asyncio.run(clock_finding(settings.model_copy(update={"clock": sender})))
    assert found.startswith(said)
    assert tower("publish", file, "--clock", workers).code == 0


async def test_topics_are_created_once_and_as_the_table_says(settings):
    created = await admin.ensure_topics(settings.brokers, settings)
    assert len(created) == len(TOPICS)
    assert await admin.ensure_topics(settings.brokers, settings) == ()
    assert await admin.check_topics(settings.brokers, settings) == []
