"""The quick way in: plain messages become canonical bytes without a model.

Plain is ASCII without escapes, every field known, of its type and within its bounds, nothing
null that is not so by default. What is plain is accepted by the models too, and its canonical
bytes are the same (tests/test_plain.py); of anything else nothing is said here, and the models
decide. So the models stay the one vocabulary, and this module may be narrower, never wider.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from annotated_types import MaxLen
from msgspec import UNSET, Meta, UnsetType
from pydantic import BaseModel, BeforeValidator, FailFast, Strict
from pydantic.fields import FieldInfo

from models import base, events

MOST_BYTES = 65_536  # longer messages go the careful way, limits and all

# What the shared types of the models accept, told again for plain messages.
_PLAIN: dict[Any, Any] = {
    base.Identifier: Annotated[str, Meta(min_length=1, max_length=200)],
    base.OrderId: Annotated[str, Meta(max_length=100, pattern=r"\A[!-~]+\Z")],
    base.Source: Annotated[str, Meta(pattern=r"\A[a-z0-9_.-]{1,64}\Z")],
    base.Name: Annotated[str, Meta(min_length=1, max_length=64)],
    base.Label: Annotated[str, Meta(max_length=64)],
    base.Text: Annotated[str, Meta(max_length=2_000)],
    base.Zone: Literal[tuple(sorted(base.zone_names()))],
    base.Latitude: Annotated[float, Meta(ge=-90, le=90)],
    base.Longitude: Annotated[float, Meta(ge=-180, le=180)],
    base.NotNegative: Annotated[float, Meta(ge=0)],
    base.Count: Annotated[int, Meta(ge=0, lt=2**31)],
    base.Instant: str,
    events.SchemaVersion: Annotated[int, Meta(ge=1, le=events.SCHEMA_VERSION)],
    events.Score5: Annotated[int, Meta(ge=1, le=5)],
    events.Score7: Annotated[int, Meta(ge=1, le=7)],
    events.Score10: Annotated[int, Meta(ge=0, le=10)],
    events.Currency: Annotated[str, Meta(pattern=r"\A[A-Z]{3}\Z")],
}

# Models that compare two of their instants: the first is not after the second.
_IN_ORDER = {events.Promise: ("start", "end"), events.EtaUpdated: ("eta_low", "eta_high")}

# An instant as most write it; the fraction is filled up to six digits, as it is kept.
_instant = re.compile(
    r"(20(?:0[1-9]|[1-8][0-9]|9[0-8])-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9])"
    r"(?:\.([0-9]{1,6}))?(Z|(?![+-]00:00)[+-][012][0-9]:[0-5][0-9])"
).fullmatch
_DIGITS = 6

# Of whole seconds the marks between the digits show it: 2026-03-03T10:00:00Z or ...+01:00.
_MARKS, _LENGTHS = slice(4, None, 3), (20, 25)
_WHOLE = frozenset({"--T::Z", "--T::+:", "--T::-:"})
_FIRST, _BEYOND = "2001", "2099"

Convert = Callable[[Any], Any]


def canonical_of(union: object) -> Callable[[bytes], bytes | None]:
    """Return what gives the canonical bytes of a plain event of a union, None of another."""
    converts: dict[type[msgspec.Struct], Convert] = {}
    for kind, model in events.by_kind(union).items():
        struct, convert = _struct(model, kind)
        converts[struct] = convert
    decode = msgspec.json.Decoder(Union[tuple(converts)]).decode  # noqa: UP007 - made at run time
    encode = msgspec.json.Encoder(order="sorted").encode

    def canonical(raw: bytes) -> bytes | None:
        if len(raw) > MOST_BYTES or not raw.isascii() or b"\\" in raw or b"\x7f" in raw:
            return None
        try:
            event = decode(raw)
            return encode(converts[type(event)](event))
        except ValueError:
            return None

    return canonical


@lru_cache
def _struct(
    model: type[BaseModel], kind: str | None = None
) -> tuple[type[msgspec.Struct], Convert]:
    """Return the struct of a model's plain messages, and what makes one canonical."""
    needed: list[Any] = []
    given: list[Any] = []
    converts: list[tuple[str, Convert]] = []
    for name, hint in get_type_hints(model, include_extras=True).items():
        field = model.model_fields.get(name)
        if field is None or name == "kind":
            continue
        plain, convert = _type(hint)
        if convert is not None:
            converts.append((name, convert))
        if field.is_required():
            needed.append((name, plain))
        elif field.default is None:
            given.append((name, plain | None, None))
        else:
            given.append((name, plain | UnsetType, UNSET))
    struct = msgspec.defstruct(
        model.__name__,
        [*needed, *given],
        module=__name__,
        tag=kind,
        tag_field=None if kind is None else "kind",
        omit_defaults=True,
        forbid_unknown_fields=True,
        gc=False,
    )
    return struct, _converting(converts, _IN_ORDER.get(model))


def _type(hint: Any) -> tuple[Any, Convert | None]:  # noqa: ANN401 - any annotation
    """Return the type of a plain field, and how it becomes canonical (None: it is)."""
    if hint in _PLAIN:
        return _PLAIN[hint], _settled if hint is base.Instant else None
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal or hint in {bool, type(None)}:
        return hint, None
    if origin in {Union, UnionType}:
        each = [_type(part) for part in parts]
        convert = next((convert for _, convert in each if convert is not None), None)
        return Union[tuple(plain for plain, _ in each)], convert  # noqa: UP007 - at run time
    if origin is Annotated:
        return _bounded(*parts)
    if origin is tuple:
        return GenericAlias(tuple, (_type(parts[0])[0], ...)), None
    if origin is dict:
        return GenericAlias(dict, tuple(_type(part)[0] for part in parts)), None
    if hint is float:
        return hint, None
    return _struct(hint)


def _bounded(hint: Any, *bounds: Any) -> tuple[Any, Convert | None]:  # noqa: ANN401
    """Return a type with the greatest length a model gives it; readers of null fall away."""
    plain, convert = _type(hint)
    longest = [bound.max_length for each in bounds for bound in _lengths(each)]
    return (Annotated[plain, Meta(max_length=min(longest))] if longest else plain), convert


def _lengths(bound: Any) -> list[Any]:  # noqa: ANN401 - any metadata
    if isinstance(bound, BeforeValidator):
        return []
    rules = bound.metadata if isinstance(bound, FieldInfo) else [bound]
    if all(isinstance(each, MaxLen | Strict | FailFast) for each in rules):
        return [each for each in rules if isinstance(each, MaxLen)]
    raise TypeError(f"{bound!r} is a bound no plain message is held to")


def _converting(
    converts: list[tuple[str, Convert]], in_order: tuple[str, str] | None
) -> Convert:
    """Return what makes a struct canonical; ValueError where it is not plain after all."""

    def convert(made: Any) -> Any:  # noqa: ANN401 - the struct
        for name, change in converts:
            value = getattr(made, name)
            if value is not None and (changed := change(value)) is not value:
                setattr(made, name, changed)
        if in_order is not None:
            first, second = (getattr(made, name) for name in in_order)
            if first is not None and second is not None and _at(first) > _at(second):
                raise ValueError("not in order")
        return made

    return convert


def _settled(text: str) -> str:
    """Return an instant as it is kept; ValueError where it is not plain."""
    if (
        text[_MARKS] in _WHOLE
        and len(text) in _LENGTHS
        and _FIRST <= text < _BEYOND
        and not text.endswith("00:00")  # no offset is kept as Z
    ):
        _at(text)  # it names an instant, and is kept as it is
        return text
    found = _instant(text)
    if found is None:
        raise ValueError("not plain")
    _at(text)
    second, fraction, offset = found.groups()
    if fraction is None:
        return text
    digits = fraction.ljust(_DIGITS, "0")
    return f"{second}.{digits}{offset}" if digits.strip("0") else f"{second}{offset}"


_at = datetime.fromisoformat
