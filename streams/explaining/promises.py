"""Every promise that was made, and why one of them is what the verdict is measured by."""

from typing import Any

from streams.domain.arrivals import Arrived
from streams.domain.order import Order
from streams.domain.promises import Resolved, resolve
from streams.domain.tracking import Track
from streams.domain.verdicts import effective, original
from streams.explaining.timeline import standing
from streams.wording import Face

Json = dict[str, Any]


def promises(order: Order, face: Face) -> list[Json]:
    """Return every promise that was said, who said it, and what became of it."""
    told = []
    counts = _effective_event(order)
    for arrived in standing(order):
        event = arrived.event
        if event.kind != "order_promised" and event.kind != "promise_changed":  # noqa: PLR1714
            continue
        if event.promise is None:
            continue
        track = order.track
        tolerance = order.judgement.tolerance(track.carrier)
        resolved = resolve(event.promise, track.timezone, tolerance)
        roles = [
            name
            for name, holds in (
                ("original", event.promise is track.original),
                ("effective", arrived is counts),
                ("latest", event.promise is track.latest),
            )
            if holds
        ]
        told.append({
            "roles": roles,
            "said_at": face.iso(arrived.at),
            "by": event.by if event.kind == "promise_changed" else "the first promise",
            "source": event.source,
            "promise": face.promised(resolved),
            "precision": resolved.precision,
            "start": None if resolved.start is None else face.iso(resolved.start),
            "end": face.iso(resolved.end),
            "why": _why_counts(arrived, order, counts),
        })  # fmt: skip
    return told


def _effective_event(order: Order) -> Arrived | None:
    """Return the event whose promise the verdict is measured by."""
    track, judgement = order.track, order.judgement
    first, counts = original(track, judgement), effective(track, judgement)
    if first is None:
        return None
    tolerance = judgement.tolerance(track.carrier)
    for arrived in reversed(standing(order)):
        event = arrived.event
        if (
            event.kind == "promise_changed"
            and event.by == "consignee"
            and resolve(event.promise, track.timezone, tolerance) == counts
            and _untimely(arrived, track, first) is None
        ):
            return arrived
    return next(each for each in standing(order) if _promise_of(each) is track.original)


def _promise_of(arrived: Arrived) -> object:
    return getattr(arrived.event, "promise", None)


def _why_counts(arrived: Arrived, order: Order, counts: Arrived | None) -> str:
    """Say why a promise is, or is not, the one the verdict is measured by."""
    event, track = arrived.event, order.track
    if arrived is counts:
        if event.kind == "promise_changed":
            return "counts: the customer's own last wish, said in time"
        return "counts: the first promise, no timely wish replaced it"
    if event.kind == "order_promised":
        if event.promise is track.original:
            return "does not count: the customer wished another time"
        return "does not count: only the first promise does"
    if event.kind == "promise_changed" and event.by != "consignee":
        return f"does not count: the {_by(event)} cannot move the verdict"
    first = original(track, order.judgement)
    if first is None:
        return "does not count: there was no first promise to change"
    return f"does not count: {_untimely(arrived, track, first) or 'a later wish replaced it'}"


def _by(event: object) -> str:
    return str(getattr(event, "by", "unknown"))


def _untimely(arrived: Arrived, track: Track, first: Resolved) -> str | None:
    """Return why a wish of the customer came too late (kpis 2.12 P2), None if in time."""
    if arrived.at >= first.end:
        return "said after the first promise had ended"
    visits = track.attempts.visits
    if visits and arrived.at >= visits[0].at:
        return "said after the first attempt"
    heard = any(wish.by is arrived for wish in track.consignee)
    return None if heard else "said after the handover"
