"""What was expected when: the ETA in force before the handover (kpis 2.5, E1 to E4).

A deviation is handover minus ETA in milliseconds, positive is later than expected. What is
said up to the handover counts; a promise that the consignee changed ends the series before it.
"""

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from models.base import Millis, millis
from streams.domain.estimated import Estimated
from streams.domain.marks import Said
from streams.domain.promises import Resolved
from streams.domain.tracking import Track

HORIZONS: dict[str, Millis] = {
    "t120": 120 * 60_000,
    "t60": 60 * 60_000,
    "t30": 30 * 60_000,
    "t15": 15 * 60_000,
}
SNAPSHOTS = ("promise", "promise_window", "ofd", *HORIZONS, "notified")

# The same horizons by the customer's clock: when the ETA first said that it is so near.
PREDICTED: dict[str, Millis] = {f"{name}_predicted": each for name, each in HORIZONS.items()}


class Snapshot(NamedTuple):
    """What was expected at one instant: `eta`, said so long (`age`) before it.

    `low` and `high` are its range, where it has both; a promise has neither age nor range.
    """

    eta: Millis
    age: Millis = 0
    low: Millis | None = None
    high: Millis | None = None


def deviations(
    track: Track,
    promise: Resolved | None,
    *,
    by_tower: bool = False,
    estimates: Sequence[Estimated] = (),
) -> dict[str, Millis]:
    """Return the deviation of every snapshot there was for an order that was handed over.

    By default of ETAs from outside and of the promise; with `by_tower` of the tower's own,
    `estimates` among them.
    """
    if track.handover is None:
        return {}
    actual = track.handover.at
    found = snapshots(track, promise, actual, by_tower=by_tower, estimates=estimates)
    return {name: actual - each.eta for name, each in found.items()}


def snapshots(
    track: Track,
    promise: Resolved | None,
    actual: Millis,
    *,
    by_tower: bool = False,
    estimates: Sequence[Estimated] = (),
) -> dict[str, Snapshot]:
    """Return every snapshot there was of an order handed over at `actual`."""
    found: dict[str, Snapshot] = {}
    if promise is not None and not by_tower:
        found["promise"] = Snapshot(promise.middle)
        found["promise_window"] = Snapshot(actual - _outside(actual, promise))
    etas = _told(track, estimates) if by_tower else track.etas
    if not etas:
        return found
    after_out = _first_after_out(track, etas, actual, by_tower=by_tower)
    if after_out is not None:
        found["ofd"] = _seen(after_out, after_out[0])
    for name, horizon in HORIZONS.items():
        said = _in_force(track, etas, actual - horizon, by_tower=by_tower)
        if said is not None:
            found[name] = _seen(said, actual - horizon)
    return found


def predicted_out(told: list[Said], actual: Millis) -> dict[str, Snapshot]:
    """Return for every horizon the first ETA that came so near, of a series up to `actual`.

    It did when it was said or later, while it was in force.
    """
    found: dict[str, Snapshot] = {}
    if not told:
        return found
    ends = [*(said[0] for said in told[1:]), actual + 1]
    for name, horizon in PREDICTED.items():
        for said, end in zip(told, ends, strict=True):
            near = max(said[0], said[1] - horizon)
            if near < end:
                found[name] = Snapshot(said[1], near - said[0])  # of no range
                break
    return found


def series(
    track: Track,
    actual: Millis,
    *,
    by_tower: bool = False,
    estimates: Sequence[Estimated] = (),
) -> list[Said]:
    """Return what was said up to `actual` and not dropped by a consignee's change (E3)."""
    since = _last_change(track, actual)
    return [
        said
        for said in (_told(track, estimates) if by_tower else track.etas)
        if said[2] is by_tower and said[0] <= actual and (since is None or said[0] >= since)
    ]


def in_force(track: Track, at: Millis) -> Millis | None:
    """Return the last ETA said from outside up to `at` (E3)."""
    said = _in_force(track, track.etas, at, by_tower=False)
    return None if said is None else said[1]


def range_in_force(track: Track, at: Millis) -> tuple[Millis | None, Millis | None]:
    """Return the range of the ETA in force, Nones where it has none."""
    said = _in_force(track, track.etas, at, by_tower=False)
    seen = None if said is None else _seen(said, at)
    return (None, None) if seen is None else (seen.low, seen.high)


def _told(track: Track, estimates: Sequence[Estimated]) -> list[Said]:
    """Return what the tower told, in events of that name and by couriers' positions."""
    if not estimates:
        return track.etas
    own: list[Said] = [said for said in track.etas if said[2]]
    own += [(each.at, each.eta, True, each) for each in estimates]
    return sorted(own, key=itemgetter(0, 1))


def _in_force(track: Track, etas: Sequence[Said], at: Millis, *, by_tower: bool) -> Said | None:
    changed = _last_change(track, at) if track.consignee else None
    for said in reversed(etas):
        if said[0] > at or said[2] is not by_tower:
            continue
        return said if changed is None or said[0] >= changed else None
    return None


def _last_change(track: Track, until: Millis) -> Millis | None:
    """Return when the consignee last changed the promise up to an instant."""
    return max((wish.at for wish in track.consignee if wish.at <= until), default=None)


def _first_after_out(
    track: Track, etas: Sequence[Said], actual: Millis, *, by_tower: bool
) -> Said | None:
    out_at = track.out_at
    if out_at is None:
        return None
    for said in etas:
        if out_at <= said[0] <= actual and said[2] is by_tower:
            return said
    return None


def _seen(said: Said, at: Millis) -> Snapshot:
    """Return an ETA as it stood at an instant."""
    said_at, eta, _, event = said
    if isinstance(event, Estimated):
        return Snapshot(eta, at - said_at, event.low, event.high)
    low, high = event.eta_low, event.eta_high
    if low is None or high is None:
        return Snapshot(eta, at - said_at)
    return Snapshot(eta, at - said_at, millis(low), millis(high))


def _outside(actual: Millis, promise: Resolved) -> Millis:
    """Return the distance to the promised window, 0 inside."""
    start = promise.end if promise.start is None else promise.start
    if actual < start:
        return actual - start
    return max(actual - promise.end, 0)
