"""What an order is judged on in the end: the evidence received by its maturity (kpis 2.12 L2).

When the evidence matures follows from the promise, and the promise from the evidence; so the
first instant is sought at which what had been received before it was mature.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from models.base import Millis
from streams.domain.arrivals import Arrived, by_receipt
from streams.domain.judgement import Judgement
from streams.domain.promises import Resolved
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
    full = _maturity(order.track, promise, order.judgement)
    if promise is not None and order.last_received <= floor:
        return order.track, full
    received = sorted(order.arrivals.values(), key=by_receipt)
    for known in range(1, len(received)):
        now = received[known].received_at
        if now <= floor or now == received[known - 1].received_at:
            continue  # what was received together is judged together
        track = derive(received[:known], order.judgement)
        mature = _maturity(track, effective(track, order.judgement), order.judgement)
        if mature is not None and now > mature:
            return _as_of(order, received, mature), mature
    if full is None:
        return order.track, None
    return _as_of(order, received, full), full


def _no_maturity_before(order: "Order") -> Millis:
    """Return a bound below every maturity any part of the evidence can have."""
    return order.earliest_end - DAY_MS + order.judgement.least_maturity


def _maturity(track: Track, promise: Resolved | None, judgement: Judgement) -> Millis | None:
    return (
        None if promise is None else promise.end + judgement.tolerance(track.carrier).maturity
    )


def _as_of(order: "Order", arrivals: Iterable[Arrived], mature: Millis) -> Track:
    timely = [each for each in arrivals if each.received_at <= mature]
    if len(timely) == len(order.arrivals):
        return order.track
    return derive(timely, order.judgement)
