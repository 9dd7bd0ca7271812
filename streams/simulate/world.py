"""The simulated world: its roads, its couriers and parcels, and the book of what is said."""

from dataclasses import dataclass
from random import Random

from streams.simulate.book import Book
from streams.simulate.city import BERLIN, NEW_YORK, Incident, Traffic
from streams.simulate.fleet import Courier
from streams.simulate.parcel import HOUR, MINUTE, Parcel
from streams.simulate.scenarios import Scenario

TAIL_DAYS = 2
"""Days after the last due day on which second visits still happen."""


@dataclass(frozen=True)
class World:
    """Everything a courier's day needs; `openings`: per city, when each day's shifts begin."""

    rng: Random
    scenario: Scenario
    book: Book
    couriers: list[Courier]
    parcels: list[Parcel]
    openings: dict[str, list[int]]
    traffic: dict[str, Traffic]

    @property
    def last_day(self) -> int:
        return self.scenario.days + TAIL_DAYS - 1


def roads(
    scenario: Scenario, couriers: list[Courier], openings: dict[str, list[int]], rng: Random
) -> dict[str, Traffic]:
    """Return the traffic of each city, with incidents where couriers drive."""
    traffic = {}
    for city in (BERLIN, NEW_YORK):
        driven = sorted({each.district for each in couriers if each.carrier.city is city})
        incidents: list[Incident] = []
        for opens in openings[city.name][: scenario.days] if driven else ():
            incidents += _incidents(scenario, driven, opens, rng)
        traffic[city.name] = Traffic(city, scenario.traffic, tuple(incidents))
    return traffic


def _incidents(
    scenario: Scenario, driven: list[str], opens: int, rng: Random
) -> list[Incident]:
    jammed = rng.sample(driven, min(scenario.incidents, len(driven)))
    if scenario.days > 1 and rng.random() < 0.7:  # noqa: PLR2004 - most days of a long file are quiet
        jammed = []
    incidents = []
    for district in jammed:
        if scenario.wave_minutes is None:
            begins = opens + rng.randint(HOUR, 5 * HOUR)
        else:
            begins = opens + (scenario.wave_minutes + rng.randint(-12, 4)) * MINUTE
        ends = begins + rng.randint(*scenario.incident_minutes) * MINUTE
        incidents.append(Incident(district, begins, ends, scenario.slowdown))
    return incidents
