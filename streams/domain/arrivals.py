"""An accepted event as it arrived: when the tower received it, and its place in the life."""

from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace

from models.base import Millis, millis
from models.events import Event, OrderEvent
from streams.domain.lifecycle import RANK
from streams.domain.zones import wall_time_in, zone

SKEW_MS = 2 * 60_000

# The order of a life (kpis 2.12 L8): event time, kind, receipt, then the event's identity.
LifeKey = tuple[Millis, int, Millis, str, str]
Receipt = tuple[Millis, LifeKey, bytes]


class Arrived:
    """One accepted event; `at` is its event time, read in the order's zone where it must be.

    `identity` names it among those of its order; `receipt` is its place among all that came,
    in the order in which it became known: ties as in a life of no known zone.
    `canonical` is the accepted event as JSON with sorted keys: what is stored, and what tells
    copies of one event apart.
    """

    __slots__ = (
        "at", "canonical", "event", "identity", "key", "receipt", "received_at", "unknown",
    )  # fmt: skip

    def __init__(
        self, event: OrderEvent, received_at: Millis, canonical: bytes, *, unknown: bool = False
    ) -> None:
        self.event = event
        self.received_at = received_at
        self.canonical = canonical
        self.unknown = unknown
        self.identity = (event.source, event.event_id)
        self.place(None)
        self.receipt: Receipt = (received_at, self.key, canonical)

    @property
    def precedence(self) -> tuple[Millis, bytes, bool]:
        """Return what decides among copies: the least is the event (L11)."""
        return self.received_at, self.canonical, self.unknown

    def share(self, other: "Arrived") -> None:
        """Hold what another event holds that says the same, so that it is kept once."""
        self.event, self.canonical = other.event, other.canonical
        self.receipt = (*self.receipt[:2], other.canonical)

    def place(self, timezone: str | None) -> None:
        """Set event time and place: a clock that runs ahead is not believed (L9, L17)."""
        event = self.event
        if event.time_quality == "local_as_z" and timezone is not None:
            at = wall_time_in(event.occurred_at, zone(timezone))
        else:
            at = millis(event.occurred_at)
        if at > self.received_at + SKEW_MS:
            at = self.received_at
        self.at = at
        self.key: LifeKey = (at, RANK[event.kind], self.received_at, *self.identity)


def by_receipt(arrived: Arrived) -> Receipt:
    """Order events as they became known."""
    return arrived.receipt


def content_of(event: Event) -> bytes:
    """Return a digest of what a kept event says, however spelt and whenever recorded (L11)."""
    said: Any = event
    if event.observed_at is not None:
        said = replace(said, observed_at=None)
    return blake2b(_normal(said), digest_size=8).digest()


# MessagePack knows instants, not offsets: one instant is one text however it was written.
_normal = msgspec.msgpack.Encoder().encode
