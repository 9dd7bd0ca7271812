"""The catalogue of bad input against the reader: every committed verdict holds."""

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from models.letters import Reason
from streams.codec import Decoded, decode_courier, decode_order
from streams.simulate.examples import (
    COURIER_COMMON,
    COURIER_EXAMPLES,
    ORDER_COMMON,
    ORDER_EXAMPLES,
)
from streams.simulate.hostile import Hostile, hostile
from streams.simulate.hostile_items import ROWS

# What only the order's or the courier's row can tell: the reader itself accepts these.
BY_THE_ROW = {"duplicate", "order_closed"}
ENOUGH = 2_000  # messages, more than one turn through all items


@pytest.fixture(scope="module")
def messages() -> list[Hostile]:
    return list(hostile(7, ENOUGH))


def verdict(message: Hostile) -> str:
    decode = decode_order if message.topic == "order-events" else decode_courier
    decoded = decode(message.value)
    return "accepted" if isinstance(decoded, Decoded) else decoded.reason


def test_every_verdict_is_the_readers(messages: list[Hostile]) -> None:
    wrong = [
        (message.item, expected, verdict(message))
        for message in messages
        if message.expect != "foreign_tick"
        for expected in ["accepted" if message.expect in BY_THE_ROW else message.expect]
        if verdict(message) != expected
    ]
    assert wrong == []


def test_every_reason_and_every_item_is_there(messages: list[Hostile]) -> None:
    verdicts = {message.expect for message in messages}
    assert verdicts == {*Reason, "accepted", "duplicate"} - {Reason.ORDER_TOO_LARGE}
    items = {message.item for message in messages}
    assert {row.item for row in ROWS} <= items
    assert {item[0] for item in items} == set("1234567")
    examples = {f"5.example_{kind}" for kind in (*ORDER_EXAMPLES, *COURIER_EXAMPLES)}
    assert len(examples) == 27
    assert examples <= items


def test_the_examples_hold_every_field_of_their_kind_and_no_other() -> None:
    shared = {*ORDER_COMMON, *COURIER_COMMON, "observed_at", "schema_version", "time_quality"}
    for message in hostile(7, ENOUGH):
        if message.item.startswith("5.example_"):
            decode = decode_order if message.topic == "order-events" else decode_courier
            decoded = decode(message.value)
            assert isinstance(decoded, Decoded)
            assert not decoded.unknown
            example = (ORDER_EXAMPLES | COURIER_EXAMPLES)[decoded.event.kind]
            assert {"kind", *decoded.event.__struct_fields__} - shared == {*example} - shared


def test_a_name_means_one_thing() -> None:
    names = Counter(row.item for row in ROWS)
    assert [name for name, times in names.items() if times > 1] == []


def test_a_seed_fixes_the_bytes(messages: list[Hostile]) -> None:
    assert list(hostile(7, ENOUGH)) == messages
    assert list(hostile(8, ENOUGH)) != messages


def test_ids_are_fresh_by_seed_and_turn(messages: list[Hostile]) -> None:
    accepted = [
        decode.event
        for message in messages
        if message.topic == "order-events" and message.expect == "accepted"
        for decode in [decode_order(message.value)]
        if isinstance(decode, Decoded)
    ]
    ids = Counter((event.order_id, event.source, event.event_id) for event in accepted)
    assert max(ids.values()) == 1


def test_a_duplicate_follows_under_the_key_of_its_original(messages: list[Hostile]) -> None:
    for before, message in pairwise(messages):
        if message.expect == "duplicate":
            assert before.key == message.key is not None
            assert before.item[:2] == message.item[:2]


def test_in_feed_time_a_tick_is_no_mistake() -> None:
    feed = list(hostile(7, ENOUGH, clock="feed"))
    assert not any(message.headers or message.expect == "foreign_tick" for message in feed)


def test_events_happen_near_the_instant_asked_for() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    values = [message.value or b"" for message in hostile(7, 200, at=at)]
    assert sum(b'"occurred_at":"2030-01-01T00:0' in value for value in values) > 100
