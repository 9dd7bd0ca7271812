"""The catalogue of hostile messages: what is wrong with each, and the verdict it must get.

Every verdict is written down here from the rules of reading, never asked of the reader. A row
takes the example of a kind, puts a value at a place of it, and says what must become of it.
Numbers of items: 1 numbers, 2 time, 3 places, 4 text, 5 structure, 6 identity, 7 versions.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from streams.simulate.examples import (
    COURIER_COMMON,
    COURIER_EXAMPLES,
    IN_AN_HOUR,
    IN_THREE_HOURS,
    ORDER_COMMON,
    ORDER_EXAMPLES,
    REQUIRED,
    After,
)

ACCEPTED = "accepted"
DUPLICATE = "duplicate"
TOO_LARGE = "too_large"
BAD_JSON = "bad_json"
NOT_AN_OBJECT = "not_an_object"
SCHEMA_VERSION = "schema_version"
UNKNOWN_KIND = "unknown_kind"
FOREIGN_TICK = "foreign_tick"
MISSING_FIELD = "missing_field"
BAD_TIME = "bad_time"
BAD_VALUE = "bad_value"
ORDER_CLOSED = "order_closed"


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that stand in the JSON as they are, where a value would."""

    octets: bytes


class Row(NamedTuple):
    """Put `value` at the dotted `place` of the example of `kind`."""

    item: str
    kind: str
    place: str
    value: Any
    expect: str


REMOVED = object()
_P, _F, _POS = "order_promised", "feedback_given", "position_reported"
_FIVE_THOUSAND = Raw(b"7" * 5_000)
_NUMBERS = (
    Row("1.zero", _POS, "accuracy_m", 0, ACCEPTED),
    Row("1.minus_zero", _POS, "lat", -0.0, ACCEPTED),
    Row("1.minus_one", _POS, "accuracy_m", -1, BAD_VALUE),
    Row("1.minus_one_speed", _POS, "speed_mps", -1, BAD_VALUE),
    Row("1.1e308", _P, "value.amount", 1e308, ACCEPTED),
    Row("1.1e308_degrees", _POS, "lon", 1e308, BAD_VALUE),
    Row("1.1e400", _P, "value.amount", Raw(b"1e400"), BAD_VALUE),
    Row("1.1e400_unknown_field", _P, "colour", Raw(b"1e400"), ACCEPTED),
    Row("1.nan", _POS, "speed_mps", Raw(b"NaN"), BAD_JSON),
    Row("1.nan_unknown_field", _P, "colour", Raw(b"NaN"), BAD_JSON),
    Row("1.infinity", _P, "value.amount", Raw(b"Infinity"), BAD_JSON),
    Row("1.minus_infinity", _P, "attributes.weight_kg", Raw(b"-Infinity"), BAD_JSON),
    Row("1.2^63", "out_for_delivery", "stop", 2**63, BAD_VALUE),
    Row("1.2^64", "out_for_delivery", "stops", 2**64, BAD_VALUE),
    Row("1.5000_digits", "out_for_delivery", "stop", _FIVE_THOUSAND, BAD_VALUE),
    Row("1.5000_digits_degrees", _POS, "lat", _FIVE_THOUSAND, BAD_VALUE),
    Row("1.5000_digits_unknown_field", _P, "colour", _FIVE_THOUSAND, ACCEPTED),
    Row("1.leading_zero", "out_for_delivery", "stop", Raw(b"012"), BAD_JSON),
    Row("1.hexadecimal", "out_for_delivery", "stop", Raw(b"0x12"), BAD_JSON),
    Row("1.text", _POS, "accuracy_m", "12", BAD_VALUE),
    Row("1.text_stop", "out_for_delivery", "stop", "12", BAD_VALUE),
    Row("1.true", _POS, "accuracy_m", True, BAD_VALUE),
    Row("1.true_rating", _F, "csat", True, BAD_VALUE),
    Row("1.null_optional", _POS, "accuracy_m", None, ACCEPTED),
    Row("1.null_required", _POS, "lat", None, BAD_VALUE),
    Row("1.negative_stop", "out_for_delivery", "stop", -1, BAD_VALUE),
    Row("1.negative_service", "route_planned", "stops.0.service_seconds", -5, BAD_VALUE),
    Row("1.negative_amount", _P, "value.amount", -0.01, BAD_VALUE),
    Row("1.rating_0", _F, "csat", 0, BAD_VALUE),
    Row("1.rating_6", _F, "parcel_care", 6, BAD_VALUE),
    Row("1.rating_text", _F, "csat", "5", BAD_VALUE),
    Row("1.rating_list", _F, "csat", [5], BAD_VALUE),
    Row("1.rating_fraction", _F, "csat", 4.5, BAD_VALUE),
    Row("1.nps_0", _F, "nps", 0, ACCEPTED),
    Row("1.nps_11", _F, "nps", 11, BAD_VALUE),
    Row("1.ces_8", _F, "ces", 8, BAD_VALUE),
    Row("1.attribute_true", _P, "attributes.weight_kg", True, BAD_VALUE),
    Row("1.attribute_null", _P, "attributes.weight_kg", None, BAD_VALUE),
    Row("1.attributes_16", _P, "attributes", {f"a{n}": n for n in range(16)}, ACCEPTED),
    Row("1.attributes_17", _P, "attributes", {f"a{n}": n for n in range(17)}, BAD_VALUE),
    Row("1.eta_before_event", "eta_updated", "eta", After(timedelta(minutes=-30)), ACCEPTED),
    Row("1.eta_low_after_high", "eta_updated", "eta_low", After(timedelta(hours=5)), BAD_VALUE),
    Row("1.end_before_start", _P, "promise.end", After(timedelta(minutes=59)), BAD_VALUE),
    Row("1.zero_length_window", _P, "promise.start", IN_THREE_HOURS, ACCEPTED),
    Row("1.ten_years", _P, "promise.end", After(timedelta(days=3_650)), ACCEPTED),
    Row("1.route_of_1001", "route_planned", "stops",
        [{"order_id": "A", "lat": 1, "lon": 1}] * 1_001, BAD_VALUE),
)  # fmt: skip

_INSTANTS: tuple[tuple[str, Any, str], ...] = (
    ("naive", "2026-05-04T10:00:00", BAD_TIME),
    ("date_only", "2026-05-04", BAD_TIME),
    ("1970", "1970-01-01T00:00:00Z", BAD_TIME),
    ("0001", "0001-01-01T00:00:00Z", BAD_TIME),
    ("9999", "9999-12-31T23:59:59Z", BAD_TIME),
    ("last_of_1999", "1999-12-31T23:59:59.999Z", BAD_TIME),
    ("1999_by_offset", "2000-01-01T00:59:59+01:00", BAD_TIME),
    ("first_of_2000", "2000-01-01T00:00:00Z", ACCEPTED),
    ("first_of_2100", "2100-01-01T00:00:00Z", BAD_TIME),
    ("epoch_s", 1_777_888_999, BAD_VALUE),
    ("epoch_ms", 1_777_888_999_000, BAD_VALUE),
    ("epoch_us", 1_777_888_999_000_000, BAD_VALUE),
    ("epoch_text", "1777888999", BAD_TIME),
    ("offset_99", "2026-05-04T10:00:00+99:00", BAD_TIME),
    ("offset_24", "2026-05-04T10:00:00+24:00", BAD_TIME),
    ("offset_23_59", "2026-05-04T10:00:00+23:59", ACCEPTED),
    ("offset_without_colon", "2026-05-04T10:00:00+0200", BAD_TIME),
    ("leap_second", "2016-12-31T23:59:60Z", BAD_TIME),
    ("february_30", "2026-02-30T10:00:00Z", BAD_TIME),
    ("hour_24", "2026-05-04T24:00:00Z", BAD_TIME),
    ("without_seconds", "2026-05-04T10:00Z", BAD_TIME),
    ("lower_case", "2026-05-04t10:00:00z", ACCEPTED),
    ("space", "2026-05-04 10:00:00Z", BAD_TIME),
    ("nine_decimals", "2026-05-04T10:00:00.123456789Z", ACCEPTED),
    ("arabic_digits", "\u0662\u0660\u0662\u0666-05-04T10:00:00Z", BAD_TIME),
    ("newline", "2026-05-04T10:00:00Z\n", BAD_TIME),
    ("empty", "", BAD_TIME),
    ("gap_of_dst_local", "2026-03-29T02:30:00", BAD_TIME),
    ("gap_of_dst", "2026-03-29T02:30:00+01:00", ACCEPTED),
    ("fold_of_dst_local", "2026-10-25T02:30:00", BAD_TIME),
    ("fold_of_dst", "2026-10-25T02:30:00+01:00", ACCEPTED),
    ("in_an_hour", IN_AN_HOUR, ACCEPTED),
    ("in_a_year", After(timedelta(days=365)), ACCEPTED),
)
# An order_promised makes an order however old it is, which no other event does.
_TIMES = (
    *(Row(f"2.{name}", _P, "occurred_at", value, expect) for name, value, expect in _INSTANTS),
    Row("2.promise_end_naive", _P, "promise.end", "2026-05-04T10:00:00", BAD_TIME),
    Row("2.promise_start_1999", _P, "promise.start", "1999-05-04T10:00:00Z", BAD_TIME),
    Row("2.promise_end_number", _P, "promise.end", 1_777_888_999, BAD_VALUE),
    Row("2.eta_leap_second", "eta_updated", "eta", "2026-06-30T23:59:60Z", BAD_TIME),
    Row("2.observed_at_text", _P, "observed_at", "yesterday", BAD_TIME),
    Row("2.observed_at_null", _P, "observed_at", None, ACCEPTED),
    Row("2.delivered_before_shipped", "delivered", "occurred_at",
        After(timedelta(days=-2)), ACCEPTED),
    Row("2.zone_nowhere", _P, "timezone", "Europe/Nowhere", BAD_VALUE),
    Row("2.zone_path", _P, "timezone", "../../etc/passwd", BAD_VALUE),
    Row("2.zone_absolute", _P, "timezone", "/etc/localtime", BAD_VALUE),
    Row("2.zone_10000", _P, "timezone", "Z" * 10_000, BAD_VALUE),
    Row("2.zone_empty", _P, "timezone", "", BAD_VALUE),
    Row("2.zone_null", _P, "timezone", None, ACCEPTED),
    Row("2.quality_unheard_of", _P, "time_quality", "guessed", BAD_VALUE),
    Row("2.precision_unheard_of", _P, "promise.precision", "month", BAD_VALUE),
)  # fmt: skip

_PLACES = (
    Row("3.lat_91", _POS, "lat", 91, BAD_VALUE),
    Row("3.lat_minus_90", _POS, "lat", -90, ACCEPTED),
    Row("3.lon_181", _POS, "lon", 181, BAD_VALUE),
    Row("3.lon_180", _POS, "lon", 180.0, ACCEPTED),
    Row("3.null_island", _P, "destination", {"lat": 0, "lon": 0}, ACCEPTED),
    Row("3.swapped", _P, "destination", {"lat": 121.47, "lon": 31.23}, BAD_VALUE),
    Row("3.text", _POS, "lat", "52.5", BAD_VALUE),
    Row("3.nan", _POS, "lat", Raw(b"NaN"), BAD_JSON),
    Row("3.20_decimals", _POS, "lat", Raw(b"52.52000000000000000001"), ACCEPTED),
    Row("3.pair", _P, "destination", [52.5, 13.4], BAD_VALUE),
    Row("3.half_a_point", _P, "destination", {"lat": 52.5}, MISSING_FIELD),
    Row("3.half_a_fix", "delivered", "position", {"lon": 13.4}, MISSING_FIELD),
    Row("3.half_a_stop", "route_planned", "stops.0.lat", REMOVED, BAD_VALUE),
    Row("3.stop_lat_91", "route_planned", "stops.1.lat", 91, BAD_VALUE),
    Row("3.stop_of_text", "route_planned", "stops.1", "A-2", BAD_VALUE),
    Row("3.no_stops", "route_planned", "stops", [], ACCEPTED),
    Row("3.no_destination", _P, "destination", None, ACCEPTED),
)

_SAYINGS = (
    ("template", "{{7*7}}"), ("jndi", "${jndi:ldap://x.invalid/a}"),
    ("jinja", "{% for x in () %}{% endfor %}"), ("script", "<script>alert(1)</script>"),
    ("onerror", '"><img src=x onerror=alert(1)>'), ("javascript", "javascript:alert(1)"),
    ("formula", '=HYPERLINK("https://x.invalid")'), ("sql", "'; DROP TABLE orders; --"),
    ("rtl_override", "abc\u202edef"), ("zero_width", "a\u200bb\u2060c\ufeff"),
    ("nul", "a\x00b"),
    ("crlf", "x\r\nBcc: all@x.invalid"), ("delete", "a\x7fb"), ("noncharacter", "a\uffffb"),
    ("private_use", "a\ue000b"), ("homoglyph", "h\u043estile-express"),
    ("emoji_family", "👩\u200d👩\u200d👧\u200d👦"), ("decomposed", "Zu\u0308rich"),
)  # fmt: skip
_ENCODED = (
    ("invalid_utf8", b'"\xff"'), ("truncated_utf8", b'"\xe2\x82"'), ("overlong", b'"\xc0\xaf"'),
    ("utf8_surrogate", b'"\xed\xa0\x80"'), ("lone_surrogate", b'"\\ud800"'),
    ("reversed_surrogates", b'"\\udc00\\ud800"'), ("raw_nul", b'"a\x00b"'),
    ("raw_newline", b'"a\nb"'), ("bad_escape", b'"\\x41"'), ("unquoted", b"abc"),
)  # fmt: skip
_TEXTS = (
    *(Row(f"4.{name}", _F, "comment", text, ACCEPTED) for name, text in _SAYINGS),
    *(Row(f"4.{name}_carrier", _P, "carrier", text, ACCEPTED) for name, text in _SAYINGS),
    *(Row(f"4.{name}", "held", "reason", Raw(octets), BAD_JSON) for name, octets in _ENCODED),
    Row("4.lone_surrogate_unknown_field", _P, "colour", Raw(b'"\\ud800"'), BAD_JSON),
    Row("4.combining_bomb", _F, "comment", "Z" + "\u0301" * 1_000, ACCEPTED),
    Row("4.combining_bomb_carrier", _P, "carrier", "Z" + "\u0301" * 1_000, BAD_VALUE),
    Row("4.grows_by_normalising", _P, "carrier", "\u0958" * 64, BAD_VALUE),
    Row("4.1_mb_name", _P, "carrier", "N" * 600_000, TOO_LARGE),
    Row("4.name_64", _P, "service", "N" * 64, ACCEPTED),
    Row("4.name_65", _P, "region", "N" * 65, BAD_VALUE),
    Row("4.name_empty", _P, "carrier", "", BAD_VALUE),
    Row("4.name_invisible", _P, "carrier", "\u200b\u202e", BAD_VALUE),
    Row("4.service_invisible", _P, "service", "\x00", BAD_VALUE),
    Row("4.comment_2000", _F, "comment", "é" * 2_000, ACCEPTED),
    Row("4.comment_2001", _F, "comment", "c" * 2_001, BAD_VALUE),
    Row("4.comment_empty", _F, "comment", "", ACCEPTED),
    Row("4.attribute_64", _P, "attributes.fragile", "f" * 64, ACCEPTED),
    Row("4.attribute_65", _P, "attributes.fragile", "f" * 65, BAD_VALUE),
    Row("4.currency_lower_case", _P, "value.currency", "eur", BAD_VALUE),
    Row("4.currency_newline", _P, "value.currency", "EUR\n", BAD_VALUE),
    Row("4.reason_unheard_of", "attempt_failed", "reason", "dog on the stairs", ACCEPTED),
)

_IDENTITIES = (
    Row("6.empty_event_id", _P, "event_id", "", BAD_VALUE),
    Row("6.event_id_201", _P, "event_id", "i" * 201, BAD_VALUE),
    Row("6.event_id_1000", _P, "event_id", "i" * 1_000, BAD_VALUE),
    Row("6.empty_order_id", _P, "order_id", "", BAD_VALUE),
    Row("6.order_id_101", _P, "order_id", "o" * 101, BAD_VALUE),
    Row("6.order_id_space", _P, "order_id", "A 1", BAD_VALUE),
    Row("6.order_id_no_break_space", _P, "order_id", "A\u00a01", BAD_VALUE),
    Row("6.order_id_newline", _P, "order_id", "A-1\n", BAD_VALUE),
    Row("6.order_id_nul", _P, "order_id", "A\x001", BAD_VALUE),
    Row("6.order_id_zero_width", _P, "order_id", "A\u200b1", BAD_VALUE),
    Row("6.order_id_rtl_override", _P, "order_id", "A\u202e1", BAD_VALUE),
    Row("6.order_id_number", _P, "order_id", 4711, BAD_VALUE),
    Row("6.empty_customer_id", _P, "customer_id", "", BAD_VALUE),
    Row("6.empty_courier_id", _POS, "courier_id", "", BAD_VALUE),
    Row("6.courier_id_201", _POS, "courier_id", "c" * 201, BAD_VALUE),
    Row("6.source_upper_case", _P, "source", "Shop", BAD_VALUE),
    Row("6.source_space", _P, "source", "my shop", BAD_VALUE),
    Row("6.source_newline", _P, "source", "shop\n", BAD_VALUE),
    Row("6.source_homoglyph", _P, "source", "sh\u043ep", BAD_VALUE),
    Row("6.source_empty", _P, "source", "", BAD_VALUE),
    Row("6.source_64", _P, "source", "s" * 64, ACCEPTED),
    Row("6.source_65", _P, "source", "s" * 65, BAD_VALUE),
    Row("6.unknown_order", "delivered", "to", "consignee", ACCEPTED),
)

_VERSIONS = (
    Row("7.version_1", _P, "schema_version", 1, ACCEPTED),
    Row("7.version_ahead_by_1", _P, "schema_version", 2, SCHEMA_VERSION),
    Row("7.version_ahead_by_1000", _POS, "schema_version", 1_001, SCHEMA_VERSION),
    Row("7.version_0", _P, "schema_version", 0, BAD_VALUE),
    Row("7.version_minus_1", _P, "schema_version", -1, BAD_VALUE),
    Row("7.version_text", _P, "schema_version", "1", BAD_VALUE),
    Row("7.version_fraction", _P, "schema_version", 1.5, BAD_VALUE),
    Row("7.version_true", _P, "schema_version", True, BAD_VALUE),
    Row("7.version_null", _P, "schema_version", None, ACCEPTED),
    Row("7.kind_of_tomorrow", _P, "kind", "drone_landed", UNKNOWN_KIND),
    Row("7.kind_upper_case", "delivered", "kind", "Delivered", UNKNOWN_KIND),
    Row("7.kind_empty", _P, "kind", "", UNKNOWN_KIND),
    Row("7.kind_of_couriers", _P, "kind", "position_reported", UNKNOWN_KIND),
    Row("7.kind_of_orders", _POS, "kind", "delivered", UNKNOWN_KIND),
)


_STRUCTURES = (
    Row("5.unknown_field", _P, "colour", {"deep": [1, {"er": None}]}, ACCEPTED),
    Row("5.unknown_fields", _P, "colours", {f"c{n}": n for n in range(2_000)}, ACCEPTED),
    Row("5.unknown_field_of_a_part", _P, "promise.colour", "red", ACCEPTED),
    Row("5.duplicate_key_good_last", _P, "kind", Raw(b'"x","kind":"order_promised"'), ACCEPTED),
    Row("5.duplicate_key_bad_last", _P, "carrier", Raw(b'"x","carrier":7'), BAD_VALUE),
    Row("5.missing_promise_end", _P, "promise.end", REMOVED, MISSING_FIELD),
    Row("5.missing_currency", _P, "value.currency", REMOVED, MISSING_FIELD),
    Row("5.missing_order_of_stop", "route_planned", "stops.0.order_id", REMOVED, BAD_VALUE),
    Row("5.by_unheard_of", "promise_changed", "by", "neighbour", BAD_VALUE),
    Row("5.consented_text", "delivered", "consented", "true", BAD_VALUE),
    Row("5.consented_number", "delivered", "consented", 1, BAD_VALUE),
    Row("5.trailing_comma", _P, "colour", Raw(b"1,"), BAD_JSON),
    Row("5.comment", _P, "colour", Raw(b"1 /* red */"), BAD_JSON),
    Row("5.nesting_100", _P, "colour", Raw(b"[" * 100 + b"]" * 100), ACCEPTED),
    Row("5.nesting_100000_unknown_field", _P, "colour", Raw(b"[" * 100_000 + b"]" * 100_000),
        BAD_JSON),
    Row("5.later_fault_first", "delivered", "occurred_at", REMOVED, MISSING_FIELD),
)  # fmt: skip


def _fields(kind: str) -> tuple[tuple[str, ...], dict[str, Any], tuple[str, ...]]:
    """Return what all share, the example, and which of its fields are required."""
    if kind in ORDER_EXAMPLES:
        return ORDER_COMMON, ORDER_EXAMPLES[kind], REQUIRED.get(kind, ())
    return COURIER_COMMON, COURIER_EXAMPLES[kind], REQUIRED.get(kind, ())


def _every_field() -> Iterator[Row]:
    """Yield every field of every kind missing, null, and of a wrong type."""
    for kind in (*ORDER_EXAMPLES, *COURIER_EXAMPLES):
        common, example, required = _fields(kind)
        yield Row(f"5.example_{kind}", kind, "", None, ACCEPTED)
        for field in dict.fromkeys((*common, *required, *example)):
            needed = field in common or field in required
            name = f"{kind}_{field}"
            wrong = 7 if isinstance(example.get(field), dict | list) else {"x": 1}
            yield Row(
                f"5.missing_{name}", kind, field, REMOVED, MISSING_FIELD if needed else ACCEPTED
            )
            yield Row(f"5.null_{name}", kind, field, None, BAD_VALUE if needed else ACCEPTED)
            yield Row(f"5.wrong_type_{name}", kind, field, wrong, BAD_VALUE)


ROWS: tuple[Row, ...] = (
    *_NUMBERS, *_TIMES, *_PLACES, *_TEXTS, *_STRUCTURES, *_every_field(), *_IDENTITIES,
    *_VERSIONS,
)  # fmt: skip

# Whole values of a record, the same for both topics.
BODIES: tuple[tuple[str, bytes | None, str], ...] = (
    ("5.empty", b"", BAD_JSON),
    ("5.blank", b" \r\n\t", BAD_JSON),
    ("5.null", b"null", NOT_AN_OBJECT),
    ("5.list", b"[]", NOT_AN_OBJECT),
    ("5.text", b'"x"', NOT_AN_OBJECT),
    ("5.number", b"7", NOT_AN_OBJECT),
    ("5.true", b"true", NOT_AN_OBJECT),
    ("5.no_fields", b"{}", MISSING_FIELD),
    ("5.list_of_objects", b"[{}]", NOT_AN_OBJECT),
    ("5.nesting_100000", b"[" * 100_000, BAD_JSON),
    ("5.nesting_100000_closed", b"[" * 100_000 + b"]" * 100_000, BAD_JSON),
    ("5.nesting_100000_objects", b'{"a":' * 40_000, BAD_JSON),
    ("5.gzip", gzip.compress(b"{}" * 10_000, mtime=0), BAD_JSON),
    ("5.form", b"kind=delivered&order_id=A-1", BAD_JSON),
    ("5.xml", b"<event kind='delivered'/>", BAD_JSON),
    ("5.single_quotes", b"{'kind': 'delivered'}", BAD_JSON),
    ("5.two_objects", b"{}{}", BAD_JSON),
    ("5.two_lines", b"{}\n{}\n", BAD_JSON),
    ("5.half_an_object", b'{"kind": "deliv', BAD_JSON),
    ("5.zeros", b"\x00" * 1_000, BAD_JSON),
    ("5.300_kb", b"[" + b" " * 300_000 + b"]", TOO_LARGE),
    ("5.300_kb_of_noise", b"\xff" * 300_000, TOO_LARGE),
    ("4.byte_order_mark", b"\xef\xbb\xbf{}", BAD_JSON),
    ("4.utf16", '{"kind": "delivered"}'.encode("utf-16"), BAD_JSON),
    ("7.tombstone", None, BAD_JSON),
)
