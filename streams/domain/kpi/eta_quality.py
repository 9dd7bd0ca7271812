"""ETAs as a whole: how good for how far off they were, and how steady (kpis 2.5).

Every ETA from outside that the handover could be held against is one sample, in the bucket of
its time to the handover: the nearer, the less it may be off, and early less than late.
"""

from bisect import bisect_left
from itertools import pairwise
from typing import NamedTuple

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.eta import series
from streams.domain.kpi.figures import Json, ratio
from streams.domain.marks import Said
from streams.domain.tracking import Track
from streams.domain.zones import MINUTE_MS


class Bucket(NamedTuple):
    """Times to the handover up to `until` (None: any) and how far off is good, milliseconds."""

    name: str
    until: Millis | None
    early: Millis
    late: Millis


BUCKETS = (
    Bucket("to_15min", 15 * MINUTE_MS, 3 * MINUTE_MS, 5 * MINUTE_MS),
    Bucket("to_30min", 30 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS),
    Bucket("to_60min", 60 * MINUTE_MS, 10 * MINUTE_MS, 15 * MINUTE_MS),
    Bucket("to_120min", 120 * MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS),
    Bucket("beyond", None, 30 * MINUTE_MS, 60 * MINUTE_MS),
)
_UNTIL = [bucket.until for bucket in BUCKETS if bucket.until is not None]

JUMP_MS = 10 * MINUTE_MS


def count(measures: Measures, track: Track, actual: Millis) -> None:
    """Add what was said before a handover at `actual`: how good, and how it wandered."""
    told = series(track, actual)
    if not told:
        return
    measures["told.orders"] = 1
    for said_at, eta, _, _ in told:
        bucket = BUCKETS[bisect_left(_UNTIL, actual - said_at)]
        good = -bucket.early <= actual - eta <= bucket.late
        name = f"told.{bucket.name}.{'good' if good else 'bad'}"
        measures[name] = measures.get(name, 0) + 1
    _wander(measures, told, track.out_at)


def _wander(measures: Measures, told: list[Said], out_at: Millis | None) -> None:
    """Add how far the ETA went in all, how far in the end, and its jumps once on the way."""
    moved = jumps = 0
    for (_, before, *_), (said_at, eta, *_) in pairwise(told):
        step = abs(eta - before)
        moved += step
        jumps += step > JUMP_MS and out_at is not None and said_at >= out_at
    net = abs(told[-1][1] - told[0][1])
    for name, value in (("moved", moved), ("net", net), ("jumps", jumps)):
        if value:
            measures[f"told.{name}"] = value


def count_open(measures: Measures, track: Track) -> None:
    """Add an order whose ETA met a failed attempt and no handover: it is held to none."""
    failed_at = track.attempts.visits[0].at
    if any(not said[2] and said[0] <= failed_at for said in track.etas):
        measures["told.censored"] = 1


def block(m: Measures) -> Json:
    """Return the section `eta_quality`."""
    buckets = {bucket.name: _share(m, bucket.name) for bucket in BUCKETS}
    shares = [each["value"] for each in buckets.values() if each["n"]]
    orders, net = m.get("told.orders", 0), m.get("told.net", 0)
    return {
        "n": orders,
        "censored": m.get("told.censored", 0),
        "score": sum(shares) / len(shares) if shares else None,
        "buckets": buckets,
        "churn": m.get("told.moved", 0) / net if net else None,
        "jumps_per_delivery": m.get("told.jumps", 0) / orders if orders else None,
    }


def _share(m: Measures, bucket: str) -> Json:
    good = m.get(f"told.{bucket}.good", 0)
    return ratio(good, good + m.get(f"told.{bucket}.bad", 0))
