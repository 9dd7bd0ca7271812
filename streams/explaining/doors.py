"""What happened at the door: attempts, and how far the ETAs were off."""

from operator import itemgetter
from typing import Any

from streams.domain import lifecycle, reasons
from streams.domain.attempts import Attempt
from streams.domain.eta import deviations
from streams.domain.order import Order
from streams.domain.row import Row
from streams.domain.suspects import Suspicion, suspicion
from streams.domain.tracking import Track
from streams.wording import Face, plain

Json = dict[str, Any]


def attempts(order: Order, face: Face) -> list[Json]:
    """Return the visits that came to an end; `implicit`: nobody reported the failure."""
    track = order.track
    doubt = suspicion(track, order.presence)
    return [
        {
            "number": number,
            "at": face.iso(visit.at),
            "succeeded": visit.succeeded,
            "reason": visit.reason,
            "party": None if visit.reason is None else reasons.PARTY.get(visit.reason),
            "implicit": visit.implicit,
            "undone": visit.undone,
            "says": _outcome(visit),
            "notes": _notes(visit, track, doubt if number == 1 else None, face),
        }
        for number, visit in enumerate(track.attempts.visits, 1)
    ]


def _outcome(visit: Attempt) -> str:
    """Say how a visit ended, and whose reason it was; `lost` is a reason as it stands."""
    if visit.succeeded:
        return "handed over"
    reason, kind = visit.reason or "unknown", visit.by.event.kind
    if reason == "unknown":
        void = "the delivery was void" if visit.undone else "no reason given"
        said = kind if visit.implicit and kind in reasons.PARTY else void
    else:
        said = reason
    return f"failed: {plain(said)} ({plain(reasons.PARTY[reason])})"


def _notes(visit: Attempt, track: Track, doubt: Suspicion | None, face: Face) -> list[str]:
    """Say what is peculiar about a visit; `doubt` is why it is not believed."""
    notes = []
    if visit.implicit:
        notes.append(f"nobody reported it: {plain(visit.by.event.kind)} proves it")
    if visit.succeeded and visit.reason is not None:
        notes.append(f"{plain(visit.reason)} at first, within 2 h: one visit")
    if (undone := visit.undone_by) is not None:
        notes.append(f"taken back by {plain(undone.event.kind)} {face.words(undone.at)}")
    elif doubt is not None:
        notes.append(f"not believed: {_doubt(doubt)}")
    if visit.reason == "diverted" and visit.by is track.handover:
        which = "first attempt" if visit is track.attempts.first else "attempt"
        notes.append(f"counts as a failed {which}, not against the time: no consent was given")
    return notes


def _doubt(doubt: Suspicion) -> str:
    return doubt.rule if doubt.metres is None else f"{doubt.metres:,.0f} m from the door"


def doubted(doubt: Suspicion, face: Face) -> str:
    """Say why a first attempt is not believed: how far off it was, or what made it void."""
    if doubt.metres is not None and doubt.allowed is not None:
        believed = f"at most {doubt.allowed:,.0f} m are believed"
        return f"{doubt.rule}, {doubt.metres:,.0f} m ({believed})"
    if len(doubt.because) < 2:  # noqa: PLR2004 - a void delivery, and what made it void
        return doubt.rule
    delivery, undone = doubt.because
    kind = undone.event.kind
    since = "an hour or more after it" if kind in lifecycle.REOPENS else "after it"
    what = f"{plain(kind)} {face.words(undone.at)} came {since}"
    return f"the delivery of {face.words(delivery.at)} was void: {what}"


SNAPSHOTS = {
    "promise": "the middle of the promise",
    "promise_window": "the promised window",
    "ofd": "first ETA after out for delivery",
    "t120": "ETA 2 h before the handover",
    "t60": "ETA 1 h before",
    "t30": "ETA 30 min before",
    "t15": "ETA 15 min before",
    "notified": "the ETA the customer was told",
}


def etas(order: Order, row: Row, face: Face) -> Json:
    """Return the ETAs that were said, and how far they were off at each snapshot."""
    track = order.track
    handover, accepted = track.handover, row.ledger.accepted_eta
    found = deviations(track, order.promise)
    said = [each[:3] for each in track.etas]
    said += [(each.at, each.eta, True) for each in order.estimates]
    if handover is not None and accepted is not None:
        found["notified"] = handover.at - accepted
    return {
        "said": [
            {"at": face.iso(at), "eta": face.iso(eta), "by": "tower" if own else "outside"}
            for at, eta, own in sorted(said, key=itemgetter(0))
        ],
        "deviations": {name: span // 1_000 for name, span in found.items()},
    }
