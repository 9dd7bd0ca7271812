"""What was learnt of one carrier: how long legs and stays take, and how today's traffic is.

What is learnt is the logarithm of a time against a plain guess. It is a sum of effects, the
whole carrier's first, then each key's on top of it: a key of which little is known adds
little (back-off), one never seen nothing. What a single leg can move is bounded.
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import exp, log

import msgspec

from models.base import Millis
from streams.domain.zones import HOUR_MS, MINUTE_MS

PACE = 0.2  # seconds a metre of straight line until something was learnt: 5 m/s
SERVICE_SECONDS = 180.0  # at a door, of a stop whose route says nothing
TRAVEL_SIGMA, SERVICE_SIGMA = 0.45, 0.7  # of the logarithms, until something was learnt
SHARED = 0.1  # deviation of what all legs of the next hours have in common
SHRINK = 8.0  # so many legs or stays of a key weigh as much as what lies above it
FIRST = 3.0  # and so many the guess from before the first
MOST = 400.0  # weight of what was learnt: of older legs the newest hundreds count
FARTHEST = 2.0  # deviations; beyond it a leg counts as one of so many
WIDEST = 1.5  # no logarithm of a time deviates more
WILDEST = 6.0  # and none is farther from the plain guess: four hundred times as long
SHORTEST_STAY, LONGEST_STAY = 5.0, 14_400.0  # seconds that a plan is believed
MOST_KEYS = 600  # of one carrier in one table; the least known, or longest ago, go first
SHORTEST_M = 50.0  # a leg counts as no shorter
QUICKEST = (
    0.3  # of the plain guess: door to door nobody is quicker, but fixes are that far apart
)

TRAFFIC_MS = 30 * MINUTE_MS  # a leg of that long ago weighs a third of one just ended
LASTS_MS = 45 * MINUTE_MS  # and so long lasts what it says
TRAFFIC_SHRINK = 6.0

BANDS_M = (300, 1_000, 3_000, 10_000)
_BAND_KEYS = tuple(f"b{number}" for number in range(len(BANDS_M) + 1))
ZONE_DEGREES = 0.05  # some five kilometres
AREA_DEGREES = 0.5  # where traffic is one


class Effects(msgspec.Struct, array_like=True):
    """Effects on the logarithm of a time: by key how many counted, and the mean they add."""

    means: dict[str, tuple[float, float]] = {}
    n: float = 0.0
    size: float = 0.0  # mean distance from what was expected

    def expect(self, keys: Sequence[str]) -> float:
        """Return the expected logarithm."""
        total = 0.0
        for depth, key in enumerate(keys):
            known = self.means.get(key)
            if known is not None:
                n, mean = known
                total += mean * n / (n + (SHRINK if depth else FIRST))
        return max(-WILDEST, min(WILDEST, total))

    def sigma(self, prior: float) -> float:
        """Return the deviation of the logarithm; `prior` until something was learnt."""
        weight = 10.0
        found = (prior * weight + 1.2533 * self.size * self.n) / (weight + self.n)
        return min(found, WIDEST)

    def learn(self, keys: Sequence[str], said: float, prior: float) -> float:
        """Take the logarithm of a time that was measured; return how far off it was."""
        off = said - self.expect(keys)
        reach = FARTHEST * self.sigma(prior)
        bounded = max(-reach, min(reach, off))
        self.n = min(self.n + 1, MOST)
        self.size += (abs(bounded) - self.size) / self.n
        goal, total = said - off + bounded, 0.0
        for depth, key in enumerate(keys):
            n, mean = self.means.get(key, (0.0, 0.0))
            n = min(n + 1, MOST)
            mean += (goal - total - mean) / n
            self.means[key] = n, mean
            total += mean * n / (n + (SHRINK if depth else FIRST))
        if len(self.means) > MOST_KEYS:
            del self.means[min(self.means, key=lambda key: (self.means[key][0], key))]
        return off


class Leg(msgspec.Struct, array_like=True, frozen=True):
    """A way from door to door: when it began, how far in a straight line, where it ends."""

    at: Millis
    metres: float
    lat: float
    lon: float


class Stay(msgspec.Struct, array_like=True, frozen=True):
    """A stay at a door: how many orders, and what the route said it takes, seconds."""

    orders: int
    planned: float | None


class Learnt(msgspec.Struct, array_like=True, frozen=True):
    """What one visit taught: how long leg and stay took in seconds (None: not known)."""

    at: Millis
    leg: Leg | None
    travel: float
    stay: Stay
    service: float


class Knowledge(msgspec.Struct, array_like=True):
    """One carrier's legs, stays and traffic; `traffic` by area: weight, sum, as of when."""

    travel: Effects = msgspec.field(default_factory=Effects)
    service: Effects = msgspec.field(default_factory=Effects)
    traffic: dict[str, tuple[float, float, Millis]] = {}

    def learn(self, learnt: Learnt) -> None:
        """Take what a visit taught."""
        leg, stay = learnt.leg, learnt.stay
        if leg is not None and learnt.travel > 0:
            said = log(max(learnt.travel / _plain(leg), QUICKEST))
            off = self.travel.learn(_leg_keys(leg), said, TRAVEL_SIGMA)
            self._feel(leg, learnt.at, off)
        if learnt.service > 0:
            said = log(learnt.service / _planned(stay))
            self.service.learn(_stay_keys(stay), said, SERVICE_SIGMA)

    def _feel(self, leg: Leg, at: Millis, off: float) -> None:
        area = _cell(leg.lat, leg.lon, AREA_DEGREES)
        weight, total, since = self.traffic.get(area, (0.0, 0.0, at))
        fades = exp(-max(0, at - since) / TRAFFIC_MS)
        reach = FARTHEST * self.travel.sigma(TRAVEL_SIGMA)
        off = max(-reach, min(reach, off))
        self.traffic[area] = weight * fades + 1, total * fades + off, max(at, since)
        if len(self.traffic) > MOST_KEYS:
            del self.traffic[min(self.traffic, key=lambda each: (self.traffic[each][2], each))]

    def leg_seconds(self, leg: Leg, now: Millis) -> float:
        """Return the median of a leg that will begin at `leg.at`, as seen now."""
        area = _cell(leg.lat, leg.lon, AREA_DEGREES)
        said = self.travel.expect(_leg_keys(leg))
        if area in self.traffic:
            weight, total, since = self.traffic[area]
            weight_now = weight * exp(-max(0, now - since) / TRAFFIC_MS)
            slow = total / weight * weight_now / (weight_now + TRAFFIC_SHRINK)
            said += slow * exp(-max(0, leg.at - now) / LASTS_MS)
        return _plain(leg) * exp(said)

    def stay_seconds(self, stay: Stay) -> float:
        """Return the median of a stay."""
        return _planned(stay) * exp(self.service.expect(_stay_keys(stay)))

    @property
    def travel_sigma(self) -> float:
        """Return the deviation of the logarithm of a leg's time."""
        return self.travel.sigma(TRAVEL_SIGMA)

    @property
    def service_sigma(self) -> float:
        """Return the deviation of the logarithm of a stay's time."""
        return self.service.sigma(SERVICE_SIGMA)


def _plain(leg: Leg) -> float:
    return max(leg.metres, SHORTEST_M) * PACE


def _planned(stay: Stay) -> float:
    if not stay.planned:
        return SERVICE_SECONDS * stay.orders
    return min(max(stay.planned, SHORTEST_STAY), LONGEST_STAY)


def _leg_keys(leg: Leg) -> tuple[str, ...]:
    """Return the keys of a leg: all, how far (the detour), which hour, which zone."""
    band = _BAND_KEYS[bisect_right(BANDS_M, leg.metres)]
    return "", band, _hour_key(leg.at // HOUR_MS), _cell(leg.lat, leg.lon, ZONE_DEGREES)


@lru_cache
def _hour_key(hour: int) -> str:
    rest = "w" if (hour // 24 + 4) % 7 in {0, 6} else "d"  # 1 January 1970 was a Thursday
    return f"{rest}{hour % 24}"


def _stay_keys(stay: Stay) -> tuple[str, ...]:
    """Return the keys of a stay: all, the plan's length in minutes, how many orders."""
    minutes = "" if stay.planned is None else str(min(round(stay.planned / 60), 20))
    return "", f"p{minutes}", f"n{min(stay.orders, 5)}"


@lru_cache(maxsize=50_000)  # of a door it is asked with every look at a route
def _cell(lat: float, lon: float, degrees: float) -> str:
    return f"{lat // degrees:.0f} {lon // degrees:.0f}"
