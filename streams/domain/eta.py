"""How far ETAs were off: what was in force before the handover (kpis 2.5, E1 to E4).

A deviation is handover minus ETA in milliseconds, positive is later than expected.
"""

from models.base import Millis
from streams.domain.promises import Resolved
from streams.domain.tracking import Track

HORIZONS: dict[str, Millis] = {
    "t120": 120 * 60_000,
    "t60": 60 * 60_000,
    "t30": 30 * 60_000,
    "t15": 15 * 60_000,
}

SNAPSHOTS = ("promise", "promise_window", "ofd", *HORIZONS, "notified")


def deviations(
    track: Track, promise: Resolved | None, *, by_tower: bool = False
) -> dict[str, Millis]:
    """Return the deviation of every snapshot there was for an order that was handed over.

    By default of ETAs from outside and of the promise; with `by_tower` of the tower's own.
    """
    if track.handover is None:
        return {}
    actual = track.handover.at
    found: dict[str, Millis] = {}
    if promise is not None and not by_tower:
        found["promise"] = actual - promise.middle
        found["promise_window"] = _outside(actual, promise)
    if not track.etas:
        return found
    after_out = _first_after_out(track, actual, by_tower=by_tower)
    if after_out is not None:
        found["ofd"] = actual - after_out
    for name, horizon in HORIZONS.items():
        eta = in_force(track, actual - horizon, by_tower=by_tower)
        if eta is not None:
            found[name] = actual - eta
    return found


def in_force(track: Track, at: Millis, *, by_tower: bool = False) -> Millis | None:
    """Return the last ETA said up to `at`; a consignee's change drops those before it (E3)."""
    changed = None
    if track.consignee:
        changed = max((wish.at for wish in track.consignee if wish.at <= at), default=None)
    for said_at, eta, tower in reversed(track.etas):
        if said_at > at or tower is not by_tower:
            continue
        return eta if changed is None or said_at >= changed else None
    return None


def _first_after_out(track: Track, actual: Millis, *, by_tower: bool) -> Millis | None:
    out_at = track.out_at
    if out_at is None:
        return None
    for said_at, eta, tower in track.etas:
        if out_at <= said_at <= actual and tower is by_tower:
            return eta
    return None


def _outside(actual: Millis, promise: Resolved) -> Millis:
    """Return the distance to the promised window, 0 inside."""
    start = promise.end if promise.start is None else promise.start
    if actual < start:
        return actual - start
    return max(actual - promise.end, 0)
