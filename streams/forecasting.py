"""Predictions of the orders of one inbox partition: made, remembered, and told the learner.

An order is predicted once at each horizon while it is open, by the newest model at hand; its
row remembers it. Once the order is over the learner gets a label with all that was predicted,
under an origin by which a label sent twice is known.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from models.base import Millis
from streams import topics
from streams.clocks import origin_header
from streams.domain.forecast.learner import Said
from streams.domain.order import NEVER, Order
from streams.domain.promises import Resolved
from streams.domain.row import Closed, Row
from streams.domain.scoring.horizons import moment, next_horizon, reached
from streams.domain.scoring.labels import Attempted, Ended, Label, Reached, encode
from streams.domain.scoring.model import Model
from streams.domain.scoring.said import (
    MICRO,
    Foreseen,
    differing,
    stored,
    stored_attempt,
)
from streams.domain.scoring.scores import LATENESS
from streams.domain.verdicts import judge
from streams.domain.zones import instant_text
from streams.engine.api import Outputs

THRESHOLD = MICRO // 2  # P(late) from which on a delay is predicted: more likely than not

TOLD_BARS = (0, 600, 840)  # seconds after the promise that the file of predictions speaks of

Json = dict[str, Any]
Made = Callable[[str, Said, Foreseen], None]


class Forecasting:
    """The predictions of one partition; `models` returns the newest model at hand.

    `made` hears of every prediction: order, what was said, and all that is remembered. With
    `customers` off no id of a customer is learnt from, as none may outlive their erasure.
    """

    def __init__(
        self,
        partition: int,
        models: Callable[[], Model],
        made: Made | None = None,
        *,
        customers: bool = False,
    ) -> None:
        self._upstream = f"orders/{partition}"
        self._models = models
        self._made = made
        self._customers = customers
        self._last: tuple[int, int] = (-1, 0)

    def due_before(self, row: Row, received_at: Millis) -> Millis | None:
        """Return when an order is to be predicted before it takes an event, None if not."""
        foreseen = row.told.foreseen
        if foreseen is None or foreseen.next_at > received_at or row.order is None:
            return None
        return foreseen.next_at if row.order.track.open else None

    def look(self, key: bytes, row: Row, at: Millis, offset: int, out: Outputs) -> None:
        """Take an order as it stands: predict what it has reached, tell how it ended."""
        order, foreseen = row.order, row.told.foreseen
        if foreseen is not None:
            foreseen.next_at = NEVER
        if order is None or not order.track.is_order:
            return
        is_open = order.track.open
        if foreseen is None:
            if order.promise is None or not is_open:
                return
            foreseen = row.told.foreseen = Foreseen(at, order.track.carrier, NEVER)
        tell = partial(self._tell, offset, out)
        if is_open and order.promise is not None:
            self._predict(key, order, order.promise, at, foreseen, tell)
        if foreseen.attempt is not None and order.track.attempts.visits:
            failed = not order.track.attempts.visits[0].succeeded
            tell(Attempted(foreseen.attempt, failed))
            foreseen.attempt = None
        if not is_open and not foreseen.learnt:
            tell(_ended(key, order, foreseen, at))

    def closed(self, key: bytes, settled: Closed, offset: int, out: Outputs) -> None:
        """Tell of an order whose life ended in silence: it is known no better than now."""
        foreseen = settled.told.foreseen
        if foreseen is not None and not foreseen.learnt:
            self._tell(offset, out, _ended(key, settled.order, foreseen, settled.at))

    # -- predicting ------------------------------------------------------------------------

    def _predict(
        self, key: bytes, order: Order, promise: Resolved, at: Millis, foreseen: Foreseen,
        tell: Callable[[Label], None],
    ) -> None:  # fmt: skip
        said = foreseen.said
        for horizon in list(reached(order, promise, said, foreseen.began, at)):
            now = moment(order, promise, horizon, at)
            if not self._customers:
                now = replace(now, customer=None)
            created = not said
            tell(Reached(differing(now, None), created))
            model = self._models()
            view, found = model.foresee(now, promise.late_from, THRESHOLD)
            if created:
                attempt = model.attempts.foresee(now)
                foreseen.attempt = stored_attempt(attempt)
                foreseen.attempt_fails = round(MICRO * attempt.p)
            if not foreseen.learnt:
                first = next(iter(foreseen.stored.values()), None)
                common = None if first is None else first.moment
                foreseen.stored[horizon] = stored(view, common)
            said[horizon] = found
            if self._made is not None:
                self._made(key.decode(), view, foreseen)
        foreseen.next_at = next_horizon(promise, said, at)

    def _tell(self, offset: int, out: Outputs, label: Label) -> None:
        last, index = self._last
        self._last = offset, index + 1 if offset == last else 0
        origin = origin_header(self._upstream, *self._last)
        out.send(topics.TRAINING, origin, encode(label), (("origin", origin),), partition=0)


def _ended(key: bytes, order: Order, foreseen: Foreseen, at: Millis) -> Ended:
    """Return the label of an order that is over, and forget what only the label needs."""
    promise, handover = order.promise, order.track.handover
    stored_all, foreseen.stored, foreseen.learnt = tuple(foreseen.stored.values()), {}, True
    return Ended(
        order_id=key.decode(),
        carrier=foreseen.carrier,
        service=order.track.service or "unknown",
        at=at,
        late=lateness(order, promise),
        handed_at=None if handover is None else handover.at,
        stored=stored_all,
        judged=tuple(
            (horizon, said.p if said.learnt is None else said.learnt, said.base)
            for horizon, said in foreseen.said.items()
            if promise is not None
            and said.deadline == promise.late_from
            and said.at < said.deadline
        ),
    )


def lateness(order: Order, promise: Resolved | None) -> bool | None:
    """Tell whether an order that is over is late or failed; None: nobody can say."""
    if promise is None:
        return None
    outcome = judge(order.track, promise, NEVER, order.judgement).outcome
    return LATENESS.get(outcome or "")


def line(order_id: str, said: Said, foreseen: Foreseen) -> Json:
    """Return a prediction as the file of predictions has it (contract, section 2)."""
    now, forecast = said.view.moment, said.forecast
    found = {
        "order_id": order_id,
        "horizon": now.stage,
        "predicted_at": instant_text(now.at),
        "p10": round(forecast.p10, 3),
        "p50": round(forecast.p50, 3),
        "p90": round(forecast.p90, 3),
        "late": {str(bar): round(forecast.late[bar], 6) for bar in TOLD_BARS},
    }
    if now.stage == "created" and foreseen.attempt_fails is not None:
        found["attempt_fails"] = foreseen.attempt_fails / MICRO
    return found
