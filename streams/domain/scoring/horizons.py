"""When an order is predicted (kpis 2.12 E5), and what is known of it then.

`created`, `picked_up` and `ofd` when it gets there; `d7200` of a promised day, `d120`, `d60`
and `d30` so many minutes before the promise ends, if it was first seen by then.
"""

from collections.abc import Container, Iterator
from typing import Any

from models.base import Millis
from streams.domain.eta import in_force
from streams.domain.forecast.moment import Moment
from streams.domain.geo import metres_between
from streams.domain.order import NEVER, Order
from streams.domain.promises import Resolved
from streams.domain.zones import MINUTE_MS

# Minutes before the end of the promise; the first for promised days only.
BEFORE: dict[str, Millis] = {
    "d7200": 7_200 * MINUTE_MS,
    "d120": 120 * MINUTE_MS,
    "d60": 60 * MINUTE_MS,
    "d30": 30 * MINUTE_MS,
}
DAYS_ONLY = "d7200"
HORIZONS = ("created", "picked_up", "ofd", *BEFORE)


def reached(
    order: Order, promise: Resolved, said: Container[str], began: Millis, at: Millis
) -> Iterator[str]:
    """Yield the horizons an order has got to by `at` that nothing was `said` at.

    `began` is when it was first seen open and promised.
    """
    if "created" not in said:
        yield "created"
    if "picked_up" not in said and any(
        each.event.kind == "picked_up" for each in order.arrivals.values()
    ):
        yield "picked_up"
    if "ofd" not in said and any(
        each.event.kind == "out_for_delivery" for each in order.arrivals.values()
    ):
        yield "ofd"
    end = end_of(promise)
    for horizon, before in BEFORE.items():
        if horizon not in said and began <= end - before == at and _fits(horizon, promise):
            yield horizon


def next_horizon(promise: Resolved, said: Container[str], at: Millis) -> Millis:
    """Return the first instant after `at` at which a horizon is reached by time alone."""
    end = end_of(promise)
    coming = (
        end - before
        for horizon, before in BEFORE.items()
        if horizon not in said and end - before > at and _fits(horizon, promise)
    )
    return min(coming, default=NEVER)


def _fits(horizon: str, promise: Resolved) -> bool:
    return horizon != DAYS_ONLY or promise.precision == "date"


def end_of(promise: Resolved) -> Millis:
    """Return the end of a promise; a promised day ends at its midnight, whenever work does."""
    if promise.precision != "date" or promise.start is None:
        return promise.end
    return 2 * promise.middle - promise.start


def moment(order: Order, promise: Resolved, horizon: str, at: Millis) -> Moment:
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
        end=end_of(promise),
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
