"""Will it be late: the ETA in force against the promise, and silence.

The first predictor: it believes the ETA in force, and where nobody has touched the parcel
when its promise is near, it says so. Pure, and blind to what comes later.
"""

from typing import NamedTuple

from models.base import Millis
from models.notices import NoticeCause
from streams.domain.eta import in_force
from streams.domain.order import Order
from streams.domain.promises import Resolved, place
from streams.domain.zones import instant, local_day, local_time


class Outlook(NamedTuple):
    """What is expected of an open order now.

    `lateness` is the ETA in force minus the last good moment, milliseconds, positive is late;
    None without an ETA. `silent` says that nobody has touched the parcel though it was time.
    """

    eta: Millis | None
    lateness: Millis | None
    silent: bool

    @property
    def cause(self) -> NoticeCause:
        """Return why a delay is expected."""
        return "silent" if self.eta is None else "eta_after_promise"


def look(order: Order, promise: Resolved, now: Millis) -> Outlook:
    """Return the outlook of an open order with a promise."""
    eta = in_force(order.track, now)
    if eta is not None:
        return Outlook(eta, eta - promise.last_good, silent=False)
    return Outlook(None, None, silent=_untouched(order) and now >= silent_at(order, promise))


def silent_at(order: Order, promise: Resolved) -> Millis:
    """Return from when on silence means a delay: an hour before the end, or local noon."""
    if promise.precision != "date" or order.track.original is None:
        return promise.end - order.judgement.notice_times.silent_before
    tolerance = order.judgement.tolerance(order.track.carrier)
    where = place(order.track.original, order.track.timezone, tolerance)
    noon = order.judgement.notices.silent_date_at
    return local_time(local_day(instant(promise.end - 1), where), noon, where)


def _untouched(order: Order) -> bool:
    return order.track.moved_at is None
