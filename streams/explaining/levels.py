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
    """Say how a service level stands, with its numbers."""
    deadline, ended = agreement.deadline, agreement.ended_at
    if not counts:
        return "not counted: the order ended in time without it, and not by the carrier"
    if deadline is None:
        code = next(each.code for each in agreement.stops if each.until is None)
        return f"the clock stands: {plain(code)}, and nobody has touched the parcel since"
    due = f"due {face.words(deadline)}"
    if ended is not None:
        done = DONE[agreement.level.rule.metric]
        broken = agreement.breached_from is not None and ended >= agreement.breached_from
        far = duration(ended - deadline)
        return (
            f"{done} {face.words(ended)}, {far} {'after' if broken else 'before'} it was {due}"
        )
    if agreement.breached(clock):
        return f"{due}, and overdue by {duration(clock - deadline)}"
    return f"{due}, in {duration(deadline - clock)}"
