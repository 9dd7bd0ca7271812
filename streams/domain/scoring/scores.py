"""What became of predictions: one score an order and horizon (kpis 2.7, 2.12 E5).

An order is scored once it is due, by its frozen verdict. A prediction made when the order was
late already is no prediction, and one of a promise that the customer changed since is not
scored but counted.
"""

from typing import NamedTuple

from models.base import Millis
from streams.domain.order import Order
from streams.domain.scoring.said import Foreseen, Prediction
from streams.domain.verdicts import judge

LATENESS = {"on_time": False, "early": False, "late": True, "failed": True}


class Score(NamedTuple):
    """A prediction and what became of it; `moved`: the promise it was about was changed.

    `lead` (ms) is from the first alert of the order, at any horizon, to the deadline; None
    unless this one is an alert and the order was late.
    """

    horizon: str
    said: Prediction
    late: bool
    intervened: bool
    moved: bool
    handed_at: Millis | None
    lead: Millis | None

    @property
    def alert(self) -> bool:
        """Whether a delay was predicted."""
        return self.said.p >= self.said.threshold


def scores(order: Order, foreseen: Foreseen, clock: Millis) -> list[Score]:
    """Return the scores of an order as of a clock; none before it is due, or excluded."""
    frozen, promise = order.frozen, order.frozen_promise
    outcome = judge(frozen, promise, clock, order.judgement).outcome
    late = LATENESS.get(outcome or "")
    if promise is None or late is None:
        return []
    deadline = promise.late_from
    handed_at = None if frozen.handover is None else frozen.handover.at
    intervened = any(each.event.kind == "intervention_made" for each in order.standing())
    found: list[Score] = []
    first_alert: Millis | None = None
    for horizon, said in foreseen.said.items():
        moved = said.deadline != deadline
        if said.at >= said.deadline or (moved and said.at >= deadline):
            continue
        lead: Millis | None = None
        if said.p >= said.threshold and not moved:
            first_alert = said.at if first_alert is None else first_alert
            lead = deadline - first_alert if late else None
        found.append(Score(horizon, said, late, intervened, moved, handed_at, lead))
    return found
