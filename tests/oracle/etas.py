"""How far ETAs were off (kpis 2.5, E1 to E4)."""

from tests.oracle.order import Order
from tests.oracle.times import FAR_PAST, MINUTE, instant

HORIZONS = {f"t{minutes}": minutes * MINUTE for minutes in (120, 60, 30, 15)}
SNAPSHOTS = ("promise", "promise_window", "ofd", *HORIZONS)


def deviations(order: Order, *, by_tower: bool = False) -> dict[str, float]:
    """Return handover minus the ETA of every snapshot there is, milliseconds."""
    if order.handover is None:
        return {}
    key = order.handover[0]
    found: dict[str, float] = {}
    due = order.effective
    if due and not by_tower:
        found["promise"] = key[0] - due.middle
        start = due.end if due.start is None or due.precision == "instant" else due.start
        found["promise_window"] = min(key[0] - start, 0) or max(key[0] - due.end, 0)
    etas = _said(order, by_tower=by_tower)
    out = [
        other[0]
        for other, event in order.heard
        if other < key and event["kind"] == "out_for_delivery"
    ]
    shown = [eta for at, eta in etas if out and out[-1] <= at <= key[0]]
    if shown:
        found["ofd"] = key[0] - shown[0]
    for name, (_, eta) in in_force(order, by_tower=by_tower).items():
        found[name] = key[0] - eta
    return found


def stale(order: Order, *, by_tower: bool = False) -> list[str]:
    """Return the horizons whose ETA had been said more than 15 minutes before."""
    if order.handover is None:
        return []
    actual = order.handover[0][0]
    return [
        name
        for name, (at, _) in in_force(order, by_tower=by_tower).items()
        if actual - HORIZONS[name] - at > 15 * MINUTE
    ]


def in_force(order: Order, *, by_tower: bool) -> dict[str, tuple[int, int]]:
    """Return (when it was said, ETA) for each horizon before the handover that has one (E3)."""
    assert order.handover
    found: dict[str, tuple[int, int]] = {}
    wishes = _wishes(order)
    for name, before in HORIZONS.items():
        until = order.handover[0][0] - before
        since = max((at for at in wishes if at <= until), default=FAR_PAST)
        said = [each for each in _said(order, by_tower=by_tower) if since <= each[0] <= until]
        if said:
            found[name] = said[-1]
    return found


def _said(order: Order, *, by_tower: bool) -> list[tuple[int, int]]:
    """Return all ETAs from outside, or the tower's own: when said, and what."""
    return [
        (key[0], instant(event["eta"]))
        for key, event in order.events
        if event["kind"] == "eta_updated" and (event["by"] == "tower") is by_tower
    ]


def _wishes(order: Order) -> list[int]:
    """Return when the consignee moved the promise; the ETAs before it are void (E3)."""
    return [
        key[0]
        for key, event in order.heard
        if event["kind"] == "promise_changed" and event["by"] == "consignee"
    ]
