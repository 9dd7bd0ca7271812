"""The accepted events in the order of a life, each with what is peculiar about it."""

from collections.abc import Iterable
from typing import Any

from models.base import millis
from streams.domain.arrivals import SKEW_MS, Arrived, content_of
from streams.domain.order import Order
from streams.domain.row import Row
from streams.wording import Face, plain, says

Json = dict[str, Any]

LATE_RECEIPT_MS = 2 * 60_000


def standing(order: Order) -> list[Arrived]:
    """Return the events that were not withdrawn, in the order of a life."""
    return [each for each in _in_order(order) if not _taken_back(each, order)]


def _in_order(order: Order) -> list[Arrived]:
    return sorted(order.arrivals.values(), key=lambda arrived: arrived.key)


def _taken_back(arrived: Arrived, order: Order) -> bool:
    withdrawal = arrived.event.kind == "event_withdrawn"
    return not withdrawal and arrived.identity in order.withdrawn


def timeline(order: Order, face: Face) -> list[Json]:
    """Return every accepted event of a life, the withdrawn ones too."""
    return [
        event_of(each, face) | {"flags": _flags(each, order, face)} for each in _in_order(order)
    ]


def events_of(because: Iterable[Arrived], face: Face) -> list[Json]:
    """Return the events something rests on: `source/event_id`, kind and time."""
    return [
        {"event": "/".join(each.identity), "kind": each.event.kind, "at": face.iso(each.at)}
        for each in because
    ]


def event_of(arrived: Arrived, face: Face) -> Json:
    """Return one event; `received_late`: more than two minutes after it happened."""
    event = arrived.event
    late = arrived.received_at - arrived.at > LATE_RECEIPT_MS
    return {
        "at": face.iso(arrived.at),
        "kind": event.kind,
        "says": says(event, face),
        "source": event.source,
        "event_id": event.event_id,
        "received_at": face.iso(arrived.received_at),
        "received_late": late,
    }


def _flags(arrived: Arrived, order: Order, face: Face) -> list[str]:
    """Return what is peculiar about an event."""
    flags = []
    written = millis(arrived.event.occurred_at)
    if _taken_back(arrived, order):
        flags.append("withdrawn by its source")
    if arrived is order.track.handover:
        flags.append("the handover")
    elif arrived is order.track.ending:
        flags.append("ended the order")
    flags += [
        f"taken back by {plain(visit.undone_by.event.kind)} {face.words(visit.undone_by.at)}"
        for visit in order.track.attempts.visits
        if visit.undone_by is not None
        and visit.by is arrived
        and arrived.event.kind == "delivered"
    ]
    if arrived.at == arrived.received_at and written > arrived.received_at + SKEW_MS:
        flags.append(f"skewed clock: its source said {face.words(written)}")
    elif arrived.at != written:
        flags.append("wall time read in the order's zone")
    mature = order.matures_at
    if mature is not None and arrived.received_at > mature:
        flags.append("received after the freeze")
    if arrived.unknown:
        flags.append("carried unknown fields")
    return flags + _copies(arrived, order)


def _copies(arrived: Arrived, order: Order) -> list[str]:
    copies = order.copies.get(arrived.identity, [])
    own = content_of(arrived.event) if copies else b""
    other = sum(content_of(copy.event) != own for copy in copies)
    if not copies:
        return []
    conflict = f", {other} of them say something else" if other else ""
    return [f"came {len(copies) + 1} times{conflict}"]


def parked(arrived: Arrived, row: Row, face: Face) -> Json:
    """Return an event that waits for the clock, and why."""
    if row.order is not None:
        another = arrived.event.kind == "order_promised"
        why = (
            "another order under the same id" if another else "received when this life is over"
        )
    elif row.stub is not None:
        why = "the order is closed; refused unless a new promise came before it"
    else:
        why = "too old to begin an order; refused unless a promise came before it"
    return event_of(arrived, face) | {"flags": [f"parked: {why}"]}
