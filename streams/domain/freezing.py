"""What an order is judged on in the end: the evidence received by its maturity (kpis 2.12 L2).

When the evidence matures follows from the promise, and the promise from the evidence; so the
first instant is sought at which what had been received before it was mature.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from models.base import Millis
from streams.domain.arrivals import Arrived, by_receipt
from streams.domain.tracking import Track, derive
from streams.domain.verdicts import effective
from streams.domain.zones import DAY_MS

if TYPE_CHECKING:
    from streams.domain.order import Order


def freeze(order: "Order") -> tuple[Track, Millis | None]:
    """Return the track as of maturity, and maturity: the last instant whose receipts count.

    The track is the order's own where nothing was received later; without a promise there is
    no maturity.
    """
    promise, floor = order.promise, _no_maturity_before(order)
    full = None
    if promise is not None:
        full = promise.end + order.judgement.tolerance(order.track.carrier).maturity
        if order.last_received <= floor:
            return order.track, full
    received = sorted(order.arrivals.values(), key=by_receipt)
    for known in range(1, len(received)):
        now = received[known].received_at
        if now <= floor or now == received[known - 1].received_at:
            continue  # what was received together is judged together
        mature = _maturity(order, received[:known])
        if mature is not None and now > mature:
            return _as_of(order, received, mature), mature
    if full is None:
        return order.track, None
    return _as_of(order, received, full), full


def _no_maturity_before(order: "Order") -> Millis:
    """Return a bound below every maturity any part of the evidence can have."""
    return order.earliest_end - DAY_MS + order.judgement.least_maturity


def _maturity(order: "Order", arrivals: list[Arrived]) -> Millis | None:
    track = derive(arrivals, order.judgement)
    promise = effective(track, order.judgement)
    if promise is None:
        return None
    return promise.end + order.judgement.tolerance(track.carrier).maturity


def _as_of(order: "Order", arrivals: Iterable[Arrived], mature: Millis) -> Track:
    timely = [each for each in arrivals if each.received_at <= mature]
    if len(timely) == len(order.arrivals):
        return order.track
    return derive(timely, order.judgement)
