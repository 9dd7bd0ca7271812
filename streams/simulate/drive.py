"""One courier's day: the plan, the drive through real traffic, and the ETAs told meanwhile.

An ETA is made from what the carrier knows at that instant: where the courier is, the stops
still to come at the usual speed, and how slow today has been so far. Never from the future.
"""

from streams.simulate.city import DETOUR, Place, metres, written
from streams.simulate.depot import depart, load, return_leftovers
from streams.simulate.door import visit
from streams.simulate.fates import ON_THE_WAY
from streams.simulate.fleet import Courier, Stop, route, stretch
from streams.simulate.parcel import DAY, HOUR, MINUTE, Parcel
from streams.simulate.world import World

SHIFT = 11 * HOUR
PACE_LASTS = 50 * MINUTE
"""How long a carrier believes that today's slowness goes on."""
TOLD_AGAIN = 3 * MINUTE
"""An ETA is told again when it moved by so much."""
ETAS_AHEAD = 30
"""For how many of the next stops ETAs are told."""


def drive(world: World, courier: Courier, parcels: list[Parcel], day: int) -> None:
    """Live one day of a courier with these parcels: everything is noted in the book."""
    opens = world.openings[courier.carrier.city.name][day]
    departs = opens + world.rng.randint(15, 35) * MINUTE
    departs = max([departs, *(_next_leg_after(parcel) for parcel in parcels)])
    traffic = world.traffic[courier.carrier.city.name]
    stops = route(courier.depot, parcels, traffic, departs)
    stretch(stops, departs, world.scenario.route_hours)
    stops = [stop for stop in stops if load(world, stop.parcel, opens)]
    if not stops:
        return
    world.book.courier(courier, "shift_started", opens)
    _plan(world, courier, stops, departs - 8 * MINUTE)
    for number, stop in enumerate(stops, 1):
        depart(world, courier, stop.parcel, departs, (number, len(stops)))
    back = Drive(world, courier, stops).run(departs, opens + SHIFT)
    return_leftovers(world, [stop.parcel for stop in stops], back + 20 * MINUTE)
    world.book.courier(courier, "shift_ended", back + 30 * MINUTE)


def _next_leg_after(parcel: Parcel) -> int:
    """Return when a parcel of an unfinished leg may leave again: more than a day later."""
    return 0 if parcel.left_at is None else parcel.left_at + DAY + 15 * MINUTE


def _plan(world: World, courier: Courier, stops: list[Stop], at: int) -> None:
    listed = [
        {
            "order_id": stop.parcel.order_id,
            "lat": stop.parcel.place[0],
            "lon": stop.parcel.place[1],
            "service_seconds": stop.service,
        }
        for stop in stops
    ]
    world.book.courier(courier, "route_planned", at, stops=listed)


class Drive:
    """A courier on the way along a route, who learns how slow today is."""

    def __init__(self, world: World, courier: Courier, stops: list[Stop]) -> None:
        self._world = world
        self._courier = courier
        self._stops = stops
        self._traffic = world.traffic[courier.carrier.city.name]
        self._pace = 1.0
        self._next_round = 0

    def run(self, departs: int, ends: int) -> int:
        """Drive to every stop in turn until the shift ends; return when the last is left."""
        self._next_round = departs + MINUTE
        at, here, index = departs, self._courier.depot, 0
        while index < len(self._stops):
            stop = self._stops[index]
            index += 1
            if stop.parcel.closed or stop.parcel.fate in ON_THE_WAY:
                continue
            if at > ends:
                self._stops[index - 1].parcel.fate = "unreached"
                continue
            arrives = self._travel(at, here, index - 1)
            here = stop.parcel.place
            stop.parcel.off_at = arrives
            seconds = max(40, int(stop.service * self._world.rng.lognormvariate(-0.05, 0.35)))
            self._world.book.position(self._courier, arrives, here, 0.0)
            self._world.book.position(self._courier, arrives + seconds, here, 0.0)
            again = visit(self._world, self._courier, stop.parcel, (arrives, seconds))
            if again:
                stop.parcel.off_at = None
                self._stops.append(Stop(stop.parcel, 0.0, stop.travel, stop.service))
            self._feel(arrives + seconds - at, stop)
            at = arrives + seconds
        return at

    def _travel(self, at: int, here: Place, index: int) -> int:
        """Drive to a stop, reporting positions and telling ETAs; return the arrival."""
        world, stop = self._world, self._stops[index]
        there = stop.parcel.place
        road = metres(here, there) * DETOUR + 40
        district = self._courier.district
        seconds = self._traffic.drive(at, district, road * self._courier.pace)
        seconds = max(20, int(seconds * world.rng.lognormvariate(0, 0.12)))
        marks = {at + step for step in range(0, seconds, world.scenario.fix_seconds)}
        rounds = set()
        while self._next_round <= at + seconds:
            rounds.add(max(at, self._next_round))
            self._next_round += self._courier.carrier.eta_every * MINUTE
        for mark in sorted(marks | rounds):
            done = (mark - at) / seconds
            if mark in marks:
                place = _between(here, there, done)
                world.book.position(self._courier, mark, place, road / seconds)
            if mark in rounds:
                self._tell(mark, index, int(stop.travel * (1 - done)), mark - at, done)
        return at + seconds

    def _tell(self, at: int, index: int, travel: int, since: int, done: float) -> None:
        """Tell the ETA of every stop ahead, seen `since` seconds into the leg of `index`."""
        believed = self._pace
        planned = self._stops[index].travel * done
        if since > planned + 2 * MINUTE:
            believed = max(
                believed, min(3.0, since / max(60.0, planned)) * 0.5 + believed * 0.5
            )
        ahead = 0
        for number, stop in enumerate(self._stops[index : index + ETAS_AHEAD]):
            ahead += travel if number == 0 else stop.travel
            ahead += stop.service
            self._expect(stop.parcel, at, ahead, believed)

    def _expect(self, parcel: Parcel, at: int, ahead: int, pace: float) -> None:
        """Tell one parcel's ETA, `ahead` planned seconds from now, if it is new or news."""
        carrier = self._courier.carrier
        if parcel.closed or (parcel.off_at is not None and parcel.off_at <= at):
            return
        slow = (pace - 1) * carrier.eta_pace * min(ahead, PACE_LASTS)
        error = (carrier.eta_bias + parcel.eta_error) * MINUTE * min(1.0, ahead / HOUR)
        eta = at + max(MINUTE, int(ahead + slow + error))
        if parcel.eta is not None and abs(eta - parcel.eta) < TOLD_AGAIN:
            return
        parcel.eta = eta
        told = {"eta": written(eta), "by": "carrier"}
        if carrier.eta_range:
            width = 4 * MINUTE + ahead // 6
            told |= {"eta_low": written(eta - width), "eta_high": written(eta + width)}
        self._world.book.note(parcel, "eta_updated", at, f"{carrier.name}.eta", **told)
        made = parcel.effective
        if made is not None and made.precision != "date" and eta > made.end:
            parcel.warned_at = parcel.warned_at or at

    def _feel(self, took: int, stop: Stop) -> None:
        """Learn from the stop just finished how slow today is."""
        ratio = min(4.0, max(0.4, took / max(60, stop.travel + stop.service)))
        self._pace = 0.75 * self._pace + 0.25 * ratio


def _between(here: Place, there: Place, done: float) -> Place:
    return here[0] + (there[0] - here[0]) * done, here[1] + (there[1] - here[1]) * done
