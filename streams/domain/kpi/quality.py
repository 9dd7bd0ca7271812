"""How good a carrier's data are (kpis 2.9), counted of orders that have ended.

The events of an order are looked at once it has ended, so that the many events before cost
nothing; a cell of its own holds each carrier, for the sketch of its scan lags.
"""

from collections.abc import Mapping

from models.base import millis
from streams.domain import lifecycle, sketch
from streams.domain.arrivals import SKEW_MS, Arrived, LifeKey, by_receipt
from streams.domain.cells import Cell, Measures, add
from streams.domain.kpi.delivery_time import FROZEN, OUTCOMES
from streams.domain.kpi.figures import Json, bins, quantile, ratio
from streams.domain.order import Order
from streams.domain.reasons import canonical

DIRECTION = "quality"
REASONED = lifecycle.TURNS | {"attempt_failed"}  # kinds that should say why, in a code

_VERDICTS = tuple(f"{FROZEN[0]}.{outcome}" for outcome in OUTCOMES if outcome != "excluded")


def cell(order: Order) -> Cell:
    """Return where the data of an order count."""
    return Cell(order.track.carrier, "", "", DIRECTION, "")


def measures(order: Order) -> Measures:
    """Return what the events of an order that has ended add, those withdrawn among them."""
    found: Measures = {"ended": 1, "events": len(order.arrivals)}
    latest: LifeKey | None = None
    for arrived in sorted(order.arrivals.values(), key=by_receipt):
        if latest is not None and arrived.key < latest:
            _one(found, "out_of_order")
        else:
            latest = arrived.key
        _event(found, arrived)
    return found


def _event(measures: Measures, arrived: Arrived) -> None:
    event = arrived.event
    if event.time_quality != "offset":
        _one(measures, "tz_assumed")
    elif millis(event.occurred_at) > arrived.received_at + SKEW_MS:
        _one(measures, "skewed")
    if event.kind in lifecycle.MOVES:
        _one(measures, f"lag:{sketch.bin_of(arrived.received_at - arrived.at)}")
    if event.kind in REASONED and (reason := getattr(event, "reason", None)) is not None:
        _one(measures, "reasons")
        if canonical(reason) == "unknown":
            _one(measures, "unmapped")


def _one(measures: Measures, name: str) -> None:
    measures[name] = measures.get(name, 0) + 1


def block(cells: Mapping[Cell, Measures]) -> Json:
    """Return the section `data_quality`, by carrier."""
    found: dict[str, Measures] = {}
    verdicts: dict[str, Measures] = {}
    for cell, measures in cells.items():
        if cell.direction == DIRECTION:
            found[cell.carrier] = dict(measures)
        elif cell.direction == "forward":
            judged = {name: measures[name] for name in _VERDICTS if name in measures}
            add(verdicts.setdefault(cell.carrier, {}), judged)
    return {
        carrier: _carrier(m, verdicts.get(carrier, {})) for carrier, m in sorted(found.items())
    }


def _carrier(m: Measures, verdicts: Measures) -> Json:
    events = m["events"]
    return {
        "orders": m["ended"],
        "events": events,
        "out_of_order": ratio(m.get("out_of_order", 0), events),
        "skewed": ratio(m.get("skewed", 0), events),
        "tz_assumed": ratio(m.get("tz_assumed", 0), events),
        "unmapped_reasons": ratio(m.get("unmapped", 0), m.get("reasons", 0)),
        "indeterminate": ratio(
            verdicts.get(f"{FROZEN[0]}.indeterminate", 0), sum(verdicts.values())
        ),
        "scan_lag": {
            "n": sum(bins(m, "lag").values()),
            "median": quantile(m, "lag", 0.5),
            "p95": quantile(m, "lag", 0.95),
        },
    }
