"""Builders that make a test read as a delivery day.

Every builder returns one event as a plain dict of the contract. Times are minutes after nine
in the morning of `DAY` (UTC), or texts of RFC 3339 as they are. An event's id is a function of
what it says, so the same sentence twice is the same event twice; `event_id` says otherwise.

    story(promised(0, window=(60, 180)), out(60), eta(60, 130), delivered(150))
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

DAY = datetime(2026, 3, 3, 9, tzinfo=UTC)

Event = dict[str, Any]
When = float | str


def moment(when: When) -> str:
    """Return minutes after nine as an instant of RFC 3339; a text is one already."""
    if isinstance(when, str):
        return when
    return (DAY + timedelta(minutes=when)).isoformat().replace("+00:00", "Z")


def event(kind: str, at: When, order: str = "A-1", **told: Any) -> Event:
    """Return an event of an order; fields that are None are left out."""
    observed = told.pop("observed", None)
    said = {
        "kind": kind,
        "occurred_at": moment(at),
        "order_id": order,
        "source": told.pop("source", "carrier.hub"),
        "observed_at": None if observed is None else moment(observed),
        **told,
    }
    said = {name: value for name, value in said.items() if value is not None}
    digest = crc32(json.dumps(said, sort_keys=True).encode())
    return {"event_id": f"{kind}-{digest:08x}", **said}


def promise(
    window: tuple[When, When] | None = None,
    date: When | None = None,
    instant: When | None = None,
) -> Event | None:
    """Return the field `promise`: a window, the local day of `date`, an instant, or none."""
    if window is not None:
        return {"start": moment(window[0]), "end": moment(window[1])}
    if date is not None:
        return {"end": moment(date), "precision": "date"}
    if instant is not None:
        return {"end": moment(instant), "precision": "instant"}
    return None


def promised(
    at: When = -60,
    window: tuple[When, When] | None = None,
    date: When | None = None,
    instant: When | None = None,
    **told: Any,
) -> Event:
    """The shop promises: a window, a day, an instant, or nothing."""
    told = {"carrier": "nordpost", "promise": promise(window, date, instant), **told}
    return event("order_promised", at, **told)


def changed(
    at: When,
    window: tuple[When, When] | None = None,
    date: When | None = None,
    instant: When | None = None,
    by: str = "consignee",
    **told: Any,
) -> Event:
    """Somebody moves the promise."""
    return event("promise_changed", at, promise=promise(window, date, instant), by=by, **told)


def picked_up(at: When, **told: Any) -> Event:
    return event("picked_up", at, **told)


def in_transit(at: When, **told: Any) -> Event:
    return event("in_transit", at, **told)


def at_depot(at: When, **told: Any) -> Event:
    return event("arrived_depot", at, **told)


def out(at: When, **told: Any) -> Event:
    """The parcel is on the vehicle."""
    return event("out_for_delivery", at, **told)


def eta(at: When, expected: When, by: str = "carrier", **told: Any) -> Event:
    """Somebody expects the handover at `expected`."""
    return event("eta_updated", at, eta=moment(expected), by=by, **told)


def arrived(at: When, **told: Any) -> Event:
    """The courier is at the door."""
    return event("courier_arrived", at, **told)


def failed(at: When, reason: str = "not_home", **told: Any) -> Event:
    """The visit ends without a handover."""
    return event("attempt_failed", at, reason=reason, **told)


def delivered(at: When, to: str | None = None, **told: Any) -> Event:
    """The parcel is handed over."""
    return event("delivered", at, to=to, **told)


def turned(kind: str, at: When, reason: str | None = None, **told: Any) -> Event:
    """The parcel's way takes a turn: held, lost, damaged, returning, cancelled and the like."""
    return event(kind, at, reason=reason, **told)


def released(at: When, **told: Any) -> Event:
    return event("released", at, **told)


def withdrawn(at: When, taken_back: Event, **told: Any) -> Event:
    """The source takes back an event of its own."""
    told = {"source": taken_back["source"], "order": taken_back["order_id"], **told}
    return event("event_withdrawn", at, withdraws=taken_back["event_id"], **told)


def feedback(at: When, **told: Any) -> Event:
    return event("feedback_given", at, source="tower.page", **told)


def asked(at: When, topic: str = "where_is_my_order", **told: Any) -> Event:
    return event("customer_asked", at, topic=topic, **told)


def decided(at: When, verdict: str, **told: Any) -> Event:
    """A dispute is decided by a person."""
    told = {"by": "claims desk", "reason": "seen the photo", **told}
    return event("verdict_decided", at, verdict=verdict, **told)


def story(*events: Event) -> list[bytes]:
    """Return the events as lines of a file, in the order given."""
    return [json.dumps(each, sort_keys=True, separators=(",", ":")).encode() for each in events]
