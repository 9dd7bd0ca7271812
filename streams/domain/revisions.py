"""How often the verdict of an order changed as its events were received (kpis 2.12 L18, L24).

What was known is taken receipt by receipt, until the freeze: the outcome that had fallen due
when the next event was received, and the one after it. What had not fallen due was no outcome.
"""

from typing import TYPE_CHECKING, NamedTuple

from models.base import Millis
from models.events import Outcome
from streams.domain.arrivals import by_receipt
from streams.domain.promises import Resolved
from streams.domain.tracking import Track, derive
from streams.domain.verdicts import effective, judge

if TYPE_CHECKING:
    from streams.domain.order import Order


class Revised(NamedTuple):
    """The changes so far, and the outcome that was known last (None: none had fallen due)."""

    changes: int = 0
    known: Outcome | None = None

    def then(self, outcome: Outcome | None) -> "Revised":
        """Return what it is once an outcome is known."""
        if outcome is None or outcome == self.known:
            return self
        return Revised(self.changes + (self.known is not None), outcome)


NEVER_DUE = Revised()


def due(track: Track, promise: Resolved | None, clock: Millis) -> Outcome | None:
    """Return the outcome that had fallen due at an instant; without a promise none does."""
    if promise is None or clock < promise.late_from:
        return None
    return judge(track, promise, clock, track.judgement).outcome


def revised(order: "Order") -> Revised:
    """Return how the verdict changed up to the last receipt before the freeze, derived anew."""
    so_far, mature = NEVER_DUE, order.matures_at
    received = sorted(order.arrivals.values(), key=by_receipt)
    for known in range(1, len(received)):
        now = received[known].received_at
        if now < order.due_no_sooner or now == received[known - 1].received_at:
            continue
        if mature is not None and now > mature:
            break
        track = derive(received[:known], order.judgement)
        so_far = so_far.then(due(track, effective(track, order.judgement), now))
    return so_far
