"""Were service levels kept: agreements in scope, breached, at risk, reversed (kpis 2.6)."""

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, ratio
from streams.domain.order import Order
from streams.domain.sla import Said, at_risk, cleared, held_to


def count(
    measures: Measures, order: Order, clock: Millis, said: Said, *, ended_silent: bool
) -> None:
    """Add the agreements of one order; `said` are the breaches that were told of it."""
    counts = {"orders": 1, "in_scope": 0, "due": 0, "breached": 0, "at_risk": 0}
    for agreement in held_to(order):
        counts["in_scope"] += 1
        counts["due"] += agreement.came_due(clock)
        counts["breached"] += agreement.breached(clock)
        counts["at_risk"] += not ended_silent and at_risk(agreement, order, clock)
    counts["reversed"] = cleared(said)
    for name, number in counts.items():
        if number:
            measures[f"sla.{name}"] = number


def block(m: Measures) -> Json:
    """Return the section `sla`; the rate is of the agreements that came due."""
    counts = {
        name: m.get(f"sla.{name}", 0)
        for name in ("in_scope", "due", "breached", "at_risk", "reversed")
    }
    return {**counts, "breach_rate": ratio(counts["breached"], counts["due"])}


def judged(m: Measures) -> bool:
    """Tell whether any order was judged by rules that have service levels."""
    return "sla.orders" in m
