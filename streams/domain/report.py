"""The KPI report of contract section 3, computed from cells and nothing else.

`R` is a ratio with its Wilson interval of 95 %; quantiles come from sketches and are within
1 % of the order statistic of nearest rank; means are exact sums over counts. Seconds, positive
is late. A section whose feature is not built is absent.
"""

from collections.abc import Callable, Iterable, Mapping
from math import sqrt
from typing import Any

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import EVENTS, Cell, Measures, add
from streams.domain.eta import SNAPSHOTS
from streams.domain.tracking import INSTRUMENTS
from streams.domain.zones import instant

Z = 1.959963984540054  # the normal quantile of 97.5 % (kpis 2.12 F1)

OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")

# Snapshots of the promise: no ETA of the tower's own can stand there.
PROMISED = frozenset({"promise", "promise_window"})

Json = dict[str, Any]


def ratio(k: int, n: int) -> Json:
    """Return k of n with its Wilson score interval of 95 %."""
    if n == 0:
        return {"value": None, "k": k, "n": n, "low": 0.0, "high": 1.0}
    p = k / n
    spread = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    centre, scale = p + Z * Z / (2 * n), 1 + Z * Z / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    # In floating point the interval of 84 of 84 would end a hair below 1.
    return {
        "value": p,
        "k": k,
        "n": n,
        "low": max(0.0, min(low, p)),
        "high": min(1.0, max(high, p)),
    }


def report(
    cells: Mapping[Cell, Measures], events: Mapping[str, int], as_of: Millis, rules: str
) -> Json:
    """Return the whole report; `events` are the counts of reading both inbound topics."""
    forward = {cell: each for cell, each in cells.items() if cell.direction == "forward"}
    returns = [each for cell, each in cells.items() if cell.direction == "return"]
    return {
        "schema": 1,
        "as_of": _text(as_of),
        "rules": rules,
        "events": _events(dict(events), cells.get(EVENTS, {})),
        "total": kpi(_sum(forward.values())),
        "carriers": _by(forward, lambda cell: cell.carrier),
        "by": {
            "service": _by(forward, lambda cell: cell.service),
            "region": _by(forward, lambda cell: cell.region),
        },
        "returns": kpi(_sum(returns)),
    }


def kpi(m: Measures) -> Json:
    """Return the KPI block of some cells' sum."""
    return {
        "orders": m.get("orders", 0),
        "open": m.get("open", 0),
        "overdue": m.get("overdue", 0),
        "ended_silent": m.get("ended_silent", 0),
        "delivery_time": {
            **_delivery_time(m, "frozen"),
            "restated": _delivery_time(m, "restated"),
            "delivered_then_changed": m.get("delivered_then_changed", 0),
        },
        "first_attempt": _first_attempt(m),
        "eta_deviation": _eta(m, "eta"),
        "eta_deviation_by": {"tower": _eta(m, "eta_tower")},
        "promise": {
            "coverage": ratio(m.get("promised", 0), m.get("orders", 0)),
            "changed_by_carrier": m.get("changed_by_carrier", 0),
            "slack_median": _quantile(m, "slack", 0.5),
            "slack_p90": _quantile(m, "slack", 0.9),
        },
        "notices": _notices(m),
        "feedback": _feedback(m),
    }


def _by(cells: Mapping[Cell, Measures], key: Callable[[Cell], str]) -> Json:
    totals: dict[str, Measures] = {}
    for cell, each in cells.items():
        add(totals.setdefault(key(cell), {}), each)
    return {name: kpi(total) for name, total in sorted(totals.items()) if total.get("orders")}


def _sum(parts: Iterable[Measures]) -> Measures:
    total: Measures = {}
    for part in parts:
        add(total, part)
    return total


def _events(read: dict[str, int], folded: Measures) -> Json:
    """Return the counts of reading: the edge's and the fold's together."""
    rejected: dict[str, int] = {}
    for name, count in (*read.items(), *folded.items()):
        if name.startswith("rejected."):
            reason = name.removeprefix("rejected.")
            rejected[reason] = rejected.get(reason, 0) + count
    total = {
        name: read.get(name, 0) + folded.get(name, 0)
        for name in ("read", "accepted", "duplicate", "id_conflict", "unknown_fields")
    }
    return {**total, "rejected": rejected}


def _delivery_time(m: Measures, view: str) -> Json:
    counts = {outcome: m.get(f"{view}.{outcome}", 0) for outcome in OUTCOMES}
    due = sum(counts[outcome] for outcome in ("on_time", "early", "late", "failed"))
    return {
        "due": due,
        **counts,
        "early_days": m.get(f"{view}.early_days", 0),
        "accuracy": ratio(counts["on_time"], due),
        "otd": ratio(counts["on_time"] + counts["early"], due),
    }


def _first_attempt(m: Measures) -> Json:
    prefix = "attempt.reason."
    reasons = {
        name.removeprefix(prefix): count for name, count in m.items() if name.startswith(prefix)
    }
    concluded, succeeded = m.get("attempt.concluded", 0), m.get("attempt.succeeded", 0)
    return {
        "concluded": concluded,
        "succeeded": succeeded,
        "implicit_failures": m.get("attempt.implicit", 0),
        "no_attempt_return": m.get("attempt.no_attempt_return", 0),
        "success": ratio(succeeded, concluded),
        "reasons": reasons,
    }


def _eta(m: Measures, series: str) -> Json:
    return {
        snapshot: _snapshot(m, f"{series}.{snapshot}")
        for snapshot in SNAPSHOTS
        if series == "eta" or snapshot not in PROMISED
    }


def _snapshot(m: Measures, name: str) -> Json:
    n = m.get(f"{name}.n", 0)
    bins = _bins(m, name)
    absolute = sketch.absolute(bins)
    return {
        "n": n,
        "coverage": ratio(n, m.get("handed_over", 0)),
        "median": _seconds(sketch.quantile(bins, 0.5)),
        "mean": m.get(f"{name}.sum", 0) / n / 1_000 if n else None,
        "mae": m.get(f"{name}.abs", 0) / n / 1_000 if n else None,
        "p80_abs": _seconds(sketch.quantile(absolute, 0.8)),
        "p90_abs": _seconds(sketch.quantile(absolute, 0.9)),
        "within_10min": ratio(m.get(f"{name}.within_10min", 0), n),
        "within_15min": ratio(m.get(f"{name}.within_15min", 0), n),
    }


def _notices(m: Measures) -> Json:
    prefix = "notices.suppressed."
    return {
        "requested": m.get("notices.requested", 0),
        "sent": m.get("notices.sent", 0),
        "suppressed": {
            name.removeprefix(prefix): count
            for name, count in m.items()
            if name.startswith(prefix)
        },
        "failed": m.get("notices.failed", 0),
        "waiting": m.get("notices.waiting", 0),
        "duplicates": 0,
    }


def _feedback(m: Measures) -> Json:
    found: Json = {"answered": m.get("feedback.answered", 0)}
    for instrument in INSTRUMENTS:
        name = f"feedback.{instrument}"
        n, total, good = (m.get(f"{name}.{part}", 0) for part in ("n", "sum", "good"))
        mean = total / n if n else None
        match instrument:
            case "csat":
                found[instrument] = {"n": n, "mean": mean, "top2": ratio(good, n)}
            case "ces":
                found[instrument] = {"n": n, "mean": mean, "top3": ratio(good, n)}
            case "nps":
                score = 100 * (good - m.get(f"{name}.bad", 0)) / n if n else None
                found[instrument] = {"n": n, "score": score}
            case _:
                found[instrument] = {"n": n, "mean": mean}
    return found


def _bins(m: Measures, name: str) -> dict[int, int]:
    prefix = f"{name}:"
    return {
        int(key.removeprefix(prefix)): count
        for key, count in m.items()
        if key.startswith(prefix)
    }


def _quantile(m: Measures, name: str, q: float) -> float | None:
    return _seconds(sketch.quantile(_bins(m, name), q))


def _seconds(value: float | None) -> float | None:
    return None if value is None else value / 1_000


def _text(at: Millis) -> str:
    return instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
