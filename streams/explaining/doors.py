"""What happened at the door: attempts, and how far the ETAs were off."""

from typing import Any

from streams.domain import reasons
from streams.domain.eta import deviations
from streams.domain.order import Order
from streams.domain.row import Row
from streams.domain.tracking import Track
from streams.wording import Face

Json = dict[str, Any]


def attempts(track: Track, face: Face) -> list[Json]:
    """Return the visits that came to an end; `implicit`: nobody reported the failure."""
    return [
        {
            "number": number,
            "at": face.iso(visit.at),
            "succeeded": visit.succeeded,
            "reason": visit.reason,
            "party": None if visit.reason is None else reasons.PARTY.get(visit.reason),
            "implicit": visit.implicit,
            "undone": visit.undone,
        }
        for number, visit in enumerate(track.attempts.visits, 1)
    ]


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
    if handover is not None and accepted is not None:
        found["notified"] = handover.at - accepted
    return {
        "said": [
            {"at": face.iso(at), "eta": face.iso(eta), "by": "tower" if own else "outside"}
            for at, eta, own, _ in track.etas
        ],
        "deviations": {name: span // 1_000 for name, span in found.items()},
    }
