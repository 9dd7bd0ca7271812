"""What each forecaster tells of every stop while a day goes on: the tower and who is naive."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from math import hypot
from typing import NamedTuple

from streams.domain.courier.expecting import expect
from streams.domain.courier.following import Following
from streams.domain.courier.knowledge import Knowledge
from streams.domain.courier.progress import Progress, Seen
from streams.domain.courier.route import Halt, Stop, halts
from streams.domain.geo import metres_between
from streams.domain.visits import Fix
from tests.city.city import (
    LEG_SIGMA,
    SHOCK_SECONDS,
    SHOCK_SIGMA,
    STAY_MEDIAN,
    STAY_SIGMA,
    City,
    Drive,
    Visit,
    degrees,
    truly,
)

CITY_SPEED = 5.0  # metres a second: what anybody would guess of a city


class Said(NamedTuple):
    """An ETA of a handover, seconds; `low` and `high` where it has a range."""

    at: float
    eta: float
    low: float | None = None
    high: float | None = None


Series = dict[str, list[Said]]


def in_force(series: Series, order_id: str, at: float) -> Said | None:
    """Return what had been said last."""
    said = series.get(order_id, [])
    place = bisect_right(said, at, key=lambda each: each.at)
    return said[place - 1] if place else None


def route_of(drive: Drive) -> tuple[Halt, ...]:
    """Return the route as it was planned: the stops in order, nothing of how long they take."""
    return halts([Stop(visit.order_id, *degrees(visit.place)) for visit in drive.visits])


def by_tower(drives: list[Drive], knowledge: Knowledge) -> Series:
    """Return what the tower tells on a day of these couriers, who teach it while they drive."""
    routes = {drive.courier_id: route_of(drive) for drive in drives}
    followed = {drive.courier_id: Following() for drive in drives}
    series: Series = defaultdict(list)
    fixes = sorted((*fix, drive.courier_id) for drive in drives for fix in drive.fixes)
    for at, lat, lon, courier in fixes:
        said, learnt = followed[courier].take(
            Fix(at, at, lat, lon, 15.0), routes[courier], knowledge
        )
        for each in learnt:
            knowledge.learn(each)
        for order_id, told, *_ in said:
            if told.stage != "left":
                times = (each / 1_000 for each in (told.eta, told.low, told.high))
                series[order_id].append(Said(at / 1_000, *times))
    return series


class Truth(Knowledge):
    """Knowledge of the true parameters, and of the shock of the present 45 minutes."""

    city: City = City(0)

    def leg_seconds(self, leg, now):
        """Return the true median of a leg."""
        at = leg.at / 1_000
        same = at // SHOCK_SECONDS == now / 1_000 // SHOCK_SECONDS
        shock = self.city.shock(at) if same else 1.0
        return leg.metres / (self.city.usual(at) * shock)

    def stay_seconds(self, stay):
        """Return the true median of a stay."""
        return STAY_MEDIAN * stay.orders

    @property
    def travel_sigma(self):
        """Return the true deviation; of later legs the shock is not known either."""
        return hypot(LEG_SIGMA, SHOCK_SIGMA)

    @property
    def service_sigma(self):
        """Return the true deviation."""
        return STAY_SIGMA


def by_oracle(city: City, drive: Drive, horizon: float) -> Series:
    """Return what could be said exactly `horizon` seconds before each handover.

    By who knows the parameters of the city, where the courier truly is and since when.
    """
    truth = Truth()
    truth.city = city
    route = route_of(drive)
    numbers = {name: number for number, halt in enumerate(route) for name in halt.orders}
    series: Series = {}
    for visit in drive.visits:
        at = visit.went - horizon
        if at < drive.visits[0].left:
            continue
        progress = _truly(drive, route, at)
        for each in expect(progress, route, truth, round(at * 1_000)):
            if each.halt == numbers[visit.order_id]:
                place = route[each.halt].orders.index(visit.order_id)
                low, middle, high = each.served[place].quantiles()
                said = Said(at, at + middle, at + low, at + high)
                series[visit.order_id] = [said]
                break
    return series


def _truly(drive: Drive, route: tuple[Halt, ...], at: float) -> Progress:
    progress = Progress(fix=Seen(round(at * 1_000), *degrees(truly(drive, at)), 0.0))
    started = degrees(drive.depot)
    visits = {visit.order_id: visit for visit in drive.visits}
    left = drive.visits[0].left
    for number, halt in enumerate(route):
        first, last = visits[halt.orders[0]], visits[halt.orders[-1]]
        if last.went <= at:
            progress.reached = number
            left, started = last.went, (halt.lat, halt.lon)
        elif first.came <= at:
            progress.here = progress.reached = number
            progress.came_at = round(first.came * 1_000)
    progress.left = Seen(round(left * 1_000), *started, 0.0)
    return progress


def by_straight_line(drive: Drive, horizon: float) -> Series:
    """Return what a beeline from the last fix at the speed of a city says."""
    series: Series = {}
    for visit, at, lat, lon in _last_fixes(drive, horizon):
        metres = _metres((lat, lon), degrees(visit.place))
        series[visit.order_id] = [Said(at, at + metres / CITY_SPEED)]
    return series


def by_mean_speed(drive: Drive, horizon: float) -> Series:
    """Return what the way still to go says, at the mean speed so far, stops included."""
    series: Series = {}
    for visit, at, lat, lon in _last_fixes(drive, horizon):
        way, here, there = 0.0, drive.depot, (lat, lon)
        rest = 0.0
        for each in drive.visits:
            if each.went <= at:
                way += hypot(here[0] - each.place[0], here[1] - each.place[1])
                here = each.place
            elif each.went <= visit.went:
                rest += _metres(there, degrees(each.place))
                there = degrees(each.place)
        speed = way / (at - drive.visits[0].left) if way else CITY_SPEED
        series[visit.order_id] = [Said(at, at + rest / speed)]
    return series


def _last_fixes(drive: Drive, horizon: float) -> Iterator[tuple[Visit, float, float, float]]:
    """Yield each stop with the last fix so many seconds before its handover."""
    for visit in drive.visits:
        place = bisect_right(drive.fixes, visit.went - horizon, key=lambda fix: fix[0] / 1_000)
        if place:
            at, lat, lon = drive.fixes[place - 1]
            yield visit, at / 1_000, lat, lon


def _metres(here: tuple[float, float], there: tuple[float, float]) -> float:
    return metres_between(*here, *there)
