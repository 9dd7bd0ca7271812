"""How often the verdict of an order changed as its events were received (kpis 2.12 L18, L24).

What was known is taken receipt by receipt, until the freeze: what the outcome was when the next
event was received, and what it was then. Before its deadline an order has no outcome.
"""

from typing import TYPE_CHECKING, NamedTuple

from models.base import Millis
from models.events import OrderEvent, Outcome
from streams.domain.arrivals import by_receipt
from streams.domain.promises import Resolved
from streams.domain.tracking import Track, derive
from streams.domain.verdicts import effective, judge

if TYPE_CHECKING:
    from streams.domain.order import Order


class Revised(NamedTuple):
    """The changes so far, and the outcome that was known last (None: there was none)."""

    changes: int = 0
    known: Outcome | None = None

    def then(self, outcome: Outcome | None) -> "Revised":
        """Return what it is once an outcome is known."""
        if outcome is None or outcome == self.known:
            return self
        return Revised(self.changes + (self.known is not None), outcome)


UNKNOWN = Revised()


def outcome_of(track: Track, promise: Resolved | None, clock: Millis) -> Outcome | None:
    """Return the outcome of an order as known at an instant, None before there is one."""
    return judge(track, promise, clock, track.judgement).outcome if track.is_order else None


def revised(order: "Order") -> Revised:
    """Return how the verdict changed up to the last receipt before the freeze, derived anew."""
    so_far, mature = UNKNOWN, order.matures_at
    received = sorted(order.arrivals.values(), key=by_receipt)
    pending = False
    for known in range(1, len(received)):
        before, now = received[known - 1], received[known].received_at
        pending = _is_pending(before.event, pending=pending) and not order.withdrawn
        if now == before.received_at or (pending and now < order.due_no_sooner):
            continue
        if mature is not None and now > mature:
            break
        track = derive(received[:known], order.judgement)
        promise = effective(track, order.judgement)
        so_far = so_far.then(outcome_of(track, promise, now))
    return so_far


def _is_pending(event: OrderEvent, *, pending: bool) -> bool:
    """Tell whether there surely is a promise, which no handover came before."""
    if event.kind == "order_promised":
        return pending or event.promise is not None
    return pending and event.kind != "delivered"
