"""Seeded delivery days: the one generator of stories for tests and demo."""

from streams.simulate.day import Day, DaySpec, day
from streams.simulate.scenarios import SCENARIOS

__all__ = ["SCENARIOS", "Day", "DaySpec", "day"]
