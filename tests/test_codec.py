"""Decode at the edge: one reason a refusal, in a fixed order, and never an exception."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import millis
from models.contacts import ContactErased, ContactUpdate
from models.letters import Reason
from streams.codec import (
    MAX_BYTES,
    Decoded,
    Rejected,
    decode_contact,
    decode_courier,
    decode_order,
    load_courier,
    load_order,
)
from streams.domain.arrivals import content_of

DELIVERED = {
    "event_id": "e-1",
    "kind": "delivered",
    "occurred_at": "2026-05-04T10:00:00+02:00",
    "source": "depot-7",
    "order_id": "A-1",
}
PROMISED = DELIVERED | {
    "kind": "order_promised",
    "carrier": "dhl",
    "promise": {"start": "2026-05-04T12:00:00Z", "end": "2026-05-04T14:00:00Z"},
}
SHIFT = {
    "event_id": "e-2",
    "kind": "shift_started",
    "occurred_at": "2026-05-04T06:00:00Z",
    "source": "app",
    "courier_id": "k-9",
    "carrier": "dhl",
}


def as_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def accepted(decoded: Any) -> Decoded[Any]:
    assert isinstance(decoded, Decoded), decoded
    return decoded


def order(**changes: Any) -> Decoded[Any] | Rejected:
    return decode_order(as_json(PROMISED | changes))


def reason(decoded: Any) -> str:
    assert isinstance(decoded, Rejected), decoded
    assert 0 < len(decoded.detail) <= 200
    return decoded.reason


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


# Each step mends the fault the step before was refused for; all later faults are still there.
WORST = without(PROMISED, "event_id") | {
    "kind": "teleported",
    "schema_version": 2,
    "occurred_at": "2016-12-31T23:59:60Z",
    "carrier": 7,
}
STEPS: list[tuple[bytes, str]] = [
    (b"\xff" + as_json(WORST).ljust(MAX_BYTES), "too_large"),
    (b"\xff" + as_json(WORST), "bad_json"),
    (as_json([WORST]), "not_an_object"),
    (as_json(WORST), "schema_version"),
    (as_json(WORST | {"schema_version": 0}), "unknown_kind"),
    (as_json(WORST | {"schema_version": 0, "kind": 5}), "missing_field"),
    (as_json(WORST | {"schema_version": 0, "kind": "order_promised"}), "missing_field"),
    (as_json(WORST | {"schema_version": 0, "kind": 5, "event_id": "e"}), "bad_time"),
    (
        as_json(WORST | {"schema_version": 0, "kind": "order_promised", "event_id": "e"}),
        "bad_time",
    ),
    (as_json(PROMISED | {"schema_version": 0}), "bad_value"),
    (as_json(PROMISED | {"kind": 5}), "bad_value"),
]


@pytest.mark.parametrize(("raw", "expected"), STEPS)
def test_the_first_reason_in_the_order_of_checks_wins(raw: bytes, expected: str) -> None:
    assert reason(decode_order(raw)) == expected


@pytest.mark.parametrize("raw", [None, b"", b" \n", b"\xef\xbb\xbf{}", b'{"a":NaN}', b"{}x"])
def test_what_is_no_json_is_refused_on_every_topic(raw: bytes | None) -> None:
    assert reason(decode_order(raw)) == "bad_json"
    assert reason(decode_courier(raw)) == "bad_json"
    if raw is not None:
        assert reason(decode_contact(b"c-1", raw)) == "bad_json"


def test_a_line_end_does_not_count_as_size() -> None:
    raw = as_json(PROMISED).ljust(MAX_BYTES)
    for line_end in (b"", b"\n", b"\r\n"):
        accepted(decode_order(raw + line_end))
    assert reason(decode_order(raw + b" ")) == "too_large"


def test_a_missing_kind_is_a_missing_field() -> None:
    assert decode_order(as_json(without(PROMISED, "kind"))) == Rejected(
        Reason.MISSING_FIELD, "kind: Field required"
    )


def test_a_missing_part_of_a_part_is_missing_and_of_an_element_a_bad_value() -> None:
    assert reason(order(promise={"start": "2026-05-04T12:00:00Z"})) == "missing_field"
    route = SHIFT | {"kind": "route_planned", "stops": [{"lat": 1, "lon": 2}]}
    assert reason(decode_courier(as_json(route))) == "bad_value"


def test_a_null_is_an_absence_where_the_field_is_optional() -> None:
    nulls = accepted(order(schema_version=None, time_quality=None, direction=None, region=None))
    assert nulls.event == accepted(order()).event
    assert reason(order(carrier=None)) == "bad_value"
    promise = {"end": "2026-05-04T14:00:00Z", "start": None, "precision": None}
    assert accepted(order(promise=promise)).event.promise.precision == "instant"


def test_canonical_holds_the_known_fields_sorted_and_cleaned() -> None:
    decoded = accepted(
        order(
            colour="red",
            carrier="D\u0000H\u200bL",
            service="Zu\u0308rich",
            timezone=None,
            promise={"end": "2026-05-04t14:00:00.1234567+02:00", "x": 1},
            attributes={"z": 1, "a": "b"},
        )
    )
    assert decoded.unknown
    assert decoded.canonical.decode() == (
        '{"attributes":{"a":"b","z":1.0},"carrier":"DHL","event_id":"e-1",'
        '"kind":"order_promised","occurred_at":"2026-05-04T10:00:00+02:00","order_id":"A-1",'
        '"promise":{"end":"2026-05-04T14:00:00.123456+02:00"},'
        '"service":"Z\u00fcrich","source":"depot-7"}'
    )
    again = accepted(decode_order(decoded.canonical))
    assert (again.canonical, again.event, again.unknown) == (
        decoded.canonical,
        decoded.event,
        False,
    )
    assert load_order(decoded.canonical) == decoded.event


def test_unknown_looks_at_the_top_level_of_the_kind() -> None:
    assert not accepted(order(promise={"end": "2026-05-04T14:00:00Z", "x": 1})).unknown
    assert accepted(decode_order(as_json(DELIVERED | {"carrier": "dhl"}))).unknown


def test_a_courier_event_survives_its_canonical_form() -> None:
    position = SHIFT | {"kind": "position_reported", "lat": 52, "lon": -0.0, "speed_mps": None}
    decoded = accepted(decode_courier(as_json(position)))
    assert load_courier(decoded.canonical) == decoded.event
    assert b'"lat":52.0,"lon":-0.0' in decoded.canonical
    assert b"speed" not in decoded.canonical


def test_a_route_that_outgrows_the_limit_by_its_canonical_form_is_too_large() -> None:
    # 1,000 stops of some 260 bytes leave no room for the 4,000 bytes of 2,000 times ".0".
    stops = [{"order_id": "\u20ac" * 76, "lat": 1, "lon": 1}] * 1_000
    raw = json.dumps(SHIFT | {"kind": "route_planned", "stops": stops}, ensure_ascii=False)
    raw = raw.replace(", ", ",").replace(": ", ":")
    assert MAX_BYTES - 4_000 < len(raw.encode()) <= MAX_BYTES
    assert reason(decode_courier(raw.encode())) == "too_large"


def test_same_content_is_blind_to_when_it_was_recorded_and_how_it_was_spelt() -> None:
    first = accepted(order(observed_at="2026-05-04T11:00:00Z")).event
    again = accepted(order(observed_at="2026-05-04T12:00:00Z", schema_version=1)).event
    utc = accepted(order(occurred_at="2026-05-04T08:00:00Z")).event
    assert content_of(first) == content_of(again)
    assert content_of(first) == content_of(utc)
    assert content_of(first) != content_of(accepted(order(carrier="ups")).event)
    assert content_of(first) != content_of(accepted(decode_order(as_json(DELIVERED))).event)


CONTACT: dict[str, Any] = {
    "customer_id": "c-1",
    "locale": "de-CH",
    "timezone": "Europe/Zurich",
    "channels": [
        {"kind": "email", "address": "anna@EXAMPLE.com"},
        {"kind": "sms", "address": "+41790000000"},
        {"kind": "webhook", "address": "https://shop.example/hooks?to=1"},
    ],
    "quiet_hours": {"start": "21:00", "end": "08:00"},
    "muted": ["delay_cleared"],
    "consent": True,
}


def test_contacts_are_read_and_their_mail_address_normalised() -> None:
    decoded = accepted(decode_contact(b"c-1", as_json(CONTACT | {"shoe_size": 41})))
    assert isinstance(decoded.event, ContactUpdate)
    assert decoded.event.channels[0].address == "anna@example.com"
    assert decoded.unknown
    again = accepted(decode_contact(b"c-1", decoded.canonical))
    assert (again.event, again.canonical) == (decoded.event, decoded.canonical)


def test_a_contact_without_value_erases_the_customer_of_the_key() -> None:
    assert decode_contact(b"c-1", None) == ContactErased(customer_id="c-1")


@pytest.mark.parametrize("key", [None, b"", b"\xff", b"c" * 201])
def test_a_contact_needs_the_customer_as_its_key(key: bytes | None) -> None:
    assert reason(decode_contact(key, None)) == "bad_value"
    assert reason(decode_contact(key, as_json(CONTACT))) == "bad_value"


def test_a_contact_under_the_key_of_another_is_refused() -> None:
    assert reason(decode_contact(b"c-2", as_json(CONTACT))) == "bad_value"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"schema_version": 2, "customer_id": 7}, "schema_version"),
        ({"channels": [{"address": "anna@example.com"}]}, "bad_value"),
        ({"channels": [{"kind": "pigeon", "address": "roof"}]}, "bad_value"),
        ({"channels": CONTACT["channels"] * 6}, "bad_value"),
        ({"channels": {}}, "bad_value"),
        ({"quiet_hours": {"start": "21:00"}}, "missing_field"),
        ({"muted": ["parcel"]}, "bad_value"),
        ({"consent": "yes"}, "bad_value"),
    ],
)
def test_contacts_are_refused_with_the_same_reasons(
    changes: dict[str, Any], expected: str
) -> None:
    assert reason(decode_contact(b"c-1", as_json(CONTACT | changes))) == expected


def test_a_contact_needs_its_channels() -> None:
    raw = as_json(without(CONTACT, "channels"))
    assert reason(decode_contact(b"c-1", raw)) == "missing_field"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
FIELDS = sorted({*PROMISED, *SHIFT, "value", "attributes", "position", "stops", "csat", "eta"})
KINDS = ("order_promised", "delivered", "eta_updated", "feedback_given", "route_planned")


def check(decoded: Any, decode: Any) -> None:
    """Whatever came out is a verdict, and what was accepted stays accepted as it is kept."""
    if isinstance(decoded, Rejected):
        assert decoded.detail.isprintable() or decoded.reason == "bad_json"
        return
    assert millis(decoded.event.occurred_at) >= 946_684_800_000  # 2000-01-01
    again = decode(decoded.canonical)
    assert (again.canonical, again.event, again.unknown) == (
        decoded.canonical,
        decoded.event,
        False,
    )


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_bytes_never_raise(raw: bytes) -> None:
    for decode in (decode_order, decode_courier):
        check(decode(raw), decode)
    decode_contact(raw, raw)
    decode_contact(raw, None)


@settings(deadline=None)
@given(JSON)
def test_json_never_raises(value: Any) -> None:
    raw = json.dumps(value).encode()
    for decode in (decode_order, decode_courier):
        check(decode(raw), decode)
    decode_contact(b"c", raw)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([PROMISED, DELIVERED, SHIFT]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3),
    st.sampled_from((*KINDS, None)),
)
def test_events_with_any_value_anywhere_never_raise(
    event: dict[str, Any], changes: dict[str, Any], kind: str | None
) -> None:
    changed = event | changes | ({} if kind is None else {"kind": kind})
    raw = json.dumps(changed).encode()
    for decode in (decode_order, decode_courier):
        check(decode(raw), decode)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([as_json(PROMISED), as_json(DELIVERED), as_json(SHIFT)]),
    st.integers(min_value=0),
    st.binary(max_size=3),
    st.integers(0, 3),
)
def test_mutated_bytes_never_raise(raw: bytes, place: int, octets: bytes, cut: int) -> None:
    place %= len(raw)
    mutated = raw[:place] + octets + raw[place + cut :]
    for decode in (decode_order, decode_courier):
        check(decode(mutated), decode)


@settings(deadline=None)
@given(st.text(min_size=1, max_size=64), st.text(max_size=300))
def test_any_text_is_cleaned_once(carrier: str, region: str) -> None:
    decoded = order(carrier=carrier, region=region)
    check(decoded, decode_order)
    if isinstance(decoded, Decoded):
        dropped = {"Cc", "Cf", "Cs", "Co", "Cn"}
        visible = decoded.event.carrier.replace("\u200c", "").replace("\u200d", "")
        assert not dropped & {unicodedata.category(character) for character in visible}


def test_a_detail_is_printable_whatever_a_field_is_called() -> None:
    decoded = order(attributes={"\xa0": None})
    assert isinstance(decoded, Rejected)
    assert decoded.detail == "attributes.?.float: Input should be a valid number"
