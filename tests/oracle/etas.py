"""How far ETAs were off (kpis 2.5, E1 to E4)."""

from tests.oracle.events import name_of
from tests.oracle.order import Order
from tests.oracle.times import FAR_PAST, MINUTE, instant

SNAPSHOTS = ("promise", "promise_window", "ofd", "t120", "t60", "t30", "t15")


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
    etas = [
        (other[0], event)
        for other, event in order.events
        if event["kind"] == "eta_updated" and (event["by"] == "tower") is by_tower
    ]
    out = [
        other[0]
        for other, event in order.events
        if other < key
        and name_of(event) not in order.silenced
        and event["kind"] == "out_for_delivery"
    ]
    shown = [eta for at, eta in etas if out and out[-1] <= at <= key[0]]
    if shown:
        found["ofd"] = key[0] - instant(shown[0]["eta"])
    for minutes in (120, 60, 30, 15):
        until = key[0] - minutes * MINUTE
        since = max((at for at in _wishes(order) if at <= until), default=FAR_PAST)
        in_force = [eta for at, eta in etas if since <= at <= until]
        if in_force:
            found[f"t{minutes}"] = key[0] - instant(in_force[-1]["eta"])
    return found


def _wishes(order: Order) -> list[int]:
    """Return when the consignee moved the promise; the ETAs before it are void (E3)."""
    return [
        key[0]
        for key, event in order.heard
        if event["kind"] == "promise_changed" and event["by"] == "consignee"
    ]
