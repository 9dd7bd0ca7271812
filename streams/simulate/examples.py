"""One example of every kind of event, with every field it can have, to spoil or to send."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class After:
    """An instant so long after the event, RFC 3339 in UTC."""

    span: timedelta

    def of(self, at: datetime) -> str:
        """Return the instant as text."""
        return (at + self.span).isoformat().replace("+00:00", "Z")


IN_AN_HOUR = After(timedelta(hours=1))
IN_THREE_HOURS = After(timedelta(hours=3))
BERLIN = {"lat": 52.52, "lon": 13.405}
FIX = BERLIN | {"accuracy_m": 12.5}
TURNS = (
    "available_for_pickup",
    "held",
    "returning",
    "returned",
    "damaged",
    "lost",
    "cancelled",
)

# One example of every kind with every field of its own; what all share is added to it.
ORDER_EXAMPLES: dict[str, dict[str, Any]] = {
    "order_promised": {
        "carrier": "hostile-express",
        "promise": {"start": IN_AN_HOUR, "end": IN_THREE_HOURS, "precision": "window"},
        "service": "same day",
        "region": "north",
        "timezone": "Europe/Berlin",
        "origin": BERLIN,
        "destination": BERLIN,
        "customer_id": "customer-1",
        "group_id": "group-1",
        "direction": "forward",
        "value": {"amount": 19.9, "currency": "EUR"},
        "attributes": {"weight_kg": 1.5, "fragile": "no"},
    },
    "promise_changed": {
        "promise": {"end": IN_THREE_HOURS},
        "by": "consignee",
        "reason": "not at home",
    },
    "picked_up": {"location": "hub 1", "raw_code": "PU"},
    "in_transit": {"location": "hub 2", "raw_code": "IT"},
    "arrived_depot": {"location": "hub 3", "raw_code": "AD"},
    "out_for_delivery": {"courier_id": "courier-1", "stop": 3, "stops": 40},
    "eta_updated": {
        "eta": IN_THREE_HOURS,
        "eta_low": IN_AN_HOUR,
        "eta_high": After(timedelta(hours=4)),
        "by": "carrier",
    },
    "courier_arrived": {"courier_id": "courier-1"},
    "attempt_failed": {
        "reason": "not_home",
        "courier_id": "courier-1",
        "position": FIX,
        "raw_code": "NH",
    },
    **{turn: {"reason": "weather", "by": "carrier"} for turn in TURNS},
    "delivered": {
        "to": "neighbour",
        "consented": True,
        "courier_id": "courier-1",
        "position": FIX,
    },
    "released": {"reason": "duties paid"},
    "event_withdrawn": {"withdraws": "nothing-of-that-name"},
    "intervention_made": {"action": "rerouted", "by": "dispatcher 7", "note": "road closed"},
    "verdict_decided": {"verdict": "excluded", "by": "claims desk", "reason": "flood"},
    "feedback_given": {
        "csat": 5,
        "nps": 10,
        "ces": 7,
        "courier_communication": 1,
        "courier_professionalism": 2,
        "parcel_care": 3,
        "about": "courier",
        "comment": "Thank you!",
    },
    "customer_asked": {"topic": "where_is_my_order"},
}
COURIER_EXAMPLES: dict[str, dict[str, Any]] = {
    "position_reported": FIX | {"speed_mps": 8.3},
    "route_planned": {
        "stops": [
            BERLIN | {"order_id": "A-1", "service_seconds": 90},
            BERLIN | {"order_id": "A-2"},
        ]
    },
    "shift_started": {},
    "shift_ended": {},
}
ORDER_COMMON = ("event_id", "kind", "occurred_at", "source", "order_id")
COURIER_COMMON = ("event_id", "kind", "occurred_at", "source", "courier_id", "carrier")
REQUIRED = {
    "order_promised": ("carrier",),
    "promise_changed": ("promise", "by"),
    "eta_updated": ("eta", "by"),
    "attempt_failed": ("reason",),
    "event_withdrawn": ("withdraws",),
    "intervention_made": ("action", "by"),
    "verdict_decided": ("verdict", "by", "reason"),
    "customer_asked": ("topic",),
    "position_reported": ("lat", "lon"),
    "route_planned": ("stops",),
}
