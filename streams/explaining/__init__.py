"""The life of one order, and the rule behind each conclusion, as one JSON object.

`explain` asks the same functions that judged the order (verdicts, attempts, ETAs, notices)
and adds the numbers and the reasons; it decides nothing itself. Instants are RFC 3339 in the
order's zone, spans are whole seconds, positive is late.
"""

from typing import Any

from models.base import Millis
from streams.domain.order import Order
from streams.domain.promises import place
from streams.domain.row import Row
from streams.domain.zones import zone
from streams.explaining.coming import next_look, notices_of, outlook
from streams.explaining.doors import attempts, etas
from streams.explaining.levels import service_levels
from streams.explaining.predicted import predictions
from streams.explaining.promises import promises
from streams.explaining.ruled import Places, rules_used
from streams.explaining.timeline import parked, timeline
from streams.explaining.verdicts import verdicts
from streams.wording import Face, plain

Json = dict[str, Any]


def explain(
    order_id: str, row: Row, clock: Millis, places: Places | None = None
) -> Json | None:
    """Return all there is to say of an order as of a clock; None: it is not known.

    `row` is everything kept under the id, `clock` (epoch milliseconds) what the partition of
    the order has passed, `places` where the rules are said.
    """
    order = row.order
    if order is None and row.stub is None and not row.parked:
        return None
    face = Face(zone("UTC"), "UTC") if order is None else face_of(order)
    told: Json = {
        "schema": 1,
        "order_id": order_id,
        "as_of": face.iso(clock),
        "timezone": face.name,
        "rules": row.judgement.id,
        "life": row.ledger.life,
        "closed": _closed(row, face),
        "next_look": next_look(row, clock, face),
        "parked": [parked(each, row, face) for each in row.parked],
    }
    if order is None:
        return told
    return told | _life(order, row, clock, face) | _rules(order, row, clock, places, face)


def _life(order: Order, row: Row, clock: Millis, face: Face) -> Json:
    track = order.track
    return {
        "carrier": track.carrier,
        "service": track.service,
        "region": track.region,
        "direction": track.direction,
        "customer_id": track.customer_id,
        "state": _state(order, clock),
        "events": {
            "accepted": len(order.arrivals),
            "duplicate": order.duplicates,
            "id_conflict": order.conflicts,
            "too_large": row.too_large,
        },
        "promises": promises(order, face),
        "timeline": timeline(order, face),
        "attempts": attempts(order, face),
        "etas": etas(order, row, face),
        "verdict": verdicts(order, clock, face),
        "predictions": predictions(row, clock, face),
        "notices": notices_of(row, face),
        "outlook": outlook(order, row, clock, face),
    }


def _rules(order: Order, row: Row, clock: Millis, places: Places | None, face: Face) -> Json:
    """Return what the rules had to do with the order, and its service levels."""
    said = places or Places()
    return {
        "rules_used": rules_used(order, row, said, face),
        "sla": service_levels(order, clock, face, said.level),
    }


def face_of(order: Order) -> Face:
    """Return the clock face of an order's zone: its own, the carrier's, or as promised."""
    track = order.track
    tolerance = order.judgement.tolerance(track.carrier)
    if track.timezone is not None:
        return Face(zone(track.timezone), f"{track.timezone} (said with the order)")
    if tolerance.timezone is not None:
        return Face(zone(tolerance.timezone), f"{tolerance.timezone} (the carrier's, by rule)")
    if track.original is not None:
        where = place(track.original, None, tolerance)
        return Face(where, f"{where} (no zone said: as the promise was written)")
    return Face(zone("UTC"), "UTC (no zone said)")


def _state(order: Order, clock: Millis) -> str:
    track, promise = order.track, order.promise
    if not track.is_order:
        return "no order yet: nothing of its life was reported"
    if track.handover is not None:
        return "delivered"
    if track.failing is not None:
        return f"failed: {plain(track.failing.event.kind)}"
    if track.cancelled is not None:
        return "cancelled"
    last = "promised" if track.moved_at is None else plain(track.status)
    overdue = promise is not None and clock >= promise.late_from
    return f"open, {last}{', overdue' if overdue else ''}"


def _closed(row: Row, face: Face) -> Json | None:
    """Say when a life under this id was closed and forgotten."""
    if row.stub is None:
        return None
    last = row.stub.last_life_at
    return {
        "life": row.stub.life,
        "at": face.iso(row.stub.expires_at - row.judgement.stub),
        "last_event_at": None if last is None else face.iso(last),
        "remembered_until": face.iso(row.stub.expires_at),
    }
