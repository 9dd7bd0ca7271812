"""The outcome of an order in both views (kpis 2.2, 2.4, L1 to L5, the accountable view)."""

from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from tests.oracle.couriers import Couriers
from tests.oracle.events import NOT_LIFE, PARTY, Event, reason_of
from tests.oracle.order import Order
from tests.oracle.times import FAR_FUTURE, SKEW, Due, ms, wall
from tests.oracle.visits import doubt


class Verdict(NamedTuple):
    """An outcome (None: not due), the rule it follows, and whether a day was beaten."""

    outcome: str | None
    rule: str
    early_day: bool = False


NOT_THE_CARRIERS = {"consignee", "shipper", "authority", "force_majeure"}


def verdict(order: Order, clock: int) -> Verdict:
    """Judge by the handover clock, raw view."""
    early = _beforehand(order, clock)
    if early is not None:
        return early
    assert order.effective
    if order.handover:
        return _handed_over(order, order.effective)
    if order.failing:
        return Verdict("failed", "failed")
    return Verdict("failed", "called off") if order.by_carrier else Verdict("late", "nothing")


def accountable(
    order: Order, clock: int, couriers: Couriers, known_by: int = FAR_FUTURE
) -> Verdict:
    """Judge by the first-attempt clock, accountable view; the rules in their order."""
    early = _beforehand(order, clock)
    if early is not None:
        return early
    assert order.effective
    doubted = doubt(order, couriers, known_by).suspect
    if order.handover is None and (order.failing is not None or order.by_carrier):
        if doubted or _deciding_party(order) not in NOT_THE_CARRIERS:
            return Verdict("failed", "ended, the carrier's")
        return Verdict("excluded", "ended, not the carrier's")
    if _held(order, order.effective):
        return Verdict("excluded", "held")
    if not doubted and _asked_to_come_again(order):
        return Verdict("excluded", "asked to come again")
    first = order.first
    if first and not doubted and not (order.handover and first.scan is order.handover[1]):
        return _placed(first.at, order.effective, "first attempt")
    if order.handover:
        return _handed_over(order, order.effective)
    return Verdict("late", "nothing")


def _beforehand(order: Order, clock: int) -> Verdict | None:
    """Return what both views say alike: not due, decided, excluded; None to go on."""
    if order.effective is None:
        return Verdict("excluded", "no promise")
    if clock < order.effective.late_from:
        return Verdict(None, "to come")
    decided = [event for _, event in order.events if event["kind"] == "verdict_decided"]
    if decided:
        return Verdict(decided[-1]["verdict"], "decided")
    if order.cancel and not order.by_carrier and order.cancel[0][0] < order.effective.deadline:
        return Verdict("excluded", "cancelled")
    return None


def _handed_over(order: Order, due: Due) -> Verdict:
    assert order.handover
    if len({due.outcome(at) for at in _readings(order)}) > 1:
        return Verdict("indeterminate", "readings differ")
    return _placed(_readings(order)[0], due, "handover", order.handover[0][0])


def _placed(at: int, due: Due, rule: str, day_of: int | None = None) -> Verdict:
    outcome = due.outcome(at)
    early_day = (
        outcome == "on_time"
        and due.precision == "date"
        and due.start is not None
        and (at if day_of is None else day_of) < due.start
    )
    return Verdict(outcome, f"{rule}, {due.precision}", early_day)


def _readings(order: Order) -> list[int]:
    """Return the plausible times of the handover (L17, L24)."""
    assert order.handover
    key, event = order.handover
    if event.get("time_quality") != "assumed":
        return [key[0]]
    written = datetime.fromisoformat(event["occurred_at"])
    readings = [ms(written), ms(written.replace(tzinfo=UTC)), wall(written, order.zone)]
    return [at for at in readings if at <= key[2] + SKEW] or [key[0]]


def _deciding_party(order: Order) -> str:
    """Return who is charged for an order that ended without a handover (rule 2)."""
    if order.failing is None:
        return "carrier"  # called off by the carrier: never excluded (L3)
    event = order.failing[1]
    if event.get("reason"):
        return PARTY[reason_of(event)]  # also of lost or damaged: the code decides (L24)
    if event["kind"] in {"lost", "damaged"}:
        return "carrier"
    failed = [each for _, each in order.heard if each["kind"] == "attempt_failed"]
    return PARTY[reason_of(failed[-1])] if failed else "carrier"


def _held(order: Order, due: Due) -> bool:
    """Tell whether the parcel was held at the deadline for a cause that stops the clock."""
    before = [(key, event) for key, event in order.events if key[0] < due.deadline]
    return any(
        event["kind"] == "held"
        and PARTY[reason_of(event)] in {"consignee", "authority"}
        and not any(later > key and _releases(other) for later, other in before)
        for key, event in before
    )


def _releases(event: Event) -> bool:
    """Tell whether an event ends a hold (L22a, L23)."""
    return event["kind"] not in NOT_LIFE | {"held", "promise_changed", "order_promised"}


def _asked_to_come_again(order: Order) -> bool:
    """Tell whether the consignee moved the promise after a failed first attempt (rule 3)."""
    first, original = order.first, order.original
    if first is None or first.reason is None or original is None:
        return False
    return original.holds(first.at) and any(
        at > first.at and original.holds(at) for at, _ in order.wishes
    )


def charged(order: Order, *, doubted: bool) -> bool:
    """Tell whether the first attempt is one of `first_attempt.accountable`."""
    first = order.first
    if first is None:
        return False
    if first.reason in {None, "diverted"} or doubted:
        return True
    return came_too_soon(order) or PARTY[first.reason] not in NOT_THE_CARRIERS


def came_too_soon(order: Order) -> bool:
    """Tell whether a first attempt failed before the window: the carrier's, for all reasons."""
    due, first = order.effective, order.first
    return (
        first is not None
        and first.reason is not None
        and due is not None
        and due.precision == "window"
        and due.start is not None
        and first.at < due.start - due.early
    )


def revisions(changes: list[Verdict]) -> int:
    """Count the changes of an outcome among those that followed one another (L18)."""
    outcomes = [each.outcome for each in changes if each.outcome is not None]
    return sum(one != other for one, other in pairwise(outcomes))
