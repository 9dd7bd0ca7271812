"""Does a customer order again: repeat orders after each experience (kpis 2.12 L20).

An experience is what the frozen verdict says of an order that ended: on time, failed, or late,
warned of it or not. The first such order of each customer counts for each experience, and of
the customer's other orders those promised in the window (end, end + N days].
"""

from collections.abc import Iterator, Sequence

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.parcels import Parcel
from streams.domain.zones import DAY_MS

EXPERIENCES = ("on_time", "late_warned", "late_unwarned", "failed")
WINDOWS: dict[str, Millis] = {"30d": 30 * DAY_MS, "90d": 90 * DAY_MS}
LONGEST = "90d"


def count(parcels: Sequence[Parcel], clock: Millis) -> Measures:
    """Return what the orders of one customer count as of a clock."""
    orders = [each for each in parcels if each.here]
    firsts: dict[str, tuple[Millis, Parcel]] = {}
    for each in orders:
        name = experience(each, clock)
        if name is None or each.ended is None:
            continue
        known = firsts.get(name)
        if known is None or _order(each.ended, each) < _order(*known):
            firsts[name] = each.ended, each
    measures: Measures = {}
    for name, (ended, first) in firsts.items():
        measures[f"{name}.customers"] = 1
        again = _promised_after(ended, first, orders)
        for window, length in WINDOWS.items():
            if clock < ended + length:
                continue
            measures[f"{name}.{window}.observed"] = 1
            if again is not None and (again.placed or 0) <= ended + length:
                measures[f"{name}.{window}.again"] = 1
                if window == LONGEST:
                    measures |= _values(name, first, again)
    return measures


def experience(parcel: Parcel, clock: Millis) -> str | None:
    """Return what a customer went through with an order, None without a group for it.

    Early, excluded and indeterminate orders are in none, and what has not ended has no end.
    """
    if parcel.ended is None or not parcel.judged(clock):
        return None
    if parcel.outcome == "late":
        return "late_warned" if parcel.warned else "late_unwarned"
    return parcel.outcome if parcel.outcome in EXPERIENCES else None


def instants(parcel: Parcel) -> Iterator[Millis]:
    """Yield when the count of a customer may change though nothing is received."""
    if parcel.due is not None:
        yield parcel.due
    if parcel.ended is not None:
        for length in WINDOWS.values():
            yield parcel.ended + length


def _order(ended: Millis, parcel: Parcel) -> tuple[Millis, str, int]:
    return ended, parcel.order_id, parcel.life


def _promised_after(ended: Millis, first: Parcel, orders: Sequence[Parcel]) -> Parcel | None:
    """Return the next order the customer was promised after an end, None without one."""
    later = [
        (each.placed, each.order_id, each)
        for each in orders
        if each is not first and each.placed is not None and each.placed > ended
    ]
    return min(later, key=lambda each: each[:2])[2] if later else None


def _values(name: str, first: Parcel, again: Parcel) -> Measures:
    """Return both orders' values, where they are of one currency."""
    before, after = first.amount, again.amount
    if before is None or after is None or first.currency != again.currency:
        return {}
    place = f"{name}.value.{first.currency}"
    return {f"{place}.n": 1, f"{place}.before": before, f"{place}.after": after}
