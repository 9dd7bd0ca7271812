"""Did the first attempt succeed, and why not (kpis 2.3, 2.12 T1 to T6)."""

from streams.domain.accountable import excused
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, part, ratio
from streams.domain.order import Order
from streams.domain.suspects import suspicion


def count(measures: Measures, order: Order) -> None:
    """Add the outcome of the first attempt, and the legs that never reached the door."""
    attempts = order.track.attempts
    if attempts.no_attempt_returns:
        measures["attempt.no_attempt_return"] = attempts.no_attempt_returns
    first = attempts.first
    if first is None:
        return
    measures["attempt.concluded"] = 1
    if first.succeeded:
        measures["attempt.succeeded"] = 1
        return
    measures[f"attempt.reason.{first.reason}"] = 1
    if first.implicit:
        measures["attempt.implicit"] = 1
    if suspicion(order.track, order.presence) is not None:
        measures["attempt.suspect"] = measures["attempt.charged"] = 1
    elif not excused(first, order.promise):
        measures["attempt.charged"] = 1


def block(m: Measures) -> Json:
    """Return the section `first_attempt`."""
    concluded, succeeded = m.get("attempt.concluded", 0), m.get("attempt.succeeded", 0)
    accountable = succeeded + m.get("attempt.charged", 0)
    return {
        "concluded": concluded,
        "succeeded": succeeded,
        "implicit_failures": m.get("attempt.implicit", 0),
        "suspect": m.get("attempt.suspect", 0),
        "no_attempt_return": m.get("attempt.no_attempt_return", 0),
        "success": ratio(succeeded, concluded),
        "reasons": part(m, "attempt.reason."),
        "accountable": {
            "concluded": accountable,
            "succeeded": succeeded,
            "success": ratio(succeeded, accountable),
        },
    }
