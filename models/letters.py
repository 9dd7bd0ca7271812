"""What becomes of a message that cannot be read: why, where it came from, its bytes."""

import base64
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from models.base import Millis, Model


class Reason(StrEnum):
    """Why a message was refused, in the order in which they are looked for.

    A message with several faults bears the first of them. `foreign_tick` is a tick of the
    clock from outside, `order_too_large` an event that its order's row cannot hold any
    more, `order_closed` one whose order has ended and is forgotten.
    """

    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    SCHEMA_VERSION = "schema_version"
    UNKNOWN_KIND = "unknown_kind"
    FOREIGN_TICK = "foreign_tick"
    MISSING_FIELD = "missing_field"
    BAD_TIME = "bad_time"
    BAD_VALUE = "bad_value"
    ORDER_TOO_LARGE = "order_too_large"
    ORDER_CLOSED = "order_closed"


def _from_base64(given: object) -> object:
    return base64.b64decode(given, validate=True) if isinstance(given, str) else given


def _to_base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


Octets = Annotated[
    bytes, BeforeValidator(_from_base64), PlainSerializer(_to_base64, when_used="json")
]


class DeadLetter(Model):
    """One refused message; `raw` and header values are bytes, base64 in JSON.

    The message is number `index` of those that the record at `offset` held; `raw` is None
    for a record without a value; `received_at` is epoch milliseconds.
    """

    reason: Reason
    detail: Annotated[str, Field(max_length=200)]
    topic: str
    partition: int
    offset: int
    index: int = 0
    received_at: Millis
    raw: Octets | None
    headers: dict[str, Octets] = Field(default_factory=dict)
