"""The service levels of an order: which rule applied, and how its clock ran and stands."""

from collections.abc import Callable
from typing import Any

from models.base import Millis
from streams.domain.agreements import Agreement
from streams.domain.order import Order
from streams.domain.sla import held_to, state
from streams.wording import Face, duration, plain

Json = dict[str, Any]

# The line of the rules file on which a rule of its list `sla` begins, None where unknown.
Line = Callable[[int], int | None]

DONE = {
    "handover": "handed over",
    "first_attempt": "attempted",
    "transit": "came through",
    "pickup": "picked up",
    "response": "answered",
}


def service_levels(order: Order, clock: Millis, face: Face, line: Line) -> list[Json]:
    """Return every rule an order was held to; those it fell out of are marked so."""
    counted = set(map(id, held_to(order)))
    return [
        _level(each, order, clock, face, line(each.level.number), counts=id(each) in counted)
        for each in order.agreements
    ]


def _level(
    agreement: Agreement,
    order: Order,
    clock: Millis,
    face: Face,
    line: int | None,
    *,
    counts: bool,
) -> Json:
    rule, late = agreement.level.rule, agreement.handed_in
    stands = state(agreement, order, clock)
    return {
        "rule": rule.name,
        "line": line,
        "metric": rule.metric,
        "view": rule.view,
        "severity": rule.severity,
        "started_by": agreement.started.event.kind,
        "started_at": face.iso(agreement.started.at),
        "runs_from": face.iso(agreement.starts_at),
        "handed_in_late_at": None if late is None else face.iso(late.at),
        "stops": [
            {"code": each.code, "from": face.iso(each.since), "until": _iso(each.until, face)}
            for each in agreement.stops
        ],
        "deadline": _iso(agreement.deadline, face),
        "derived": agreement.derived,
        "ended_at": _iso(agreement.ended_at, face),
        "elapsed": agreement.elapsed(clock) // 1_000,
        "in_scope": counts,
        "state": stands,
        "breached": counts and agreement.breached(clock),
        "says": _says(agreement, clock, face, counts=counts),
    }


def _iso(at: Millis | None, face: Face) -> str | None:
    return None if at is None else face.iso(at)


def _says(agreement: Agreement, clock: Millis, face: Face, *, counts: bool) -> str:
    """Say how a service level stands, with its numbers, and whether its clock was moved."""
    if not counts:
        return "not counted: the order ended in time without it, and not by the carrier"
    late = agreement.handed_in
    if late is None:
        return _stands(agreement, clock, face)
    return (
        f"{_stands(agreement, clock, face)}; handed in after the cut-off,"
        f" {face.words(late.at)}, so that the clock runs from {face.words(agreement.starts_at)}"
    )


def _stands(agreement: Agreement, clock: Millis, face: Face) -> str:
    deadline, ended = agreement.deadline, agreement.ended_at
    if deadline is None:
        code = next(each.code for each in agreement.stops if each.until is None)
        return f"the clock stands: {plain(code)}, and nobody has touched the parcel since"
    due, ran_out = face.words(deadline), agreement.breached(clock)
    if ended is not None:
        done = f"{DONE[agreement.level.rule.metric]} {face.words(ended)}"
        if ended == deadline:
            just = "just too late: due before" if ran_out else "just in time: due"
            return f"{done}, {just} {due}"
        return (
            f"{done}, {duration(ended - deadline)} {'after' if ran_out else 'before'} it was"
            f" due {due}"
        )
    if clock == deadline:
        return (
            f"due before {due}, and overdue from now on" if ran_out else f"due {due}, just now"
        )
    if ran_out:
        return f"due {due}, and overdue by {duration(clock - deadline)}"
    return f"due {due}, in {duration(deadline - clock)}"
