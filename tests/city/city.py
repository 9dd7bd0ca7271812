"""A city on a plane, couriers in it, and what their phones report of the truth.

The noise is fixed: a leg takes a lognormal time (sigma 0.35) around a speed that follows a
daily curve, shaken every 45 minutes by a lognormal shock (sigma 0.15) that all legs of the city
share; a stay is lognormal (median 3 min, sigma 0.6); a fix is off by 15 m (sigma, each axis),
one in twenty by 500 m, one in ten is lost.
"""

from dataclasses import dataclass, field
from math import cos, exp, hypot, pi, radians, sin
from random import Random

LEG_SIGMA, SHOCK_SIGMA, SHOCK_SECONDS = 0.35, 0.15, 45 * 60
STAY_MEDIAN, STAY_SIGMA = 180.0, 0.6
BLUR_M, OUTLIER_M, OUTLIERS, LOST = 15.0, 500.0, 0.05, 0.10
FIX_SECONDS = 30
DAY = 86_400
OPENS = 8 * 3_600
METRES_A_DEGREE = 111_195.0
ORIGIN = (52.5, 13.4)
DETOUR = 1.3


@dataclass(frozen=True)
class Visit:
    """What truly happened at a stop: where it is, when the leg there began, seconds."""

    order_id: str
    place: tuple[float, float]  # metres east and north
    left: float
    came: float
    went: float


@dataclass
class Drive:
    """A courier's day: the true visits in order, and the fixes that were received."""

    courier_id: str
    depot: tuple[float, float]
    visits: list[Visit]
    fixes: list[tuple[int, float, float]] = field(default_factory=list)


class City:
    """The truth about traffic: the median speed of a leg, metres of straight line a second."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._shocks: dict[int, float] = {}

    def usual(self, at: float) -> float:
        """Return the speed of the daily curve: slow in the morning and late afternoon."""
        hour = at % DAY / 3_600
        rush = exp(-(((hour - 8.5) / 1.2) ** 2)) + exp(-(((hour - 17) / 1.8) ** 2))
        return 7.5 / DETOUR * (1 - 0.35 * rush)

    def shock(self, at: float) -> float:
        """Return by what the speed is multiplied in these 45 minutes."""
        number = int(at // SHOCK_SECONDS)
        if number not in self._shocks:
            chance = Random(f"{self.seed} {number}")  # noqa: S311
            self._shocks[number] = exp(chance.gauss(0, SHOCK_SIGMA))
        return self._shocks[number]


def day(city: City, number: int, couriers: int, stops: int, *, outliers: float) -> list[Drive]:
    """Return one day of some couriers, each with so many stops in a district of its own."""
    return [_drive(city, number, which, stops, outliers) for which in range(couriers)]


def _drive(city: City, number: int, which: int, stops: int, outliers: float) -> Drive:
    # Outliers are drawn apart, so that another share of them leaves the truth as it was.
    rng = Random(f"{city.seed} {number} {which}")  # noqa: S311
    angle = 2 * pi * which / 12
    middle = 4_000 * cos(angle), 4_000 * sin(angle)
    doors = [(rng.gauss(middle[0], 1_100), rng.gauss(middle[1], 1_100)) for _ in range(stops)]
    depot = (0.0, 0.0)
    drive = Drive(f"K{which}", depot, [])
    at, here = number * DAY + OPENS + rng.uniform(0, 1_800), depot
    for place in _tour(depot, doors):
        median = _metres(here, place) / (city.usual(at) * city.shock(at))
        came = at + median * exp(rng.gauss(0, LEG_SIGMA))
        went = came + STAY_MEDIAN * exp(rng.gauss(0, STAY_SIGMA))
        name = f"{number}-{which}-{len(drive.visits)}"
        drive.visits.append(Visit(name, place, at, came, went))
        at, here = went, place
    drive.fixes = _fixes(drive, Random(f"{city.seed} {number} {which} gps"), outliers)  # noqa: S311
    return drive


def _tour(
    here: tuple[float, float], doors: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return the doors, always the nearest next."""
    left, found = list(doors), []
    while left:
        here = min(left, key=lambda door: _metres(here, door))
        left.remove(here)
        found.append(here)
    return found


def _fixes(drive: Drive, rng: Random, outliers: float) -> list[tuple[int, float, float]]:
    found = []
    at = drive.visits[0].left + rng.uniform(0, FIX_SECONDS)
    while at < drive.visits[-1].went + 300:
        east, north = truly(drive, at)
        chance, lost = rng.random(), rng.random() < LOST
        blur, angle = (rng.gauss(0, BLUR_M), rng.gauss(0, BLUR_M)), rng.uniform(0, 2 * pi)
        if chance < outliers:
            blur = OUTLIER_M * cos(angle), OUTLIER_M * sin(angle)
        if not lost:
            found.append((round(at * 1_000), *degrees((east + blur[0], north + blur[1]))))
        at += FIX_SECONDS
    return found


def truly(drive: Drive, at: float) -> tuple[float, float]:
    """Return where a courier truly is."""
    here = drive.depot
    for visit in drive.visits:
        if at < visit.came:
            done = max(0.0, at - visit.left) / (visit.came - visit.left)
            return tuple(a + (b - a) * done for a, b in zip(here, visit.place, strict=True))
        here = visit.place
        if at < visit.went:
            break
    return here


def degrees(place: tuple[float, float]) -> tuple[float, float]:
    """Return degrees of a place on the plane."""
    east, north = place
    lat = ORIGIN[0] + north / METRES_A_DEGREE
    return lat, ORIGIN[1] + east / (METRES_A_DEGREE * cos(radians(ORIGIN[0])))


def _metres(here: tuple[float, float], there: tuple[float, float]) -> float:
    return hypot(here[0] - there[0], here[1] - there[1])
