"""The couriers: who drives where today, and in which order the stops are planned."""

from dataclasses import dataclass
from random import Random

from streams.simulate.carriers import CARRIERS, Carrier
from streams.simulate.city import DETOUR, Place, Traffic, metres
from streams.simulate.fates import SERVICE_SECONDS
from streams.simulate.parcel import MINUTE, Parcel


@dataclass
class Courier:
    """A courier of one carrier in one district.

    `ahead`: seconds the device's clock runs ahead. `pace`: true travel time over the usual.
    """

    courier_id: str
    carrier: Carrier
    district: str
    depot: Place
    ahead: int
    pace: float
    said: int = 0


@dataclass
class Stop:
    """A stop of a route as planned: metres of road to it, seconds of travel and at the door."""

    parcel: Parcel
    road: float
    travel: int
    service: int


def hire(couriers: int, orders: int, noise: float, rng: Random) -> list[Courier]:
    """Return the couriers, of as many carriers as there can be; districts in turn."""
    carriers = CARRIERS[: max(1, min(couriers, len(CARRIERS), orders))]
    whole = sum(carrier.share for carrier in carriers)
    seats = [max(1, int(carrier.share / whole * couriers)) for carrier in carriers]
    while sum(seats) < couriers:
        seats[sum(seats) % len(seats)] += 1
    while sum(seats) > couriers:
        seats[seats.index(max(seats))] -= 1
    hired: list[Courier] = []
    for carrier, count in zip(carriers, seats, strict=True):
        for number in range(count):
            districts = sorted(carrier.city.districts)
            district = districts[number % len(districts)]
            depot = carrier.city.depots[number % len(carrier.city.depots)]
            skewed = rng.random() < 0.03 * noise
            ahead = rng.randint(4 * MINUTE, 45 * MINUTE) if skewed else 0
            pace = carrier.pace * rng.uniform(0.93, 1.07)
            name = f"{carrier.name}-c{number + 1:02}"
            hired.append(Courier(name, carrier, district, depot, ahead, pace))
    if not any(courier.ahead for courier in hired) and len(hired) > len(carriers):
        hired[-1].ahead = 40 * MINUTE
    return hired


def route(depot: Place, parcels: list[Parcel], traffic: Traffic, departs: int) -> list[Stop]:
    """Plan the stops, nearest next, and tell each parcel when the plan brings it.

    A parcel of an unfinished leg goes last, as what was left over yesterday does.
    """
    stops: list[Stop] = []
    at, here, left = departs, depot, list(parcels)
    while left:
        parcel = min(
            left, key=lambda each: (each.left_at is not None, metres(here, each.place))
        )
        left.remove(parcel)
        road = metres(here, parcel.place) * DETOUR + 40
        travel = int(road / traffic.usual(at))
        service = SERVICE_SECONDS[parcel.stop_type]
        at += travel
        parcel.planned_at = at
        stops.append(Stop(parcel, road, travel, service))
        at, here = at + service, parcel.place
    return stops


def stretch(stops: list[Stop], departs: int, hours: float) -> None:
    """Lengthen the time at the doors where a route would be over too soon for its shift."""
    natural = sum(stop.travel + stop.service for stop in stops)
    wanted = hours * 60 * MINUTE
    service = sum(stop.service for stop in stops)
    factor = min(3.0, max(0.8, 1 + (wanted - natural) / max(1, service)))
    at = departs
    for stop in stops:
        stop.service = int(stop.service * factor)
        at += stop.travel
        stop.parcel.planned_at = at
        at += stop.service
