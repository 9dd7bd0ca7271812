"""Events as the definitions sort, name and compare them (L6, L8, L11, L18)."""

import json
from typing import Any

from tests.oracle.rules import RULES
from tests.oracle.times import Due, instant

Event = dict[str, Any]
Pairs = list[tuple[int, Event]]
Copy = tuple[int, bytes, Event]

KINDS = (  # noqa: SIM905 - as a list of words it is read at a glance
    "order_promised promise_changed picked_up in_transit arrived_depot out_for_delivery "
    "courier_arrived attempt_failed held released available_for_pickup delivered damaged lost "
    "returning returned cancelled eta_updated event_withdrawn feedback_given customer_asked "
    "intervention_made verdict_decided"
).split()
RANK = {kind: place for place, kind in enumerate(KINDS)}
NOT_LIFE = {
    "eta_updated",
    "feedback_given",
    "customer_asked",
    "intervention_made",
    "verdict_decided",
    "event_withdrawn",
}
FAILING = {"returning", "returned", "lost", "damaged"}
IMPLICIT = {"held", "damaged", "lost", "returning", "returned", "available_for_pickup"}
PRESENT = {None, "consignee", "household", "reception"}
COURIER_KINDS = {"position_reported", "route_planned", "shift_started", "shift_ended"}
INSTRUMENTS = (
    "csat",
    "nps",
    "ces",
    "courier_communication",
    "courier_professionalism",
    "parcel_care",
)

# Who is charged for what (kpis 1.5); everything else is `unknown` and the carrier's.
PARTIES = {
    "consignee": """not_home business_closed refused wrong_address_given access_restricted
        verification_failed unpaid_cod consignee_cancelled consignee_rescheduled
        safe_place_unavailable pickup_unclaimed""",
    "carrier": """not_enough_time vehicle_issue capacity missorted address_not_found_by_courier
        damaged lost no_reason_given suspect_attempt unknown""",
    "shipper": """not_ready incorrect_data wrong_parcel packaging shipper_cancelled
        late_handover""",
    "authority": """customs_delay documents duties_unpaid prohibited inspection security
        regulatory_hold""",
    "force_majeure": "weather natural_disaster strike road_closed",
}
PARTY = {code: party for party, codes in PARTIES.items() for code in codes.split()}


def name_of(event: Event) -> tuple[str, str]:
    """Return what names an event among those of its order."""
    return event["source"], event["event_id"]


def reason_of(event: Event) -> str:
    """Return the canonical code of an event's reason (T6)."""
    reason = event.get("reason")
    return reason if reason in PARTY else "unknown"


def precedence(copy: Copy) -> tuple[int, bytes, bool]:
    """Order copies: the least is the event (L11)."""
    return copy[0], copy[1], bool(unknown_fields(copy[2]))


COMMON = "event_id kind occurred_at source observed_at schema_version time_quality order_id"
OWN = {
    "order_promised": "carrier promise service region timezone origin destination customer_id "
    "group_id direction value attributes",
    "promise_changed": "promise by reason",
    "out_for_delivery": "courier_id stop stops",
    "eta_updated": "eta eta_low eta_high by",
    "courier_arrived": "courier_id",
    "attempt_failed": "reason courier_id position raw_code",
    "delivered": "to consented courier_id position",
    "released": "reason",
    "event_withdrawn": "withdraws",
    "intervention_made": "action by note",
    "verdict_decided": "verdict by reason",
    "feedback_given": "csat nps ces courier_communication courier_professionalism parcel_care "
    "about comment",
    "customer_asked": "topic",
    **dict.fromkeys(("picked_up", "in_transit", "arrived_depot"), "location raw_code"),
    **dict.fromkeys(("available_for_pickup", *FAILING, "held", "cancelled"), "reason by"),
    "position_reported": "courier_id carrier lat lon accuracy_m speed_mps",
    "route_planned": "courier_id carrier stops",
    **dict.fromkeys(("shift_started", "shift_ended"), "courier_id carrier"),
}


def unknown_fields(event: Event) -> set[str]:
    """Return the fields of an event that its kind does not know."""
    known = COMMON if event["kind"] not in COURIER_KINDS else COMMON.replace(" order_id", "")
    return set(event) - set(known.split()) - set(OWN[event["kind"]].split())


def canonical(event: Event) -> bytes:
    """Return the accepted event as JSON: sorted keys, no spaces, nothing unknown or null."""
    absent = {name for name, value in event.items() if value is None}
    known = {n: v for n, v in event.items() if n not in unknown_fields(event) | absent}
    text = json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


DEFAULTS = {"schema_version": 1, "time_quality": "offset", "direction": "forward"}


def content(event: Event) -> dict[str, Any]:
    """Return what an event says once parsed: instants as such, defaults filled in."""
    said = {**DEFAULTS, **json.loads(canonical(event)), "observed_at": None}
    for name in ("occurred_at", "eta", "eta_low", "eta_high"):
        if said.get(name):
            said[name] = instant(said[name])
    if promise := said.get("promise"):
        due = Due(promise, None, RULES)
        start = instant(promise["start"]) if promise.get("start") else None
        said["promise"] = (instant(promise["end"]), start, due.precision)
    return {name: value for name, value in said.items() if value is not None}
