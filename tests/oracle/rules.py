"""The rules by which the second implementation judges, as plain data."""

from typing import Any

RULES: dict[str, Any] = {
    "grace_minutes": {"window": 0, "instant": 15, "date": 0},
    "early_minutes": 15,
    "day_end": "24:00",
    "maturity_days": 7,
    "neighbour_counts": False,
    "ended_days": 30,
    "silent_days": 90,
    "stub_days": 365,
    "carriers": {},
}
