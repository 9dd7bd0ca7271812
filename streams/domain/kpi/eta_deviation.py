"""How far ETAs were off, snapshot by snapshot (kpis 2.5, 2.12 E1 to E4)."""

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import Measures
from streams.domain.eta import SNAPSHOTS, deviations
from streams.domain.kpi.figures import Json, bins, ratio, seconds
from streams.domain.order import Order

WITHIN: dict[str, Millis] = {"within_10min": 600_000, "within_15min": 900_000}

# Snapshots of the promise: no ETA of the tower's own can stand there.
PROMISED = frozenset({"promise", "promise_window"})


def count(
    measures: Measures, order: Order, actual: Millis, accepted_eta: Millis | None
) -> None:
    """Add the deviations of an order that was handed over at `actual`.

    `accepted_eta` is the one in the last notice that was sent.
    """
    for series, by_tower in (("eta", False), ("eta_tower", True)):
        found = deviations(order.track, order.promise, by_tower=by_tower)
        if accepted_eta is not None and not by_tower:
            found["notified"] = actual - accepted_eta
        for snapshot, deviation in found.items():
            name, distance = f"{series}.{snapshot}", abs(deviation)
            measures[f"{name}.n"] = measures[f"{name}:{sketch.bin_of(deviation)}"] = 1
            if deviation:
                measures[f"{name}.sum"], measures[f"{name}.abs"] = deviation, distance
            for within, bound in WITHIN.items():
                if distance <= bound:
                    measures[f"{name}.{within}"] = 1


def block(m: Measures, series: str) -> Json:
    """Return a section of deviations: `eta` of ETAs from outside, `eta_tower` of our own."""
    return {
        snapshot: _snapshot(m, f"{series}.{snapshot}")
        for snapshot in SNAPSHOTS
        if series == "eta" or snapshot not in PROMISED
    }


def _snapshot(m: Measures, name: str) -> Json:
    n = m.get(f"{name}.n", 0)
    signed = bins(m, name)
    absolute = sketch.absolute(signed)
    return {
        "n": n,
        "coverage": ratio(n, m.get("handed_over", 0)),
        "median": seconds(sketch.quantile(signed, 0.5)),
        "mean": m.get(f"{name}.sum", 0) / n / 1_000 if n else None,
        "mae": m.get(f"{name}.abs", 0) / n / 1_000 if n else None,
        "p80_abs": seconds(sketch.quantile(absolute, 0.8)),
        "p90_abs": seconds(sketch.quantile(absolute, 0.9)),
        "within_10min": ratio(m.get(f"{name}.within_10min", 0), n),
        "within_15min": ratio(m.get(f"{name}.within_15min", 0), n),
    }
