"""Orders that are open, overdue or ended, and what became of their promises."""

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, quantile, ratio
from streams.domain.lifecycle import RANK
from streams.domain.order import Order
from streams.domain.reasons import canonical

# Names of measures that are made of a status, spelt once.
_STATE: dict[str, str] = {status: f"state.{status}" for status in (*RANK, "unknown")}

# Ends without a handover that Prometheus counts by their reason.
ENDS = ("cancelled", "returned")
COUNTS = ("orders", "open", "overdue", "forgotten", "ended_silent")


def count(measures: Measures, order: Order, clock: Millis, *, ended_silent: bool) -> None:
    """Add whether an order is open, overdue, forgotten or ended, how far its promise moved."""
    track, promise = order.track, order.promise
    if track.open:
        if ended_silent:
            measures["ended_silent"] = 1
        else:
            measures["open"] = measures[_STATE[track.status]] = 1
            if promise is not None and clock >= promise.late_from:
                measures["overdue"] = 1
            if clock >= order.forgotten_from:
                measures["forgotten"] = 1
    elif track.handover is not None:
        measures["handed_over"] = 1
    elif track.status in ENDS and track.ending is not None:
        reason = getattr(track.ending.event, "reason", None)
        measures[f"{track.status}.{canonical(reason)}"] = 1
    if track.carrier_changes:
        measures["changed_by_carrier"] = track.carrier_changes
    moved = order.promise_moved
    if moved is not None:
        measures["promised"] = measures[f"slack:{sketch.bin_of(moved)}"] = 1


def orders(m: Measures) -> Json:
    """Return the counts that a block begins with."""
    return {name: m.get(name, 0) for name in COUNTS}


def promise(m: Measures) -> Json:
    """Return the section `promise` (kpis 2.1, P5)."""
    return {
        "coverage": ratio(m.get("promised", 0), m.get("orders", 0)),
        "changed_by_carrier": m.get("changed_by_carrier", 0),
        "slack_median": quantile(m, "slack", 0.5),
        "slack_p90": quantile(m, "slack", 0.9),
    }
