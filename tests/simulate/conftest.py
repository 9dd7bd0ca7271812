"""The simulated days the tests look at, each lived once."""

from functools import cache

import pytest

from streams.simulate import DaySpec, day


@cache
def lived(scenario: str, seed: int = 7):
    small = scenario == "quarter"
    orders, couriers = (600, 6) if small else (1_500, 50)
    return day(DaySpec(scenario=scenario, seed=seed, orders=orders, couriers=couriers))


@pytest.fixture(scope="session")
def a_day():
    """A function of scenario and seed: 1,500 orders with 50 couriers, a quarter 600 with 6."""
    return lived
