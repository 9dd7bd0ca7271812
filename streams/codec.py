"""Bytes to events at the edge: accepted and cleaned, or refused with one reason.

Whatever the bytes, nothing here raises. The order of the checks is the order of the reasons
(docs/kpis.md, "Reading"): size, JSON, object, version, kind, missing parts, instants, values.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, cast

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json

from models.base import BAD_TIME, Model, clean
from models.contacts import ContactErased, ContactUpdate
from models.events import (
    SCHEMA_VERSION,
    CourierEvent,
    CourierEventBase,
    OrderEvent,
    OrderEventBase,
    by_kind,
)
from models.letters import Reason
from streams.kept import decoder_of
from streams.plain import canonical_of

MAX_BYTES = 262_144
DETAIL_LENGTH = 200

M = TypeVar("M", bound=Model)


class Decoded(NamedTuple, Generic[M]):
    """An accepted message; `canonical` is what is kept of it, `unknown`: it held more.

    `event` is its kept form (streams/kept.py), of a contact the model.

    Canonical: the known fields that were given, cleaned, as JSON with sorted keys and no
    spaces, UTF-8; instants with the offset they were written with.
    """

    event: M
    canonical: bytes
    unknown: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused message; the detail names the field and the rule, and quotes no value."""

    reason: Reason
    detail: str


class _SomeOrderEvent(OrderEventBase):
    """What all order events share: it takes no missing kind and none that is no text."""

    kind: str


class _SomeCourierEvent(CourierEventBase):
    """What all courier events share, likewise."""

    kind: str


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The models of one topic by kind; `common` finds the faults of an event without one.

    `plain` is the quick way from a message to its canonical bytes, `load` from those to the
    event that is kept.
    """

    common: type[Model]
    kinds: dict[str, type[Model]]
    plain: Callable[[bytes], bytes | None]
    load: Callable[[bytes], Any]


def _vocabulary(union: Any, common: type[Model]) -> _Vocabulary:  # noqa: ANN401 (a special form)
    return _Vocabulary(common, by_kind(union), canonical_of(union), decoder_of(union))


_ORDERS = _vocabulary(OrderEvent, _SomeOrderEvent)
_COURIERS = _vocabulary(CourierEvent, _SomeCourierEvent)
_encoder = msgspec.json.Encoder(order="sorted")


def decode_order(raw: bytes | None) -> Decoded[OrderEvent] | Rejected:
    """Return the order event the bytes hold, or why they hold none; never raises."""
    return _decode_event(raw, _ORDERS)


def decode_courier(raw: bytes | None) -> Decoded[CourierEvent] | Rejected:
    """Return the courier event the bytes hold, or why they hold none; never raises."""
    return _decode_event(raw, _COURIERS)


def decode_contact(
    key: bytes | None, raw: bytes | None
) -> Decoded[ContactUpdate] | ContactErased | Rejected:
    """Return a customer's contacts, or that they are to be forgotten; never raises.

    The key is the customer's id; a record without a value erases.
    """
    try:
        erased = ContactErased(customer_id=(key or b"").decode("utf-8"))
    except ValueError:
        erased = None
    if raw is None:
        return erased or Rejected(Reason.BAD_VALUE, "key: should be a customer_id")
    data = _read(raw)
    decoded = data if isinstance(data, Rejected) else _validated(data, ContactUpdate)
    if isinstance(decoded, Decoded) and (
        erased is None or decoded.event.customer_id != erased.customer_id
    ):
        return Rejected(Reason.BAD_VALUE, "key: should be the customer_id of the value")
    return decoded


def load_order(canonical: bytes) -> OrderEvent:
    """Return the kept form of what `decode_order` made these canonical bytes of."""
    return cast("OrderEvent", _ORDERS.load(canonical))


def load_courier(canonical: bytes) -> CourierEvent:
    """Return the kept form of what `decode_courier` made these canonical bytes of."""
    return cast("CourierEvent", _COURIERS.load(canonical))


def _decode_event(raw: bytes | None, vocabulary: _Vocabulary) -> Decoded[Any] | Rejected:
    plain = None if raw is None else vocabulary.plain(raw)
    if plain is not None:
        return Decoded(vocabulary.load(plain), plain, unknown=False)
    decoded = _decode_carefully(raw, vocabulary)
    if isinstance(decoded, Rejected):
        return decoded
    return decoded._replace(event=vocabulary.load(decoded.canonical))


def _decode_carefully(raw: bytes | None, vocabulary: _Vocabulary) -> Decoded[Any] | Rejected:
    """Return what the models say of the bytes."""
    data = _read(raw)
    if isinstance(data, Rejected):
        return data
    model = vocabulary.common
    kind = data.get("kind")
    if isinstance(kind, str):
        if kind not in vocabulary.kinds:
            return Rejected(Reason.UNKNOWN_KIND, "kind: is none of this topic's")
        model = vocabulary.kinds[kind]
    return _validated(data, model)


def _read(raw: bytes | None) -> dict[str, Any] | Rejected:
    """Return the object the bytes hold, of a version we know."""
    if raw is None:
        return Rejected(Reason.BAD_JSON, "the record has no value")
    if len(raw) > MAX_BYTES and len(raw.removesuffix(b"\n").removesuffix(b"\r")) > MAX_BYTES:
        return Rejected(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes")
    try:
        parsed = _parsed(raw)
    except ValueError as error:
        return Rejected(Reason.BAD_JSON, str(error)[:DETAIL_LENGTH])
    if not isinstance(parsed, dict):
        return Rejected(Reason.NOT_AN_OBJECT, "the value is not a JSON object")
    data = cast("dict[str, Any]", parsed)  # the keys of a JSON object are strings
    version = data.get("schema_version")
    if isinstance(version, int) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        return Rejected(Reason.SCHEMA_VERSION, f"schema_version: is above {SCHEMA_VERSION}")
    return data


# The parser stops at numbers of more than 4,300 digits, which are JSON all the same. Cut to
# 4,000 digits they are still beyond every bound, and so is a text of that length.
_OVERLONG = re.compile(rb"([0-9]{4000})[0-9]+")


def _parsed(raw: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        if "number out of range" not in str(error):
            raise
    return from_json(_OVERLONG.sub(rb"\1", raw), allow_inf_nan=False)


def _validated(data: dict[str, Any], model: type[M]) -> Decoded[M] | Rejected:
    try:
        event: M = model.__pydantic_validator__.validate_python(data)
    except ValidationError as error:
        return _refused(error)
    known = model.__pydantic_serializer__.to_python(
        event, exclude_unset=True, exclude_none=True
    )
    canonical = _encoder.encode(known)
    if len(canonical) > MAX_BYTES:  # a route at the limit, its whole degrees written as 1.0
        return Rejected(Reason.TOO_LARGE, f"more than {MAX_BYTES} bytes as it is kept")
    return Decoded(event, canonical, not data.keys() <= model.__pydantic_fields__.keys())


def _refused(error: ValidationError) -> Rejected:
    """Return the first reason, in the order of checks, among the faults of an event."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    reasons = [_reason(fault) for fault in faults]
    for reason in (Reason.MISSING_FIELD, Reason.BAD_TIME):
        if reason in reasons:
            return Rejected(reason, _detail(faults[reasons.index(reason)]))
    return Rejected(Reason.BAD_VALUE, _detail(faults[0]))


def _reason(fault: ErrorDetails) -> Reason:
    in_a_list = any(isinstance(step, int) for step in fault["loc"])
    if fault["type"] == "missing" and not in_a_list:
        return Reason.MISSING_FIELD
    return Reason.BAD_TIME if fault["type"] == BAD_TIME else Reason.BAD_VALUE


def _detail(fault: ErrorDetails) -> str:
    place = ".".join(str(step) for step in fault["loc"])[: DETAIL_LENGTH // 2]
    said = clean(f"{place}: {fault['msg']}")[:DETAIL_LENGTH]
    return "".join(each if each.isprintable() else "?" for each in said)  # odd blanks stay
