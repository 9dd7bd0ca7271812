"""`tower dead-letters`: list, show, and send again what was refused."""

import asyncio
import base64
import json

import pytest
from aiokafka import AIOKafkaProducer

from streams import admin
from streams.config import Settings

pytestmark = pytest.mark.kafka

NINE = 1_704_099_600_000  # 2024-01-01T09:00Z


@pytest.fixture
def where(broker, namespace):
    return ("--brokers", broker.bootstrap, "--namespace", namespace)


def base64_of(data):
    return base64.b64encode(data).decode()


def letter(reason, offset, raw, *, topic="order-events", index=0, headers=None):
    return {
        "reason": reason,
        "detail": f"because {offset}",
        "topic": topic,
        "partition": 1,
        "offset": offset,
        "index": index,
        "received_at": NINE + offset,
        "raw": base64_of(raw),
        "headers": {name: base64_of(value) for name, value in (headers or {}).items()},
    }


RECORD = b'{"kind": "delivered", "order_id": "o7"}'
ESCAPE = b"\x1b[2J\xff"
LETTERS = [
    letter("bad_json", 5, ESCAPE),
    letter("missing_field", 6, RECORD, headers={"tower-received-at": b"17", "x": b"y"}),
    letter("missing_field", 7, b"{}", topic="courier-events"),
    letter("order_closed", 8, b"{}", topic="order-log"),
]


@pytest.fixture
def write(broker, namespace):
    """A function that sets letters aside."""
    settings = Settings(brokers=broker.bootstrap, namespace=namespace, partitions=1)

    async def write(letters):
        await admin.ensure_topics(broker.bootstrap, settings)
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            for each in letters:
                key = f"{each['topic']}/{each['partition']}/{each['offset']}".encode()
                value = json.dumps(each).encode()
                await producer.send_and_wait(f"{namespace}.dead-letters", value, key)

    return lambda letters: asyncio.run(write(letters))


@pytest.fixture
def letters(write):
    write(LETTERS)


@pytest.mark.usefixtures("letters")
def test_letters_are_listed_by_arrival_one_on_a_line(tower, where):
    ran = tower("dead-letters", "list", *where)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "order-events/1/5  bad_json  2024-01-01T09:00:00.005Z  because 5",
        "order-events/1/6  missing_field  2024-01-01T09:00:00.006Z  because 6",
        "courier-events/1/7  missing_field  2024-01-01T09:00:00.007Z  because 7",
        "order-log/1/8  order_closed  2024-01-01T09:00:00.008Z  because 8",
        "4 dead letters, the newest 4 shown.",
    ]


@pytest.mark.usefixtures("letters")
def test_the_list_can_be_cut_by_reason_and_number(tower, where):
    ran = tower("dead-letters", "list", "--reason", "missing_field", "--limit", 1, *where)
    assert ran.out.splitlines() == [
        "courier-events/1/7  missing_field  2024-01-01T09:00:00.007Z  because 7",
        "2 dead letters, the newest 1 shown.",
    ]
    assert tower("dead-letters", "list", "--reason", "mood", *where).code == 2


@pytest.mark.usefixtures("letters")
def test_one_letter_is_shown_whole_and_cannot_steer_the_terminal(tower, where):
    ran = tower("dead-letters", "show", "order-events/1/6", *where)
    assert ran.out.splitlines() == [
        "id           order-events/1/6",
        "index        0",
        "reason       missing_field",
        "detail       because 6",
        "received_at  2024-01-01T09:00:00.006Z",
        "header       tower-received-at: 17",
        "header       x: y",
        "bytes        39",
        RECORD.decode(),
    ]
    hostile = tower("dead-letters", "show", "order-events/1/5", *where)
    assert hostile.out.splitlines()[-1] == "\\x1b[2J\\xff"


@pytest.mark.usefixtures("letters")
def test_replay_sends_the_same_bytes_to_the_topic_they_came_from(
    tower, where, read_topic, namespace
):
    ran = tower("dead-letters", "replay", *where)
    assert ran.out == "Sent 3 again; 1 are no inbound events and stay.\n"
    orders = asyncio.run(read_topic(f"{namespace}.order-events"))
    assert sorted((each.key, each.value, each.headers) for each in orders if each.key) == [
        (b"o7", RECORD, (("tower-received-at", b"17"),))
    ]
    assert [each.value for each in orders if not each.key] == [ESCAPE]
    couriers = asyncio.run(read_topic(f"{namespace}.courier-events"))
    assert [(each.key, each.value) for each in couriers] == [(None, b"{}")]


@pytest.mark.usefixtures("letters")
def test_replay_sends_only_what_was_chosen(tower, where):
    by_reason = tower("dead-letters", "replay", "--reason", "bad_json", *where)
    assert by_reason.out == "Sent 1 again.\n"
    by_id = tower("dead-letters", "replay", "order-events/1/6", "courier-events/1/7", *where)
    assert by_id.out == "Sent 2 again.\n"
    absent = tower("dead-letters", "replay", "order-events/1/99", *where)
    assert (absent.code, absent.out) == (1, "")
    assert absent.err == "tower: There is no such dead letter: order-events/1/99.\n"


@pytest.mark.usefixtures("letters")
def test_a_message_that_comes_back_again_and_again_stays_one(
    tower, where, write, read_topic, namespace
):
    for again in (15, 25):  # what a replay of order-events/1/5 becomes while it is still bad
        assert tower("dead-letters", "replay", "--reason", "bad_json", *where).code == 0
        write([letter("bad_json", again, ESCAPE)])
    ran = tower("dead-letters", "list", "--reason", "bad_json", *where)
    assert ran.out.splitlines() == [
        "order-events/1/25  bad_json  2024-01-01T09:00:00.025Z  because 25  (3 times)",
        "1 dead letters, the newest 1 shown.",
    ]
    ran = tower("dead-letters", "replay", "--reason", "bad_json", *where)
    assert ran.out == "Sent 1 again, each message once of 3 letters.\n"
    old = tower("dead-letters", "replay", "order-events/1/5", "order-events/1/25", *where)
    assert old.out == "Sent 1 again, each message once of 2 letters.\n"
    assert [each.value for each in asyncio.run(read_topic(f"{namespace}.order-events"))] == (
        [ESCAPE] * 4
    )
    assert "because 15" in tower("dead-letters", "show", "order-events/1/15", *where).out


def test_a_tick_from_outside_is_no_event_to_send_again(tower, where, write):
    write([letter("foreign_tick", 1, b"", headers={"tower-tick": b"17"})])
    ran = tower("dead-letters", "replay", *where)
    assert ran.out == "Sent 0 again; 1 are no inbound events and stay.\n"


@pytest.mark.parametrize("command", ["list", "show order-events/0/1", "replay"])
def test_a_namespace_without_a_tower_is_no_empty_one(tower, where, namespace, command):
    ran = tower("dead-letters", *command.split(), *where)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"tower: There is no topic {namespace}.dead-letters:"
        " no worker has run in this namespace.\n"
    )


def test_without_letters_there_is_nothing_to_do(tower, where, write):
    write([])
    assert tower("dead-letters", "list", *where).out == "No dead letters.\n"
    assert tower("dead-letters", "replay", *where).out == "Sent 0 again.\n"
    ran = tower("dead-letters", "show", "order-events/0/1", *where)
    assert ran.code == 1
    assert ran.err == (
        "tower: There is no dead letter order-events/0/1; they are kept for 14 days.\n"
    )


def test_without_a_broker_one_sentence_says_so(tower):
    for words in (["list"], ["show", "order-events/0/1"], ["replay"]):
        ran = tower("dead-letters", *words, "--brokers", "127.0.0.1:1")
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith("tower: No Kafka broker answers at 127.0.0.1:1: ")
