"""The quick way in accepts nothing that the models refuse, and keeps the same bytes."""

import json
from copy import deepcopy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.events import CourierEvent, OrderEvent
from streams.codec import Decoded, decode_courier, decode_order
from streams.plain import MOST_BYTES, canonical_of
from streams.simulate.hostile import hostile

UNIONS = {"order-events": OrderEvent, "courier-events": CourierEvent}
PLAIN = {topic: canonical_of(union) for topic, union in UNIONS.items()}
MODELS: dict[str, TypeAdapter[Any]] = {
    topic: TypeAdapter(union) for topic, union in UNIONS.items()
}
# One event of every kind with all of its fields.
EVERY_KIND: dict[str, tuple[str, dict[str, Any]]] = {
    message.item: (message.topic, json.loads(message.value or b""))
    for message in hostile(7, 2_000)
    if message.item.startswith("5.example_")
}
EXAMPLES = list(EVERY_KIND.values())
PICKED_UP = EVERY_KIND["5.example_picked_up"][1]
sorted_json = msgspec.json.Encoder(order="sorted").encode


def by_the_models(topic: str, raw: bytes) -> bytes | None:
    """Return the canonical bytes as the models alone give them, None of a refused message."""
    adapter = MODELS[topic]
    try:
        event = adapter.validate_json(raw)
    except ValidationError:
        return None
    return sorted_json(adapter.dump_python(event, exclude_unset=True, exclude_none=True))


def check(topic: str, raw: bytes) -> bool:
    """Compare the two ways; return whether the quick one was open."""
    quick = PLAIN[topic](raw)
    if quick is not None:
        assert quick == by_the_models(topic, raw), raw
    return quick is not None


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value within a value, the ends of lists among them."""
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    return [path, *(found for key, part in parts for found in places(part, (*path, key)))]


def changed(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of an event with another value at a path."""
    copy = deepcopy(event)
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


ODD = [
    None, True, False, 0, 1, -1, 5, 7, 11, 1.0, 0.5, -0.0, 90.5, 181, 1e300, 2**31, 2**63,
    10**40,
    "", " ", "x", "a b", "A", "EUR", "x" * 64, "x" * 65, "x" * 100, "x" * 101, "x" * 201,
    "x" * 2_001, "\x7f", "\u00e4", "\u200b", "Europe/Berlin", "Mars/Base", "UTC", [], {}, ["x"],
    {"x": 1}, {"x" * 65: 1}, {str(n): n for n in range(17)}, {"lat": 1, "lon": 2},
    {"end": "2026-05-04T14:00:00Z"},
    {"end": "2026-05-04T14:00:00Z", "start": "2026-05-04T16:30:00+02:00"},
    {"end": "2026-05-04T14:00:00Z", "start": "2026-05-04T15:30:00+02:00", "x": 1},
    "2026-05-04T10:00:00Z", "2026-05-04 10:00:00Z", "2026-05-04t10:00:00z", "2026-05-04T10:00Z",
    "2026-05-04T10:00:00.1Z", "2026-05-04T10:00:00.000Z", "2026-05-04T10:00:00.1234567Z",
    "2026-05-04T10:00:00.120+02:00", "2026-05-04T10:00:00+0200", "2026-05-04T10:00:00-00:00",
    "2026-05-04T10:00:00+00:00", "2026-05-04T10:00:00+23:59", "2026-05-04T10:00:00+29:59",
    "2026-05-04T10:00:60Z", "2026-05-04T24:00:00Z", "2026-02-29T10:00:00Z",
    "1999-12-31T23:59:59Z",
    "2000-01-01T00:00:00+01:00", "2099-12-31T23:59:59-01:00", "2100-01-01T00:00:00Z",
    "2026-05-04T10:00:00Z ", "2026-05-04T10:00:00",
]  # fmt: skip


def test_there_is_an_example_of_every_kind() -> None:
    assert len(EXAMPLES) == 27


@pytest.mark.parametrize(("topic", "event"), EXAMPLES, ids=EVERY_KIND)
def test_every_kind_has_a_quick_way_and_no_odd_value_slips_through(
    topic: str, event: dict[str, Any]
) -> None:
    assert check(topic, json.dumps(event).encode())
    for path in places(event)[1:]:
        for value in ODD:
            check(topic, json.dumps(changed(event, path, value)).encode())
            check(topic, json.dumps(changed(event, path, value), ensure_ascii=False).encode())


def test_hostile_messages_find_no_quicker_way_than_the_models_have() -> None:
    for message in hostile(11, 3_000):
        if message.topic in PLAIN and message.value is not None:
            check(message.topic, message.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(ODD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(EXAMPLES), st.data())
def test_no_mixture_of_odd_values_slips_through(
    example: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    topic, event = example
    for path in data.draw(st.lists(st.sampled_from(places(event)[1:]), max_size=3)):
        try:
            event = changed(event, path, data.draw(VALUES))
        except (KeyError, IndexError, TypeError):
            continue  # the place is gone with an earlier change
    check(topic, json.dumps(event).encode())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(EXAMPLES), st.integers(0), st.binary(max_size=3), st.integers(0, 3))
def test_no_mutated_bytes_slip_through(
    example: tuple[str, dict[str, Any]], place: int, octets: bytes, cut: int
) -> None:
    topic, event = example
    raw = json.dumps(event).encode()
    place %= len(raw)
    check(topic, raw[:place] + octets + raw[place + cut :])


def test_a_key_given_twice_counts_once_the_last_time_on_both_ways() -> None:
    event = json.dumps(PICKED_UP)
    assert check("order-events", event.replace('"kind"', '"source":"x","kind"', 1).encode())


def test_long_messages_and_text_with_escapes_go_the_careful_way() -> None:
    event = PICKED_UP | {"location": "Z\u00fcrich"}
    assert not check("order-events", json.dumps(event).encode())
    assert not check("order-events", json.dumps(event, ensure_ascii=False).encode())
    plain = json.dumps(PICKED_UP).encode()
    assert not check("order-events", plain + b" " * MOST_BYTES)


@pytest.mark.parametrize(("topic", "event"), EXAMPLES, ids=EVERY_KIND)
def test_a_kept_event_says_what_its_model_says(topic: str, event: dict[str, Any]) -> None:
    decode = decode_order if topic == "order-events" else decode_courier
    for said in (event, {name: value for name, value in event.items() if name in _NEEDED}):
        raw = json.dumps(said).encode()
        decoded = decode(raw)
        if isinstance(decoded, Decoded):
            assert told(decoded.event) == told(MODELS[topic].validate_json(raw))


_NEEDED = {
    "event_id", "kind", "occurred_at", "source", "order_id", "courier_id", "carrier", "promise",
    "by", "eta", "reason", "withdraws", "action", "verdict", "topic", "lat", "lon", "stops",
}  # fmt: skip


def told(event: Any) -> Any:
    """Return every attribute a model declares, of the model or of its kept form."""
    if isinstance(event, tuple | list):
        return [told(each) for each in event]
    if isinstance(event, msgspec.Struct):
        named = {name: told(getattr(event, name)) for name in event.__struct_fields__}
        return named | ({"kind": event.kind} if hasattr(event, "kind") else {})
    fields = getattr(type(event), "model_fields", None)
    return event if fields is None else {name: told(getattr(event, name)) for name in fields}
