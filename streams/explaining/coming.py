"""What the customer was to be told, what is expected now, and when it is looked at next."""

from typing import Any

from models.base import Millis
from streams.domain import notices, sla
from streams.domain.order import NEVER, Order
from streams.domain.prediction import look, silent_at
from streams.domain.row import Row
from streams.wording import Face, beside, printable

Json = dict[str, Any]

NOTICES = {
    "delay_predicted": "a delay is expected",
    "delay_worse": "the delay has grown",
    "delay_cleared": "the delay is over",
    "out_for_delivery": "the parcel is out for delivery",
    "near": "the courier is near",
    "attempt_failed": "an attempt failed",
    "action_needed": "the customer has to do something",
    "available_for_pickup": "the parcel can be fetched",
    "delivered": "the parcel was delivered",
    "feedback_request": "how it went is asked",
}
RESULTS = {
    "waiting": "asked for; nothing heard back yet",
    "sent": "sent",
    "failed": "could not be sent",
    "suppressed.superseded": "not said: the order had ended, or there was newer news",
    "suppressed.expired": "not said: it had grown too old",
    "suppressed.stale_replay": "not said: it belongs to a past that was read again",
    "suppressed.not_told": "not said: the delay had not been told either",
    "suppressed.no_contact": "not said: no address of the customer is known",
    "suppressed.opt_out": "not said: the customer wants no messages",
    "suppressed.quiet_hours": "not said: by the end of the quiet hours it would be too old",
    "suppressed.stopped": "not said: somebody had stopped such notices",
    "suppressed.muted": "not said: the customer muted this kind",
}


def notices_of(row: Row, face: Face) -> list[Json]:
    """Return the notices that were asked for, and what became of each."""
    ledger, told = row.ledger, []
    for notice_id, result in ledger.results.items():
        kind, version = ("", "", *notice_id.split("/"))[-2:]
        newest = version == str(ledger.version) and ledger.last_at is not None
        told.append({
            "notice_id": notice_id,
            "kind": kind,
            "about": NOTICES.get(kind, printable(kind)),
            "result": result,
            "became": RESULTS.get(result, printable(result)),
            "asked_at": face.iso(ledger.last_at or 0) if newest else None,
        })  # fmt: skip
    return told


def outlook(order: Order, row: Row, clock: Millis, face: Face) -> Json | None:
    """Return what is expected of an open order, and whether its customer is to be told."""
    promise = order.promise
    if not order.track.open or not order.track.is_order:
        return None
    if promise is None:
        return {"eta": None, "lateness": None, "says": "no promise, so nothing can be late"}
    outlook = look(order, promise, clock)
    if outlook.eta is not None:
        where = beside(outlook.eta, promise.last_good, "the last moment that is not late")
        said = f"expected {face.words(outlook.eta)}, {where}"
    elif outlook.silent:
        said = "no ETA and nobody has touched the parcel: expected to be late"
    elif order.track.moved_at is None:
        silent = face.words(silent_at(order, promise))
        said = f"no ETA; if nobody has touched the parcel by {silent}, a delay is expected"
    else:
        said = "no ETA, but the parcel moves: no delay is expected"
    late = outlook.lateness
    return {
        "eta": None if outlook.eta is None else face.iso(outlook.eta),
        "lateness": None if late is None else late // 1_000,
        "says": f"{said}; {_telling(row)}",
    }


def _telling(row: Row) -> str:
    ledger, policy = row.ledger, row.judgement.notices
    if ledger.delays >= policy.at_most:
        return f"the customer was told of it {ledger.delays} times, which is the most"
    if ledger.version >= policy.in_all:
        return f"the customer was written to {ledger.version} times, which is the most"
    if ledger.told:
        return "the customer was to be told of a delay"
    if ledger.late_since is not None:
        return f"the customer is told once that has held for {policy.hold_minutes:g} min"
    return f"the customer is told from {policy.enter_minutes:g} min late on"


def next_look(row: Row, clock: Millis, face: Face) -> Json | None:
    """Return when time alone will change something, as the worker's deadlines have it."""
    parked = "what is parked is decided" if row.parked else None
    due = [(row.settles_at, parked or "its row is closed, or forgotten")]
    order = row.order
    if order is not None:
        if order.promise is not None and clock < order.promise.late_from:
            due.append((order.promise.late_from, "its deadline has passed and it is judged"))
        turn = sla.next_turn(order, clock)
        if turn is not None:
            due.append((turn, "a service level is at risk or broken from then on"))
        at = notices.next_look(row.ledger, order, clock)
        due.append((at, "whether its customer is to be told"))
    at, why = min(due)
    return None if at >= NEVER else {"at": face.iso(at), "why": why}
