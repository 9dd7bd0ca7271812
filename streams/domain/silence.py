"""Couriers of whom nothing is heard though stops are still to come (kpis 2.9).

Pure: a courier's fixes, route and shift in, the instant from which the courier is silent out.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models.base import Millis
from streams.domain.geo import metres_between
from streams.domain.visits import Fix, at_door
from streams.domain.zones import MINUTE_MS

MOVING_MS = 10 * MINUTE_MS  # so long without a position, who was under way is silent
STANDING_MS = 30 * MINUTE_MS  # and who stood
MOVING_MPS = 1.0  # between the last two positions: slower is standing
ARRIVED_MS = 20_000  # so long not away from a door is an arrival, as two fixes in a row are
LEAVES = 1.5  # times the radius in which a fix is at the door: farther away is away from it


class Place(NamedTuple):
    """A stop of a route, degrees WGS-84."""

    lat: float
    lon: float


def silent_from(chain: Sequence[Fix], stops: Iterable[Place]) -> Millis | None:
    """Return from when on a courier is silent if nothing more is heard, epoch milliseconds.

    `chain` are the fixes that count (`Path.chain`) since the route was planned or shortly
    before; None if there are none, or if every stop was arrived at.
    """
    if not chain or all(arrived_at(chain, stop) is not None for stop in stops):
        return None
    return chain[-1].at + (MOVING_MS if _moves(chain) else STANDING_MS)


def arrived_at(chain: Iterable[Fix], stop: Place) -> Millis | None:
    """Return when a courier came to a stop, None if there was no arrival.

    Two fixes in a row at the door, or 20 s without a fix away from it; the arrival is the
    first fix of the stay.
    """
    came: Fix | None = None
    inside = False
    for fix in chain:
        was_inside, inside = inside, at_door(fix, stop.lat, stop.lon)
        if came is None:
            came = fix if inside else None
        elif (was_inside and inside) or (
            at_door(fix, stop.lat, stop.lon, times=LEAVES) and fix.at - came.at >= ARRIVED_MS
        ):
            return came.at
        elif not at_door(fix, stop.lat, stop.lon, times=LEAVES):
            came = None
    return None


def _moves(chain: Sequence[Fix]) -> bool:
    """Tell whether a courier was under way by the last two positions."""
    if len(chain) < 2:  # noqa: PLR2004
        return False
    one, other = chain[-2:]
    metres = metres_between(one.lat, one.lon, other.lat, other.lon)
    return metres >= MOVING_MPS * (other.at - one.at) / 1_000
