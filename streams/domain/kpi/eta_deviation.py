"""How far ETAs were off, snapshot by snapshot (kpis 2.5, 2.12 E1 to E4).

Distances are kept twice: in the sketch for the quantiles, and in a band between the limits that
shares are asked for, which is exact. The sums of what was late and of what was early give the
mean and the mean of absolute values.
"""

from bisect import bisect_left

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import Measures
from streams.domain.eta import (
    HORIZONS,
    PREDICTED,
    SNAPSHOTS,
    Snapshot,
    predicted_out,
    series,
    snapshots,
)
from streams.domain.kpi.figures import Json, bins, ratio, seconds
from streams.domain.order import Order

# Band k holds distances up to LIMITS[k - 1], the last one the rest; of early ones it is -k.
LIMITS: tuple[Millis, ...] = (300_000, 600_000, 900_000, 1_800_000)
WITHIN = {"within_5min": 1, "within_10min": 2, "within_15min": 3, "within_30min": 4}
BEYOND_15MIN = (4, 5)
BANDS = (*range(-5, 0), *range(1, 6))

STALE_MS = 15 * 60_000

# Snapshots of the promise: no ETA of the tower's own can stand there.
PROMISED = frozenset({"promise", "promise_window"})
AGING = frozenset({*HORIZONS, *PREDICTED})  # what is in force then may be old
RANGED = frozenset({"ofd", *HORIZONS})  # where ranges are held against the handover

# How the measures of a snapshot are called: short, for every row carries them.
_SHORT = {name: f"p{each // 60_000}" for name, each in PREDICTED.items()}
_NAMES = {
    (which, snapshot): f"{which}.{_SHORT.get(snapshot, snapshot)}"
    for which in ("eta", "eta_tower")
    for snapshot in (*SNAPSHOTS, *PREDICTED)
}


def count(
    measures: Measures, order: Order, actual: Millis, accepted_eta: Millis | None
) -> None:
    """Add the deviations of an order that was handed over at `actual`.

    `accepted_eta` is the one in the last notice that was sent.
    """
    for which, by_tower in (("eta", False), ("eta_tower", True)):
        estimates = order.estimates if by_tower else ()
        if by_tower and not estimates and not any(said[2] for said in order.track.etas):
            continue
        found = snapshots(
            order.track, order.promise, actual, by_tower=by_tower, estimates=estimates
        )
        if order.track.etas or estimates:
            told = series(order.track, actual, by_tower=by_tower, estimates=estimates)
            found |= predicted_out(told, actual)
        if accepted_eta is not None and not by_tower:
            found["notified"] = Snapshot(accepted_eta)
        for snapshot, seen in found.items():
            name = _NAMES[which, snapshot]
            _count(measures, name, actual, seen)
            if seen.low is not None and seen.high is not None and snapshot in RANGED:
                _range(measures, name, actual, seen.low, seen.high)


def _count(measures: Measures, name: str, actual: Millis, seen: Snapshot) -> None:
    deviation = actual - seen.eta
    band = bisect_left(LIMITS, abs(deviation)) + 1
    measures[f"{name}:{sketch.bin_of(deviation)}"] = 1
    if deviation < 0:
        measures[f"{name}.band:-{band}"] = 1
        measures[f"{name}.early"] = -deviation
    else:
        measures[f"{name}.band:{band}"] = 1
        if deviation:
            measures[f"{name}.late"] = deviation
    if seen.age > STALE_MS:
        measures[f"{name}.stale"] = 1


def _range(measures: Measures, name: str, actual: Millis, low: Millis, high: Millis) -> None:
    """Add a range: whether it held the handover, how wide it is, and by how much it missed."""
    if high > low:
        measures[f"{name}.width"] = high - low
    missed = max(low - actual, actual - high)
    if missed > 0:
        measures[f"{name}.out"], measures[f"{name}.missed"] = 1, missed
    else:
        measures[f"{name}.in"] = 1


def block(m: Measures, which: str) -> Json:
    """Return a section of deviations: `eta` of ETAs from outside, `eta_tower` of our own."""
    return {
        snapshot: _snapshot(m, _NAMES[which, snapshot], snapshot)
        for snapshot in (*SNAPSHOTS, *PREDICTED)
        if which == "eta" or snapshot not in PROMISED
    }


def _snapshot(m: Measures, name: str, snapshot: str) -> Json:
    signed = bins(m, name)
    absolute = sketch.absolute(signed)
    bands = {band: m.get(f"{name}.band:{band}", 0) for band in BANDS}
    n = sum(bands.values())
    early, late = m.get(f"{name}.early", 0), m.get(f"{name}.late", 0)
    found = {
        "n": n,
        "coverage": ratio(n, m.get("handed_over", 0)),
        "median": seconds(sketch.quantile(signed, 0.5)),
        "mean": (late - early) / n / 1_000 if n else None,
        "mae": (late + early) / n / 1_000 if n else None,
        **{
            f"p{percent}_abs": seconds(sketch.quantile(absolute, percent / 100))
            for percent in (50, 80, 90, 95)
        },
        **{
            within: ratio(sum(bands[k] + bands[-k] for k in range(1, last + 1)), n)
            for within, last in WITHIN.items()
        },
        "earlier_than_15min": ratio(sum(bands[-k] for k in BEYOND_15MIN), n),
        "later_than_15min": ratio(sum(bands[k] for k in BEYOND_15MIN), n),
    }
    if snapshot in AGING:
        found["stale"] = m.get(f"{name}.stale", 0)
    if snapshot in RANGED:
        found["range"] = _ranges(m, name)
    return found


def _ranges(m: Measures, name: str) -> Json:
    """Return how good ranges were; `pinball` is the mean loss at P10 and P90 together.

    The loss of a quantile q is q times the distance by which the handover came after it, 1 - q
    times that by which it came before: of a range a tenth of its width, and all it missed by.
    """
    inside, width, missed = (m.get(f"{name}.{each}", 0) for each in ("in", "width", "missed"))
    n = inside + m.get(f"{name}.out", 0)
    return {
        "n": n,
        "coverage": ratio(inside, n),
        "width": width / n / 1_000 if n else None,
        "pinball": (width + 10 * missed) / n / 10_000 if n else None,
    }
