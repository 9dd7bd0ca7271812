"""Records that Kafka alone bounds: sizes, header names, compression, a flood for one order."""

import asyncio
import json
from collections import Counter
from random import Random

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record import default_records

from streams.admin import ensure_topics
from streams.config import Settings
from streams.letters import KEPT_BYTES
from streams.topics import CONTACT_UPDATES, COURIER_EVENTS, DEAD_LETTERS, ORDER_EVENTS, named
from tests.hostile.exposition import checked, families
from tests.hostile.judging import Letters
from tests.hostile.mixing import now
from tests.processes import towers, until

pytestmark = pytest.mark.kafka
PARTITIONS = 2
HUGE = 1 << 26  # what the client lets pass; Kafka looks at what arrives compressed


class Octets(str):
    """A header's name that is written as bytes that are no UTF-8."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff\xfe" + str.encode(self, "utf-8")


@pytest.fixture
def wire(monkeypatch):
    """Let producers of this process write header names as they are told to."""
    plain = default_records._DefaultRecordBatchBuilderPy
    monkeypatch.setattr(
        "aiokafka.producer.message_accumulator.DefaultRecordBatchBuilder", plain
    )


@pytest.fixture
def tower(broker, namespace, tmp_path):
    settings = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=PARTITIONS)
    asyncio.run(ensure_topics(broker.bootstrap, settings))
    with towers(broker.bootstrap, namespace, tmp_path, partitions=PARTITIONS) as made:
        yield made


async def send(tower, records, **options):
    """Send (topic, partition, value, headers), each a batch of its own; return their places."""
    producer = AIOKafkaProducer(
        bootstrap_servers=tower.bootstrap, acks="all", max_request_size=HUGE, **options
    )
    await producer.start()
    places = []
    try:
        futures = []
        for topic, partition, value, headers in records:
            batch = producer.create_batch()
            batch.append(key=None, value=value, timestamp=None, headers=list(headers))
            name = named(tower.namespace, topic)
            futures.append(await producer.send_batch(batch, name, partition=partition))
        for (topic, *_), future in zip(records, futures, strict=True):
            place = await future
            places.append(f"{topic}/{place.partition}/{place.offset}")
    finally:
        await producer.stop()
    return places


async def send_many(tower, records):
    """Send (topic, partition, value, headers), many in a batch."""
    producer = AIOKafkaProducer(bootstrap_servers=tower.bootstrap, acks="all", linger_ms=5)
    await producer.start()
    try:
        await asyncio.gather(
            *[
                await producer.send(named(tower.namespace, topic), value, partition=partition)
                for topic, partition, value, _ in records
            ]
        )
    finally:
        await producer.stop()


def letters_of(read_topic, namespace):
    letters = Letters()
    for record in asyncio.run(read_topic(named(namespace, DEAD_LETTERS))):
        letters.add(record.key, record.value)
    return letters.by_place


def event(number, **fields):
    said = {
        "event_id": f"e-{number}",
        "kind": "order_promised",
        "occurred_at": now().isoformat(),
        "source": "shop",
        "order_id": f"o-{number}",
        "carrier": "swift",
    }
    return json.dumps(said | fields, ensure_ascii=False).encode()


def test_what_fills_a_message_to_its_limit_is_set_aside_whole(
    tower, read_topic, namespace, seed, wire
):
    noise = Random(seed).randbytes  # noqa: S311
    workers = tower.workers(2)
    outsized = [
        (ORDER_EVENTS, 0, noise(900_000), ()),
        (COURIER_EVENTS, 1, noise(900_000), ()),
        (ORDER_EVENTS, 1, b"[" * 1_048_000, ()),
        (ORDER_EVENTS, 0, b'"' + b"\\u0000" * 170_000 + b'"', (("h", noise(20_000)),)),
        (ORDER_EVENTS, 0, None, (("h", noise(900_000)),)),  # and without a key
        (COURIER_EVENTS, 0, b"x", tuple(("\x01" * 6 + f"{n}", b"") for n in range(60_000))),
        (ORDER_EVENTS, 1, b"{}", ((Octets("name"), b"\xff"), (Octets(""), None))),
    ]
    reasons = [
        "too_large", "too_large", "too_large", "too_large", "bad_json", "bad_json",
        "missing_field",
    ]  # fmt: skip
    good = [
        (ORDER_EVENTS, 0, event(1), ((Octets("trace"), b"1"), ("tower-tick-2", None))),
        (ORDER_EVENTS, 1, event(2), ()),
    ]
    places = asyncio.run(send(tower, outsized + good))
    until(lambda: tower.events()["read"] == len(places), 30, tower.says)
    assert [each.code for each in workers] == [None, None], tower.says()
    events = tower.events()
    assert events["accepted"] == 2
    assert events["rejected"] == dict(Counter(reasons))
    found = letters_of(read_topic, namespace)
    for place, (_, _, raw, _), reason in zip(places[:-2], outsized, reasons, strict=True):
        [letter] = found[place]
        assert (letter.reason, letter.raw) == (reason, raw)
    assert found[places[4]][0].headers == {"h": outsized[4][3][0][1]}
    assert found[places[5]][0].headers == {}
    assert found[places[5]][0].detail.endswith("; 60000 headers left out")
    assert found[places[6]][0].headers == {"\\xff\\xfename": b"\xff", "\\xff\\xfe": b""}
    assert set(found) == set(places[:-2])


@pytest.mark.slow
def test_what_grows_when_it_is_unpacked_is_cut(tower, read_topic, namespace):
    [worker] = tower.workers(1)
    records = [(ORDER_EVENTS, 0, b" " * 20_000_000, ()), (ORDER_EVENTS, 0, event(1), ())]
    for codec in ("gzip", "zstd"):
        asyncio.run(send(tower, records[:1], compression_type=codec))
    asyncio.run(send(tower, records[1:], compression_type="lz4"))
    until(lambda: tower.events()["read"] == 3, 30, tower.says)
    until(lambda: tower.events()["accepted"] == 1, 30, tower.says)
    assert worker.code is None, tower.says()
    for [letter] in letters_of(read_topic, namespace).values():
        assert (letter.reason, letter.raw) == ("too_large", b" " * KEPT_BYTES)
        assert letter.detail.endswith(f"the first {KEPT_BYTES} of 20000000 bytes kept")


@pytest.mark.slow
def test_contact_updates_of_any_kind_leave_the_dispatcher_well(
    tower, read_topic, namespace, seed, wire
):
    dispatcher = tower.start("dispatcher")
    tower.ready([dispatcher])
    records = [
        (CONTACT_UPDATES, 0, Random(seed).randbytes(900_000), ()),  # noqa: S311
        (CONTACT_UPDATES, 1, None, (("nothing", None),)),
        (CONTACT_UPDATES, 0, b"{}", ((Octets("name"), None), ("kind", b"tick"))),
        (CONTACT_UPDATES, 1, b"x", tuple(("\x01" * 6 + f"{n}", b"") for n in range(60_000))),
    ]
    places = asyncio.run(send(tower, records))
    places += asyncio.run(send(tower, records[2:3], compression_type="zstd"))
    reasons = ["too_large", "bad_value", "missing_field", "bad_json", "missing_field"]
    must = dict(zip(places, reasons, strict=True))

    def found():
        letters = letters_of(read_topic, namespace)
        return {place: each[0].reason for place, each in letters.items()}

    until(lambda: found() == must, 20, lambda: f"{found()}\n{tower.says()}")
    checked(dispatcher)
    dispatcher.signal()
    assert dispatcher.ended(10) == 0, tower.says()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_flood_for_one_order_or_one_courier_ends_in_letters_not_in_a_crash(
    tower, read_topic, namespace
):
    workers = tower.workers(2)
    told = [
        event(n, kind="feedback_given", order_id="o", csat=4, comment="\U0001f4e6" * 2_000)
        for n in range(300)
    ]  # 8 kB each: 2.4 MB of one order
    ids = ["\U0001f69a" * 190 + str(n) for n in range(4_000)]
    seen = [
        event(n, event_id=id_, kind="position_reported", courier_id="c", lat=1, lon=1)
        for n, id_ in enumerate(ids)
    ]
    sent = [(ORDER_EVENTS, 0, event(-1, order_id="o"), ())]
    sent += [(ORDER_EVENTS, 0, each, ()) for each in told]
    sent += [(COURIER_EVENTS, 0, each, ()) for each in seen + seen[:10]]
    asyncio.run(send_many(tower, sent))
    until(lambda: tower.events()["read"] == len(sent), 60, tower.says)
    asyncio.run(asyncio.sleep(3))
    assert [each.code for each in workers] == [None, None], tower.says()
    events = tower.events()
    refused = events["rejected"].get("order_too_large", 0)
    assert events["accepted"] + refused == 301 + 4_000
    assert events["duplicate"] == 10
    reasons = Counter(each[0].reason for each in letters_of(read_topic, namespace).values())
    assert reasons == {"order_too_large": refused}
    assert 0 < refused < 300


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_ten_thousand_carriers_are_two_hundred_and_others(tower):
    workers = tower.workers(2)
    names = [f"carrier number {n}" for n in range(10_000)]
    sent = [
        (ORDER_EVENTS, n % 2, event(n, carrier=name, service=f"service {n}"), ())
        for n, name in enumerate(names)
    ]
    asyncio.run(send_many(tower, sent))

    def open_orders():
        return [
            sample
            for worker in workers
            for family in families(worker.metrics())
            if family.name == "tower_orders_active"
            for sample in family.samples
        ]

    until(lambda: sum(one.value for one in open_orders()) == 10_000, 60, tower.says)
    for worker in workers:
        active = [family for family in checked(worker) if family.name == "tower_orders_active"]
        carriers = {sample.labels["carrier"] for sample in active[0].samples}
        assert len(carriers) == 201
        assert "other" in carriers
