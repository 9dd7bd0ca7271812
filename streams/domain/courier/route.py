"""A route as halts: stops in a row at one door are one halt, left when all are served."""

from collections.abc import Sequence
from typing import NamedTuple

from streams.domain.courier.knowledge import Stay
from streams.domain.geo import metres_between
from streams.domain.visits import NEAR_M


class Stop(NamedTuple):
    """A stop of a route: degrees WGS-84, and how long the plan says it takes, seconds."""

    order_id: str
    lat: float
    lon: float
    service: float | None = None


class Halt(NamedTuple):
    """One door and the orders that go there, in order."""

    lat: float
    lon: float
    orders: tuple[str, ...]
    stay: Stay


def halts(stops: Sequence[Stop]) -> tuple[Halt, ...]:
    """Return the halts of a route, in order."""
    found: list[Halt] = []
    for stop in stops:
        last = found[-1] if found else None
        if (
            last is not None
            and metres_between(last.lat, last.lon, stop.lat, stop.lon) <= NEAR_M
        ):
            found[-1] = _with(last, stop)
        else:
            found.append(Halt(stop.lat, stop.lon, (stop.order_id,), Stay(1, stop.service)))
    return tuple(found)


def _with(halt: Halt, stop: Stop) -> Halt:
    planned = halt.stay.planned
    both = None if planned is None or stop.service is None else planned + stop.service
    orders = (*halt.orders, stop.order_id)
    return halt._replace(orders=orders, stay=Stay(len(orders), both))
