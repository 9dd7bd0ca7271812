"""Which open orders are at risk of missing their promise, how much, and why in words.

An order's row becomes an `Open`, which is all that is kept of it; what it means follows from
the clock, so that a row is read once and judged as often as somebody asks.
"""

from typing import Any, Literal, NamedTuple

from models.base import Millis
from streams.domain.eta import in_force
from streams.domain.prediction import silent_at
from streams.domain.row import Row
from streams.explaining import face_of
from streams.wording import Face, beside

Band = Literal["high", "medium", "low"]
BANDS: tuple[Band, ...] = ("high", "medium", "low")
LAST_GOOD = "the last moment that is not late"
CLOSE_MS: Millis = 15 * 60_000  # an ETA this near the last good moment is worth a look


class Open(NamedTuple):
    """An open order with a promise. Instants are epoch milliseconds.

    `silent_at` is from when on silence means a delay, None once the parcel was touched. `told`
    says that its customer was to be told of a delay, `enter` from how late on customers are.
    """

    order_id: str
    carrier: str
    service: str
    region: str
    state: str
    promise_end: Millis
    last_good: Millis
    late_from: Millis
    eta: Millis | None
    silent_at: Millis | None
    told: bool
    enter: float
    face: Face

    @property
    def lateness(self) -> Millis | None:
        """Return the ETA in force minus the last good moment, ms, positive is late."""
        return None if self.eta is None else self.eta - self.last_good


def open_order(order_id: str, row: Row, clock: Millis) -> Open | None:
    """Return what matters of an order, None if nothing of it can be late any more."""
    order = row.order
    if order is None or not order.track.open or not order.track.is_order:
        return None
    promise = order.promise
    if promise is None:
        return None
    track = order.track
    return Open(
        order_id,
        track.carrier,
        track.service or "unknown",
        track.region or "unknown",
        "promised" if track.moved_at is None else track.status,
        promise.end,
        promise.last_good,
        promise.late_from,
        in_force(track, clock),
        silent_at(order, promise) if track.moved_at is None else None,
        row.ledger.told,
        order.judgement.notice_times.enter,
        face_of(order),
    )


def band(order: Open, clock: Millis) -> Band | None:
    """Return how much an order is at risk as of a clock; None if all is well.

    high: the promise has passed, or the ETA is as late as customers are told of. medium: the
    ETA is late, or nobody has touched the parcel. low: the ETA is close to the last moment.
    """
    if clock >= order.late_from:
        return "high"
    lateness = order.lateness
    if lateness is None:
        silent = order.silent_at is not None and clock >= order.silent_at
        return "medium" if silent else None
    if lateness >= order.enter:
        return "high"
    if lateness > 0:
        return "medium"
    return "low" if lateness > -CLOSE_MS else None


def reason(order: Open, clock: Millis) -> str:
    """Return in words why an order is at risk, the numbers compared."""
    face, said = order.face, []
    if clock >= order.late_from:
        said.append(f"the promise passed {face.words(order.last_good)}")
    if order.eta is not None:
        where = beside(order.eta, order.last_good, LAST_GOOD)
        said.append(f"expected {face.words(order.eta)}, {where}")
    elif order.silent_at is not None and clock >= order.silent_at:
        said.append("no ETA and nobody has touched the parcel")
    elif not said:
        said.append("no ETA, but the parcel moves")
    return "; ".join(said)


def as_json(order: Open, clock: Millis, found: Band) -> dict[str, Any]:
    """Return an order at risk as boards show it; spans in seconds, positive is late."""
    face, lateness = order.face, order.lateness
    return {
        "order_id": order.order_id,
        "carrier": order.carrier,
        "service": order.service,
        "region": order.region,
        "state": order.state,
        "band": found,
        "reason": reason(order, clock),
        "promise_end": face.iso(order.promise_end),
        "last_good": face.iso(order.last_good),
        "overdue": clock >= order.late_from,
        "eta": None if order.eta is None else face.iso(order.eta),
        "lateness_seconds": None if lateness is None else lateness // 1_000,
        "customer_to_be_told": order.told,
    }
