"""How good predictions were: Brier, ranking, alerts, ranges, calibration (kpis 2.7, 2.12 E5).

What an order adds is by horizon, orders somebody stepped in for apart: `p.` without, `pi.`
with them. Squared errors are exact, of 10^-12; AUC, average precision and calibration come
from 1,000 bins of p.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import Measures, add
from streams.domain.kpi.figures import Json, bins, quantile, ratio
from streams.domain.order import Order
from streams.domain.scoring.horizons import HORIZONS
from streams.domain.scoring.said import MICRO, Foreseen
from streams.domain.scoring.scores import Score, scores
from streams.domain.zones import MINUTE_MS

BINS = 1_000
GROUPS = 10  # of about as many predictions each, in the calibration
EARLY_MS = 30 * MINUTE_MS  # lead from which an alert leaves time to act
SQUARE = MICRO * MICRO
UNTOUCHED, TOUCHED = "p", "pi"

Bins = Mapping[int, int]


def count(measures: Measures, order: Order, foreseen: Foreseen, clock: Millis) -> None:
    """Add the predictions of an order that is due."""
    for score in scores(order, foreseen, clock):
        name = f"{TOUCHED if score.intervened else UNTOUCHED}.{score.horizon}"
        if score.moved:
            measures[f"{name}.moved"] = 1
        else:
            measures |= _added(name, score)


def _added(name: str, score: Score) -> Measures:
    said, y = score.said, MICRO * score.late
    found = {
        f"{name}.{'late' if score.late else 'good'}:{min(said.p * BINS // MICRO, BINS - 1)}": 1,
        f"{name}.loss": (said.p - y) ** 2,
        f"{name}.base": (said.base - y) ** 2,
        f"{name}.bar": said.threshold,
    }
    if score.alert:
        found[f"{name}.alert"] = 1
    if score.lead is not None:
        found[f"{name}.lead:{sketch.bin_of(score.lead)}"] = 1
        if score.lead >= EARLY_MS:
            found[f"{name}.early"] = 1
    if score.handed_at is not None:
        inside = said.low <= score.handed_at <= said.high
        found[f"{name}.{'in' if inside else 'out'}"] = 1
        found[f"{name}.width"] = said.high - said.low
    return {measure: value for measure, value in found.items() if value}


def block(m: Measures) -> Json:
    """Return the section `predictions`: without orders somebody stepped in for, and with."""
    parts: dict[str, Measures] = {}
    for name, count in m.items():
        which, _, rest = name.partition(".")
        if which in {UNTOUCHED, TOUCHED}:
            horizon, _, measure = rest.partition(".")
            parts.setdefault(f"{which}.{horizon}", {})[measure] = count
    found: Json = {}
    for horizon in HORIZONS:
        without = parts.get(f"{UNTOUCHED}.{horizon}", {})
        touched = parts.get(f"{TOUCHED}.{horizon}", {})
        if without or touched:
            add(touched, without)
            found[horizon] = _horizon(without) | {"with_intervened": _horizon(touched)}
    return found


def _horizon(m: Measures) -> Json:
    late, good = bins(m, "late"), bins(m, "good")
    yes, no = sum(late.values()), sum(good.values())
    n = yes + no
    hits = sum(bins(m, "lead").values())
    alerts, covered = m.get("alert", 0), m.get("in", 0)
    handed = covered + m.get("out", 0)
    loss, base = m.get("loss", 0), m.get("base", 0)
    groups = list(_calibration(late, good))
    return {
        "n": n,
        "late": yes,
        "rescheduled": m.get("moved", 0),
        "threshold": m.get("bar", 0) / (n * MICRO) if n else None,
        "brier": loss / (n * SQUARE) if n else None,
        "brier_reference": base / (n * SQUARE) if n else None,
        "skill": 1 - loss / base if base else None,
        "precision": ratio(hits, alerts),
        "recall": ratio(hits, yes),
        "recall_30min": ratio(m.get("early", 0), yes),
        "false_alerts": ratio(alerts - hits, alerts),
        "alerts_per_1000": 1_000 * alerts / n if n else None,
        "auc": _auc(late, good),
        "average_precision": _average_precision(late, good),
        **{
            f"lead_{name}": quantile(m, "lead", q)
            for name, q in (("p10", 0.1), ("median", 0.5), ("p90", 0.9))
        },
        "interval_coverage": ratio(covered, handed),
        "interval_width": m.get("width", 0) / (1_000 * handed) if handed else None,
        "calibration": [group.shown() for group in groups],
        "calibration_error": sum(group.off() for group in groups) / n if n else None,
    }


def _auc(late: Bins, good: Bins) -> float | None:
    """Return P(a late order was given more than another), those of one bin half."""
    yes, no = sum(late.values()), sum(good.values())
    if not yes or not no:
        return None
    below = won = 0  # `won` in halves
    for each in sorted(late.keys() | good.keys()):
        won += late.get(each, 0) * (2 * below + good.get(each, 0))
        below += good.get(each, 0)
    return won / (2 * yes * no)


def _average_precision(late: Bins, good: Bins) -> float | None:
    """Return the mean precision at every late order, a bin at a time from the top."""
    yes = sum(late.values())
    if not yes:
        return None
    hits = seen = 0
    total = 0.0
    for each in sorted(late.keys() | good.keys(), reverse=True):
        hits += late.get(each, 0)
        seen += late.get(each, 0) + good.get(each, 0)
        total += late.get(each, 0) * hits / seen
    return total / yes


class _Group(NamedTuple):
    """Neighbouring bins: predictions, late ones, and the sum of p, in half bins."""

    n: int
    late: int
    total: int

    def shown(self) -> Json:
        return {
            "p": self.total / (2 * BINS * self.n),
            "observed": self.late / self.n,
            "n": self.n,
        }

    def off(self) -> float:
        """Return by how many orders the group was off."""
        return abs(self.total / (2 * BINS) - self.late)


def _calibration(late: Bins, good: Bins) -> Iterator[_Group]:
    """Yield groups of bins, each closed where it reaches a tenth; a bin's p is its middle."""
    n = sum(late.values()) + sum(good.values())
    group, seen = _Group(0, 0, 0), 0
    for each in sorted(late.keys() | good.keys()):
        here = late.get(each, 0) + good.get(each, 0)
        group = _Group(
            group.n + here, group.late + late.get(each, 0), group.total + here * (2 * each + 1)
        )
        before, seen = seen, seen + here
        if seen * GROUPS // n > before * GROUPS // n:
            yield group
            group = _Group(0, 0, 0)
