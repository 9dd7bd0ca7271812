"""Did the first attempt succeed, and why not (kpis 2.3, 2.12 T1 to T6)."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, part, ratio
from streams.domain.tracking import Track


def count(measures: Measures, track: Track) -> None:
    """Add the outcome of the first attempt, and the legs that never reached the door."""
    if track.attempts.no_attempt_returns:
        measures["attempt.no_attempt_return"] = track.attempts.no_attempt_returns
    if not track.attempts.visits:
        return
    first = track.attempts.visits[0]
    measures["attempt.concluded"] = 1
    if first.succeeded:
        measures["attempt.succeeded"] = 1
    else:
        measures[f"attempt.reason.{first.reason}"] = 1
    if first.implicit:
        measures["attempt.implicit"] = 1


def block(m: Measures) -> Json:
    """Return the section `first_attempt`."""
    concluded, succeeded = m.get("attempt.concluded", 0), m.get("attempt.succeeded", 0)
    return {
        "concluded": concluded,
        "succeeded": succeeded,
        "implicit_failures": m.get("attempt.implicit", 0),
        "no_attempt_return": m.get("attempt.no_attempt_return", 0),
        "success": ratio(succeeded, concluded),
        "reasons": part(m, "attempt.reason."),
    }
