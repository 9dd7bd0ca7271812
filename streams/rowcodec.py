"""Rows of orders as bytes: the accepted events as they came, and little beside.

Everything else follows from the events (design decision 2) and is folded again when a row is
read. How the row stands is kept beside them, so that a recovery need not fold every row. The
first byte is the schema; a reader knows the one before and the one after its own.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from models.base import Millis
from streams.codec import load_order
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.ledger import Ledger
from streams.domain.order import Order
from streams.domain.presence import Presence, Question
from streams.domain.row import Row, Stub, Told
from streams.errors import TowerError

SCHEMA = 1
_PREFIX = bytes((SCHEMA,))

Kept = tuple[Millis, bool, bytes]
# A copy: the number of an event it repeats word for word, else what it says itself.
KeptCopy = tuple[Millis, bool, int | bytes]


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """What follows from a row until its next deadline, `due` (epoch milliseconds, or NEVER).

    `rules` is the id of the rules it was judged by; by others it does not hold. The
    contribution is as the book of cells packs it.
    """

    rules: str
    due: Millis
    contribution: msgspec.Raw


class _Stored(msgspec.Struct, array_like=True, omit_defaults=True):
    """A row as it is written; structs of the domain go in as they are."""

    stub: Stub | None = None
    events: list[Kept] = []
    parked: list[Kept] = []
    copies: list[KeptCopy] = []
    ledger: Ledger | None = None
    told: Told | None = None
    too_large: int = 0
    standing: Standing | None = None
    presence: dict[Question, Presence] = {}
    asked: tuple[Question, ...] = ()


class _Glance(msgspec.Struct, array_like=True):
    """A row of which only the standing is read."""

    stub: msgspec.Raw = msgspec.Raw()
    events: msgspec.Raw = msgspec.Raw()
    parked: msgspec.Raw = msgspec.Raw()
    copies: msgspec.Raw = msgspec.Raw()
    ledger: msgspec.Raw = msgspec.Raw()
    told: msgspec.Raw = msgspec.Raw()
    too_large: int = 0
    standing: Standing | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)
_NOTHING_TOLD, _FIRST_LIFE = Told(), Ledger()  # for comparison only
_glance = msgspec.msgpack.Decoder(_Glance)


def encode_row(row: Row, standing: Standing | None = None) -> bytes:
    """Return a row as bytes; a row with nothing in it is no bytes at all (a dead marker)."""
    if row.order is None and row.stub is None and not row.parked:
        return b""
    order = row.order
    stored = _Stored(
        stub=row.stub,
        events=[]
        if order is None
        else [(a.received_at, a.unknown, a.canonical) for a in order.arrivals.values()],
        parked=[_kept(each) for each in row.parked],
        copies=[] if order is None or not order.copies else _kept_copies(order),
        ledger=None if _is_blank(row.ledger, row.stub) else row.ledger,
        told=None if row.told == _NOTHING_TOLD else row.told,
        too_large=row.too_large,
        standing=standing,
        presence=row.presence,
        asked=row.asked,
    )
    return _PREFIX + _encoder.encode(stored)


def decode_row(payload: bytes | None, judgement: Judgement) -> Row:
    """Return the row that was written; of no bytes an empty one.

    Raises:
        TowerError: a schema this version does not know.
    """
    row = Row(judgement)
    if not payload:
        return row
    stored = _decoder.decode(_body(payload))
    row.stub = stored.stub
    row.parked = [_arrived(each) for each in stored.parked]
    row.too_large = stored.too_large
    row.ledger = stored.ledger or _blank(stored.stub)
    row.told = stored.told or Told()
    row.presence, row.asked = stored.presence, stored.asked
    if stored.events:
        row.order = Order(judgement, row.presence, row.told.estimates)
        row.order.load(map(_arrived, stored.events), _copies(stored))
    return row


def _blank(stub: Stub | None) -> Ledger:
    """Return the ledger of a life in which nothing was asked for yet."""
    return Ledger() if stub is None else Ledger(life=stub.life + 1)


def _is_blank(ledger: Ledger, stub: Stub | None) -> bool:
    return ledger == (_FIRST_LIFE if stub is None else _blank(stub))


def standing_of(payload: bytes, judgement: Judgement) -> Standing | None:
    """Return how a row stood when it was written, None if that has to be found out anew.

    Raises:
        TowerError: a schema this version does not know.
    """
    standing = _glance.decode(_body(payload)).standing
    return None if standing is None or standing.rules != judgement.id else standing


def _body(payload: bytes) -> memoryview:
    """Return what follows the schema."""
    if payload[0] not in (SCHEMA - 1, SCHEMA, SCHEMA + 1):
        raise TowerError(f"A row has schema {payload[0]}, this version knows {SCHEMA}.")
    return memoryview(payload)[1:]


def _kept_copies(order: Order) -> list[KeptCopy]:
    kept: list[KeptCopy] = []
    for number, (identity, event) in enumerate(order.arrivals.items()):
        for copy in order.copies.get(identity, ()):
            same = copy.canonical == event.canonical
            kept.append((copy.received_at, copy.unknown, number if same else copy.canonical))
    return kept


def _copies(stored: _Stored) -> Iterator[Arrived]:
    for received_at, unknown, said in stored.copies:
        canonical = said if isinstance(said, bytes) else stored.events[said][2]
        yield _arrived((received_at, unknown, canonical))


def _kept(arrived: Arrived) -> Kept:
    return arrived.received_at, arrived.unknown, arrived.canonical


def _arrived(kept: Any) -> Arrived:  # noqa: ANN401 - msgspec gives the tuple
    received_at, unknown, canonical = kept
    return Arrived(load_order(canonical), received_at, canonical, unknown=unknown)
