"""One life of an order as its group and its customer see it (kpis 2.12 L19, L20).

What is said of a parcel is absolute and follows from the events of its order alone; only who
reads it has a clock. So whatever is said twice, late or by way of a crash changes nothing.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec
from msgspec.structs import replace

from models.base import Millis
from models.events import Money
from streams.domain.arrivals import LifeKey
from streams.domain.ledger import Ledger
from streams.domain.order import LAST_RECEIPT, NEVER, Order
from streams.domain.verdicts import judge
from streams.domain.zones import DAY_MS

KEPT_MS = 97 * DAY_MS  # the longest window of loyalty (90 days) and a week for what comes late
PARTS = 10_000  # amounts are whole numbers of this part of a unit of the currency
MOST_AMOUNT = 10**12
LAST_KEY: LifeKey = LAST_RECEIPT[1]

# What such an event says cannot change a parcel that is known, unless it is a copy: then it may
# take the place of one that says something else (L11).
QUIET = frozenset(
    {"picked_up", "in_transit", "eta_updated", "feedback_given", "customer_asked"}
)


# Legs of the way of a parcel. The last of one that waits changes nothing either.
LEGS = frozenset({"arrived_depot", "out_for_delivery", "courier_arrived"})


class Parcel(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One life of an order; instants are epoch milliseconds.

    `joined` is when an event was received that names the group or customer, None if by what is
    known now none ever did; `here` tells whether the order belongs there (another name may
    come first, and returns belong nowhere). `placed` is when it was promised first and `ended`
    when it ended, event time; `due` the first instant at which it is late, `outcome` the
    frozen verdict from then on. `warned`: a notice of the delay was asked for before that.
    `closed` is when the row of the order ended: nothing changes any more.
    """

    order_id: str
    life: int
    joined: Millis | None = None
    here: bool = False
    placed: Millis | None = None
    due: Millis | None = None
    outcome: str = "excluded"
    damaged: bool = False
    ended: Millis | None = None
    warned: bool = False
    closed: Millis | None = None
    amount: int | None = None
    currency: str | None = None

    def judged(self, clock: Millis) -> bool:
        """Tell whether it has its verdict; without a promise it is excluded at once.

        A life that ended before its deadline (the id was promised anew) never gets one.
        """
        until = clock if self.closed is None else min(clock, self.closed)
        return self.due is None or self.due <= until


def waits(order: Order | None, key: LifeKey = LAST_KEY) -> bool:
    """Tell whether an order is open by all evidence, and nothing in its life is behind `key`.

    What is told of it then is its promise alone; of one that a consignee wished otherwise the
    first attempt may decide which promise that is.
    """
    if order is None or order.frozen is not order.track:
        return False
    track = order.track
    return track.open and track.last < key and not track.consignee


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Parcel).decode


def news(
    order_id: str,
    order: Order | None,
    ledger: Ledger,
    told: dict[str, bytes],
    closed: Millis | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Yield what to say of an order to its group and customer that was not said before.

    `told` remembers digests of what was said, by `g/<group_id>` and `c/<customer_id>`; it is
    brought up to date. What was said to somebody whom no event names is taken back.
    """
    joined = {} if order is None else order.joined
    for key in sorted(told.keys() - joined.keys()):
        del told[key]
        yield key, encode(Parcel(order_id, ledger.life))
    if order is None or not joined:
        return
    parcel = _parcel(order_id, order, ledger, closed)
    track = order.track
    belongs = (f"g/{track.group_id}", f"c/{track.customer_id}")
    for key, at in joined.items():
        here = parcel.here and key in belongs
        said = encode(replace(parcel, joined=at, here=here))
        digest = blake2b(said, digest_size=8).digest()
        if told.get(key) != digest:
            told[key] = digest
            yield key, said


def _parcel(order_id: str, order: Order, ledger: Ledger, closed: Millis | None) -> Parcel:
    track, frozen, promise = order.track, order.frozen, order.frozen_promise
    verdict = judge(frozen, promise, NEVER, order.judgement)
    due = None if promise is None else promise.late_from
    warned = ledger.first_at is not None and due is not None and ledger.first_at < due
    return Parcel(
        order_id,
        ledger.life,
        here=track.is_order and track.direction == "forward",
        placed=track.announced_at,
        due=due,
        outcome=verdict.outcome or "excluded",
        damaged=frozen.damaged,
        ended=None if track.ending is None else track.ending.at,
        warned=warned,
        closed=closed,
        amount=_amount(track.value),
        currency=None if track.value is None else track.value.currency,
    )


def _amount(value: Money | None) -> int | None:
    if value is None or value.amount > MOST_AMOUNT:
        return None
    return round(value.amount * PARTS)


def runs(
    parcels: Iterable[Parcel], kept: Millis = KEPT_MS
) -> Iterator[tuple[list[Parcel], Millis]]:
    """Yield parcels that belong together in time, and when each such run is over.

    A parcel reaches from `joined` to `kept` after it closed; parcels whose spans overlap are
    one run. Of one that is over (at NEVER: that is not known yet) nothing changes any more:
    who joins later joins another.
    """
    run: list[Parcel] = []
    over = -NEVER
    for each in sorted(parcels, key=_by_joining):
        if run and _joined(each) >= over:
            yield run, over
            run, over = [], -NEVER
        run.append(each)
        over = max(over, NEVER if each.closed is None else each.closed + kept)
    if run:
        yield run, over


def _joined(parcel: Parcel) -> Millis:
    return -NEVER if parcel.joined is None else parcel.joined


def _by_joining(parcel: Parcel) -> tuple[Millis, str, int]:
    return _joined(parcel), parcel.order_id, parcel.life
