"""Predictions of a replay: each frozen at its horizon and learnt from later.

Horizons (kpis 2.12 E5): `created`, `picked_up` and `ofd` when an order gets there; `d7200` of a
promised day, `d120`, `d60` and `d30` so many minutes before the promise ends, if it was made by
then. An order is predicted once at each while it is open, and learnt from once it is handed
over; how its first attempt ends is predicted when it is created.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from models.base import Millis
from streams.deadlines import Deadlines
from streams.domain.eta import in_force
from streams.domain.forecast.attempts import AttemptLearner, AttemptSaid
from streams.domain.forecast.learner import Learner, Said
from streams.domain.forecast.moment import Moment
from streams.domain.geo import metres_between
from streams.domain.order import NEVER, Order
from streams.domain.promises import Resolved
from streams.domain.zones import MINUTE_MS, instant_text
from streams.orderrows import OrderRows

# Minutes before the end of the promise; the first for promised days only.
BEFORE: dict[str, Millis] = {
    "d7200": 7_200 * MINUTE_MS,
    "d120": 120 * MINUTE_MS,
    "d60": 60 * MINUTE_MS,
    "d30": 30 * MINUTE_MS,
}
DAYS_ONLY = "d7200"
TOLD_BARS = (0, 600, 840)  # seconds after the promise that the file of predictions speaks of

Json = dict[str, Any]


@dataclass(slots=True)
class _Followed:
    """One life of an order: what was predicted of it, and whether it was learnt from.

    `carrier` is whose it was when it began: an earlier promise that comes late may name
    another.
    """

    life: int
    carrier: str
    began: Millis
    said: dict[str, Said] = field(default_factory=dict[str, Said])
    attempt: AttemptSaid | None = None
    open: bool = True


class Forecasting:
    """Follows the orders of a replay, whose `rows` are by id in UTF-8.

    `frozen` are its predictions in the order made.
    """

    def __init__(self, rows: OrderRows) -> None:
        self._rows = rows
        self.learner = Learner()
        self.attempts = AttemptLearner()
        self.frozen: list[Json] = []
        self._followed: dict[bytes, _Followed] = {}
        self._due = Deadlines()

    def pass_until(self, clock: Millis) -> None:
        """Predict what falls due, as orders stand before anything of `clock` is taken."""
        for at, key in self._due.pass_until(clock):
            self.look(key, at)

    def look(self, key: bytes, at: Millis) -> None:
        """Take an order as it stands: predict what it has reached, learn how it ended."""
        row = self._rows.get(key)
        order = row.order
        if order is None or not order.track.is_order:
            return
        followed = self._followed.get(key)
        if followed is None or followed.life != row.ledger.life:
            if order.promise is None or not order.track.open:
                return
            followed = self._followed[key] = _Followed(row.ledger.life, order.track.carrier, at)
            self.learner.opened(followed.carrier)
        if order.track.open:
            self._predict(key, order, followed, at)
        self._learn(order, followed, at)

    # -- predicting ------------------------------------------------------------------------

    def _predict(self, key: bytes, order: Order, followed: _Followed, at: Millis) -> None:
        promise = order.promise
        if promise is None:
            return
        for horizon in _reached(order, promise, followed, at):
            if horizon not in followed.said:
                moment = _moment(order, promise, horizon, at)
                followed.said[horizon] = said = self.learner.predict(moment)
                if horizon == "created":
                    followed.attempt = self.attempts.predict(moment)
                self.frozen.append(_line(key.decode(), said, followed.attempt))
        coming = (
            _end(promise) - before
            for horizon, before in BEFORE.items()
            if horizon not in followed.said
            and (horizon != DAYS_ONLY or promise.precision == "date")
        )
        self._due.set(key, min((due for due in coming if due > at), default=NEVER))

    # -- learning --------------------------------------------------------------------------

    def _learn(self, order: Order, followed: _Followed, at: Millis) -> None:
        track = order.track
        if followed.attempt is not None and track.attempts.visits:
            first = track.attempts.visits[0]
            self.attempts.learn(followed.attempt, failed=not first.succeeded)
            followed.attempt = None
        if track.open or not followed.open:
            return
        followed.open = False
        self.learner.closed(followed.carrier)
        if track.handover is not None:
            self.learner.learn(followed.said.values(), track.handover.at, at)


def _reached(order: Order, promise: Resolved, followed: _Followed, at: Millis) -> Iterator[str]:
    """Yield the horizons an order has got to by `at` and not before it was followed."""
    yield "created"
    kinds = {each.event.kind for each in order.arrivals.values()}
    if "picked_up" in kinds:
        yield "picked_up"
    if "out_for_delivery" in kinds:
        yield "ofd"
    for horizon, before in BEFORE.items():
        if (horizon != DAYS_ONLY or promise.precision == "date") and (
            followed.began <= _end(promise) - before == at
        ):
            yield horizon


def _moment(order: Order, promise: Resolved, horizon: str, at: Millis) -> Moment:
    """Return what is known of an order at `at`."""
    track = order.track
    times: dict[str, list[Millis]] = {}
    promised: Any = None  # an order_promised
    before: int | None = None
    for each in sorted(order.arrivals.values(), key=lambda arrived: arrived.key):
        event = each.event
        times.setdefault(event.kind, []).append(each.at)
        if event.kind == "order_promised" and promised is None and event.promise is not None:
            promised = event
        if event.kind == "out_for_delivery" and event.stop is not None:
            before = event.stop - 1
    eta = in_force(track, at)
    heard = (said[0] for said in track.etas if said[0] <= at and not said[2])
    start = promised and promised.origin
    goal = promised and promised.destination
    return Moment(
        stage=horizon,
        at=at,
        precision=promise.precision,
        carrier=track.carrier,
        service=track.service or "unknown",
        region=track.region or "unknown",
        promised_at=at if promised is None else min(times["order_promised"]),
        end=_end(promise),
        point=promise.middle,
        zone=track.timezone,
        customer=track.customer_id,
        picked_at=min(times.get("picked_up", ()), default=None),
        out_at=min(times.get("out_for_delivery", ()), default=None),
        eta=eta,
        eta_at=None if eta is None else max(heard),
        attempts=len(track.attempts.visits),
        changes=len(times.get("promise_changed", ())),
        distance=None
        if start is None or goal is None
        else metres_between(start.lat, start.lon, goal.lat, goal.lon) / 1_000,
        before=before,
        attributes=(promised and promised.attributes) or {},
    )


def _end(promise: Resolved) -> Millis:
    """Return the end of a promise; a promised day ends at its midnight, whenever work does."""
    if promise.precision != "date" or promise.start is None:
        return promise.end
    return 2 * promise.middle - promise.start


def _line(order_id: str, said: Said, attempt: AttemptSaid | None) -> Json:
    """Return a prediction as the file of predictions has it (contract, section 2)."""
    moment, forecast = said.view.moment, said.forecast
    line = {
        "order_id": order_id,
        "horizon": moment.stage,
        "predicted_at": instant_text(moment.at),
        "p10": round(forecast.p10, 3),
        "p50": round(forecast.p50, 3),
        "p90": round(forecast.p90, 3),
        "late": {str(bar): round(forecast.late[bar], 6) for bar in TOLD_BARS},
    }
    if moment.stage == "created" and attempt is not None:
        line["attempt_fails"] = round(attempt.p, 6)
    return line
