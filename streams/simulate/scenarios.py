"""The scenarios of the simulator as one table: what kind of day it is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """What makes one kind of day: traffic, noise, length.

    `traffic` multiplies the usual speed (below 1 is slower than the planners think);
    `slowdown` multiplies it again inside an incident. `noise` multiplies the shares of
    repeated, late and skewed messages. `days` is how many days orders fall due on,
    `fix_seconds` the pause between two positions of a moving courier. `wave_minutes`: the
    shifts began that long before the given start in every city, not in the local morning.
    """

    about: str
    traffic: float = 0.95
    incidents: int = 1
    incident_minutes: tuple[int, int] = (50, 110)
    slowdown: float = 0.45
    noise: float = 1.0
    days: int = 1
    fix_seconds: int = 45
    route_hours: float = 7.0
    wave_minutes: int | None = None
    contacts: float = 0.95


SCENARIOS = {
    "calm": Scenario("free roads, hardly anybody late", traffic=1.03, incidents=0),
    "mixed": Scenario("an ordinary day with one incident a city"),
    "rush": Scenario(
        "heavy traffic everywhere, many late",
        traffic=0.74,
        incidents=3,
        incident_minutes=(90, 180),
        slowdown=0.35,
    ),
    "hostile_day": Scenario("an ordinary day told badly: repeats, late scans, skew", noise=5.0),
    "quarter": Scenario(
        "four months at low volume: rows end, ids come back, scans arrive after maturity",
        days=121,
        fix_seconds=300,
        route_hours=4.0,
    ),
    "month": Scenario(
        "four weeks of ordinary days, one incident a city",
        days=28,
        fix_seconds=300,
        route_hours=5.0,
    ),
    "demo": Scenario(
        "the start lies in the middle of a wave, and roads are about to jam",
        traffic=0.97,
        incidents=2,
        incident_minutes=(100, 150),
        slowdown=0.3,
        fix_seconds=40,
        wave_minutes=150,
        contacts=1.0,
    ),
}
