"""A seeded delivery day: everything that is said in it, the truth, and the customers.

The same description gives the same bytes. The world is lived once, courier by courier; what
is told of it (late, twice, by a wrong clock) and what is true of it come from the same life.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from streams.errors import TowerError
from streams.simulate.afterwards import afterwards
from streams.simulate.book import Book
from streams.simulate.city import BERLIN, NEW_YORK, City, local_day, wall, written
from streams.simulate.contacts import contacts
from streams.simulate.drive import drive
from streams.simulate.fleet import Courier, hire
from streams.simulate.orders import order
from streams.simulate.parcel import HOUR, MINUTE, Json, Parcel
from streams.simulate.scenarios import SCENARIOS, Scenario
from streams.simulate.truth import truth
from streams.simulate.world import TAIL_DAYS, World, roads

SHIFT_BEGINS = 7.5
"""Hours after the local midnight at which the couriers begin."""
STRAYS = 400
"""One order in so many is never promised: the tower hears only of its end."""


@dataclass(frozen=True)
class DaySpec:
    """What to simulate. The day is that of `start` in each city; see the scenario `demo`."""

    orders: int = 2_000
    couriers: int = 50
    seed: int = 7
    start: datetime = datetime(2026, 3, 3, 6, tzinfo=UTC)
    scenario: str = "mixed"


@dataclass(frozen=True)
class Day:
    """Events in the order they are received, the truth by order, one contact a customer."""

    events: list[Json]
    truth: list[Json]
    contacts: list[Json]


def day(spec: DaySpec) -> Day:
    """Simulate; the same spec gives the same day."""
    _check(spec)
    rng = Random(spec.seed)  # noqa: S311 - a seeded story, not a secret
    scenario = SCENARIOS[spec.scenario]
    world, strays = _world(spec, scenario, rng)
    for number in range(world.last_day + 1):
        _live(world, number)
    for parcel in world.parcels:
        afterwards(parcel, world.book, scenario.days, rng)
    lines = [truth(parcel) for parcel in world.parcels]
    lines += _strays(world, strays, int(spec.start.timestamp()))
    world.book.blemish()
    people = contacts(world.parcels, scenario, rng)
    return Day([event for _, event in world.book.events()], lines, people)


def _check(spec: DaySpec) -> None:
    if spec.scenario not in SCENARIOS:
        known = ", ".join(sorted(SCENARIOS))
        raise TowerError(f"There is no scenario {spec.scenario!r}; there are: {known}.")
    if spec.orders < 1 or spec.couriers < 1:
        raise TowerError("A day needs at least one order and one courier.")
    if spec.start.utcoffset() is None:
        raise TowerError("The start needs an offset, as in 2026-03-03T06:00:00+01:00.")
    if not datetime(2001, 1, 1, tzinfo=UTC) < spec.start < datetime(2099, 1, 1, tzinfo=UTC):
        raise TowerError("The start must lie between the years 2001 and 2098.")


def _world(spec: DaySpec, scenario: Scenario, rng: Random) -> tuple[World, int]:
    strays = max(1, spec.orders // STRAYS) if spec.orders >= 50 else 0  # noqa: PLR2004
    couriers = hire(spec.couriers, spec.orders, scenario.noise, rng)
    prefix = f"{spec.scenario[0]}{spec.seed}"
    parcels = order(spec.orders - strays, couriers, scenario, prefix, rng)
    openings = {city.name: _openings(city, spec.start, scenario) for city in (BERLIN, NEW_YORK)}
    traffic = roads(scenario, couriers, openings, rng)
    book = Book(rng, scenario.noise, scenario.days)
    return World(rng, scenario, book, couriers, parcels, openings, traffic), strays


def _openings(city: City, start: datetime, scenario: Scenario) -> list[int]:
    """Return the beginning of every day's shifts in a city, epoch seconds."""
    begins = int(start.timestamp())
    days = range(scenario.days + TAIL_DAYS)
    if scenario.wave_minutes is not None:
        return [begins - scenario.wave_minutes * MINUTE + 24 * HOUR * each for each in days]
    first = local_day(begins, city.tz)
    return [wall(city, first + timedelta(days=each), SHIFT_BEGINS) for each in days]


def _live(world: World, number: int) -> None:
    """Live one day: a carrier's couriers of a district share its parcels there."""
    waiting: dict[tuple[str, str], list[Parcel]] = defaultdict(list)
    for parcel in world.parcels:
        if parcel.day == number and not parcel.closed:
            waiting[parcel.carrier.name, parcel.district].append(parcel)
    crews: dict[tuple[str, str], list[Courier]] = defaultdict(list)
    for courier in world.couriers:
        crews[courier.carrier.name, courier.district].append(courier)
    for key, crew in crews.items():
        parcels = sorted(waiting[key], key=lambda parcel: parcel.place)
        for index, courier in enumerate(crew):
            first, last = (len(parcels) * each // len(crew) for each in (index, index + 1))
            if parcels[first:last]:
                drive(world, courier, parcels[first:last], number)


def _strays(world: World, count: int, start: int) -> list[Json]:
    """Note handovers nobody announced, and feedback on orders nobody knows."""
    lines = []
    for number in range(count):
        at = start + world.rng.randint(2 * HOUR, 8 * HOUR)
        order_id = f"x{world.parcels[0].order_id}-{number + 1}"
        told: Json = {"event_id": f"{order_id}.1", "order_id": order_id, "source": "walkin.app"}
        world.book.stray(told | {"kind": "delivered", "to": "consignee"}, at)
        world.book.stray(
            told | {"order_id": f"y{order_id}", "kind": "feedback_given", "csat": 2},
            at + HOUR,
        )
        lines.append(
            {
                "order_id": order_id,
                "carrier": "unknown",
                "promised_end": None,
                "handover": written(at),
                "late": False,
                "outcome": "excluded",
                "first_attempt": "succeeded",
            }
        )
    return lines
