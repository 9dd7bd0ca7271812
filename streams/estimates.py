"""The tower's ETAs of couriers' stops as records of the order's inbox, there and back.

A record says `kind` = `estimate`; its value is an `eta_updated` by `tower` with more fields. It
is no accepted event: nothing counts it, and it moves no clock.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from models import estimates
from models.base import millis
from streams.domain.courier.following import Saying
from streams.domain.estimated import Estimated
from streams.domain.zones import instant
from streams.engine.api import Headers
from streams.kept import kept

ESTIMATE = b"estimate"
ESTIMATES: Headers = (("kind", ESTIMATE),)

CourierEta = kept(estimates.CourierEta)
_encode: Callable[[Any], bytes] = msgspec.json.Encoder().encode
decode_estimate: Callable[[bytes], estimates.CourierEta] = msgspec.json.Decoder(
    CourierEta
).decode


def estimate(saying: Saying, courier_id: str, origin: str) -> estimates.CourierEta:
    """Return what an order is told; `origin` names the record it follows from."""
    told = saying.told
    return CourierEta(
        event_id=origin,
        source="tower",
        occurred_at=instant(saying.at),
        order_id=saying.order_id,
        eta=instant(told.eta),
        eta_low=instant(told.low),
        eta_high=instant(told.high),
        by="tower",
        courier_id=courier_id,
        stage=told.stage,
        halts_ahead=saying.halts_ahead,
    )


def encode_estimate(said: estimates.CourierEta) -> bytes:
    """Return an ETA as a record's value."""
    return _encode(said)


def estimated(said: estimates.CourierEta) -> Estimated:
    """Return what an order keeps of an ETA."""
    eta = millis(said.eta)
    low = eta if said.eta_low is None else millis(said.eta_low)
    high = eta if said.eta_high is None else millis(said.eta_high)
    return Estimated(millis(said.occurred_at), eta, low, high)
