"""When a courier will be at every stop still to come, as a distribution.

From where the courier is, leg by leg and stay by stay. A leg under way is judged by how it has
gone so far, a stay by how long it has lasted. What all legs have in common (the day is slow)
does not average out and is added as such.
"""

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import NamedTuple

from models.base import Millis
from streams.domain.courier.knowledge import SHARED, Knowledge, Leg, Stay
from streams.domain.courier.progress import Progress, Seen
from streams.domain.courier.route import Halt
from streams.domain.courier.spread import NOTHING, Spread, lognormal, remaining, spreading
from streams.domain.geo import metres_between

TELLING_M = 150.0  # so much of a leg must lie behind before its pace says something
BLUR_M = 60.0  # how far off the way behind is, by fixes and by not being straight
UNEVEN = 0.15  # deviation of the logarithm of a leg's pace from one part to the next


class Expected(NamedTuple):
    """A halt to come: seconds from now until the courier is there, and has served it.

    `served` is of each order of the halt.
    """

    halt: int
    arrives: Spread
    served: tuple[Spread, ...]


def expect(
    progress: Progress, route: Sequence[Halt], knowledge: Knowledge, now: Millis
) -> Iterator[Expected]:
    """Yield what is expected of the halts in the order in which they will be served."""
    seen = progress.fix
    if seen is None:
        return
    passed, driven = NOTHING, 0.0
    here = seen.lat, seen.lon
    if progress.here >= 0:
        halt = route[progress.here]
        stay = rest_of_stay(halt, knowledge, now - progress.came_at)
        yield Expected(progress.here, passed, _served(passed, 0.0, stay, len(halt.orders)))
        passed, here = stay, (halt.lat, halt.lon)
    under_way = progress.here < 0
    leg_spread, stay_spread = (
        spreading(knowledge.travel_sigma),
        spreading(knowledge.service_sigma),
    )
    stays: dict[Stay, Spread] = {}
    for number in progress.next_halts(route):
        halt = route[number]
        metres = metres_between(*here, halt.lat, halt.lon)
        leg = Leg(now + round(passed.mean * 1_000), metres, halt.lat, halt.lon)
        if under_way:
            travel, under_way = _rest_of_leg(progress.left, seen, leg, knowledge), False
        else:
            travel = leg_spread.of(knowledge.leg_seconds(leg, now))
        passed = passed.then(travel)
        driven += travel.mean
        stay = stays.get(halt.stay) or stay_spread.of(knowledge.stay_seconds(halt.stay))
        stays[halt.stay] = stay
        served = _served(passed, driven, stay, len(halt.orders))
        yield Expected(number, passed.with_common((SHARED * driven) ** 2), served)
        passed, here = passed.then(stay), (halt.lat, halt.lon)


def _served(passed: Spread, driven: float, stay: Spread, orders: int) -> tuple[Spread, ...]:
    """Return when each order of a halt is served: one after the other, evenly."""
    common = (SHARED * driven) ** 2
    if orders == 1:
        return (passed.then(stay).with_common(common),)
    shares = [(number + 1) / orders for number in range(orders)]
    return tuple(
        passed.then(Spread(stay.mean * share, stay.variance * share * share)).with_common(
            common
        )
        for share in shares
    )


def rest_of_stay(halt: Halt, knowledge: Knowledge, elapsed: Millis) -> Spread:
    """Return what is left of a stay that has lasted `elapsed` milliseconds."""
    middle = knowledge.stay_seconds(halt.stay)
    return remaining(middle, knowledge.service_sigma, elapsed / 1_000)


def _rest_of_leg(left: Seen | None, seen: Seen, leg: Leg, knowledge: Knowledge) -> Spread:
    """Return what is left of the leg under way, by how it has gone so far."""
    sigma = knowledge.travel_sigma
    if left is None:
        return lognormal(knowledge.leg_seconds(leg, seen.at), sigma)
    whole = metres_between(left.lat, left.lon, leg.lat, leg.lon)
    behind = whole - leg.metres
    full = Leg(left.at, whole, leg.lat, leg.lon)
    planned = knowledge.leg_seconds(full, seen.at)
    share = leg.metres / max(whole, 1.0)
    if behind < TELLING_M:
        return lognormal(planned * share, sigma)
    elapsed = max((seen.at - left.at) / 1_000, 1.0)
    blur = (BLUR_M / behind) ** 2 + UNEVEN**2
    weight = sigma * sigma / (sigma * sigma + blur)
    ratio = max(-1.5, min(1.5, log(elapsed / (planned * behind / whole))))
    rest = max((sigma * sigma * (1 - weight)) ** 0.5, UNEVEN)
    return lognormal(planned * share * exp(weight * ratio), rest)
