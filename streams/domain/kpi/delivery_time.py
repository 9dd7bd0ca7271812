"""Was it on time: the outcomes of orders that came due (kpis 2.2, 2.12 L1 to L5)."""

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, ratio
from streams.domain.order import Order
from streams.domain.verdicts import judge

OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")


def count(measures: Measures, order: Order, clock: Millis) -> None:
    """Add the frozen verdict and the restated one, each once its deadline has passed (L1)."""
    restated = judge(order.track, order.promise, clock, order.judgement)
    if order.frozen is order.track:
        frozen = restated
    else:
        frozen = judge(order.frozen, order.frozen_promise, clock, order.judgement)
    for view, verdict in (("restated", restated), ("frozen", frozen)):
        if verdict.outcome is not None:
            measures[f"{view}.{verdict.outcome}"] = 1
            if verdict.early_day:
                measures[f"{view}.early_days"] = 1
    if restated.outcome is not None and order.track.changed_mind:
        measures["delivered_then_changed"] = 1


def block(m: Measures) -> Json:
    """Return the section `delivery_time`: frozen at maturity, and restated by all evidence."""
    return {
        **_view(m, "frozen"),
        "restated": _view(m, "restated"),
        "delivered_then_changed": m.get("delivered_then_changed", 0),
    }


def _view(m: Measures, view: str) -> Json:
    counts = {outcome: m.get(f"{view}.{outcome}", 0) for outcome in OUTCOMES}
    due = sum(counts[outcome] for outcome in ("on_time", "early", "late", "failed"))
    return {
        "due": due,
        **counts,
        "early_days": m.get(f"{view}.early_days", 0),
        "accuracy": ratio(counts["on_time"], due),
        "otd": ratio(counts["on_time"] + counts["early"], due),
    }
