"""What orders tell the learner: a stage was reached, a first attempt or an order has ended.

A prediction is learnt from by what was known when it was made: the label brings it along.
"""

from collections.abc import Callable

import msgspec

from models.base import Millis
from streams.domain.scoring.said import Differing, Stored, StoredAttempt

Judged = tuple[str, int, int]  # horizon, what the model said, the base rate (micro)


class Reached(msgspec.Struct, array_like=True, frozen=True, tag="reached"):
    """An order was predicted at a horizon; a first prediction `opened` it."""

    moment: Differing
    opened: bool


class Attempted(msgspec.Struct, array_like=True, frozen=True, tag="attempted"):
    """A first attempt was concluded."""

    attempt: StoredAttempt
    failed: bool


class Ended(msgspec.Struct, array_like=True, frozen=True, tag="ended"):
    """An order is over: handed over, failed, called off, or not heard of any more.

    `late` is None where nobody can say; `handed_at` None without a handover. `judged` are the
    predictions made before the deadline.
    """

    order_id: str
    carrier: str
    service: str
    at: Millis
    late: bool | None
    handed_at: Millis | None
    stored: tuple[Stored, ...]
    judged: tuple[Judged, ...]


Label = Reached | Attempted | Ended

encode: Callable[[Label], bytes] = msgspec.msgpack.Encoder().encode
decode: Callable[[bytes], Label] = msgspec.msgpack.Decoder(Label).decode
