"""The ground the couriers drive on: cities, districts, depots and the speed of traffic."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

METRES_PER_DEGREE = 111_195.0
DETOUR = 1.3
"""Metres of road for a metre as the crow flies."""

Place = tuple[float, float]
"""Latitude and longitude, WGS-84 degrees."""


@dataclass(frozen=True)
class City:
    """A city: its IANA zone, its districts with their centres, and its depots."""

    name: str
    zone: str
    districts: dict[str, Place]
    depots: tuple[Place, ...]

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


BERLIN = City(
    "berlin",
    "Europe/Berlin",
    {
        "mitte": (52.5200, 13.4050),
        "neukoelln": (52.4810, 13.4350),
        "charlottenburg": (52.5160, 13.3040),
        "pankow": (52.5690, 13.4020),
        "steglitz": (52.4560, 13.3320),
    },
    ((52.4700, 13.3850), (52.5330, 13.5200)),
)
NEW_YORK = City(
    "new_york",
    "America/New_York",
    {
        "midtown": (40.7550, -73.9840),
        "harlem": (40.8110, -73.9460),
        "brooklyn": (40.6780, -73.9440),
        "queens": (40.7420, -73.8500),
        "bronx": (40.8450, -73.8800),
    },
    ((40.7230, -73.9150), (40.8080, -73.8900)),
)

USUAL_SPEED = (
    *(9.5, 9.5, 9.5, 9.5, 9.5, 9.0, 7.8, 6.6, 6.2, 6.8, 7.2, 7.2),
    *(7.0, 7.0, 6.8, 6.4, 5.9, 5.6, 6.0, 6.8, 7.6, 8.4, 9.0, 9.5),
)
"""Metres a second in the streets by local hour, the stops at lights included."""


@dataclass(frozen=True)
class Incident:
    """Slow roads in one district between two instants (epoch seconds)."""

    district: str
    begins: int
    ends: int
    slowdown: float


@dataclass(frozen=True)
class Traffic:
    """How fast one really gets along in a city; the planners know only `usual`."""

    city: City
    factor: float
    incidents: tuple[Incident, ...]

    def usual(self, at: int) -> float:
        """Return the usual speed at an instant, in metres a second."""
        return USUAL_SPEED[datetime.fromtimestamp(at, self.city.tz).hour]

    def speed(self, at: int, district: str) -> float:
        """Return the true speed at an instant in a district, in metres a second."""
        speed = self.usual(at) * self.factor
        for incident in self.incidents:
            if incident.district == district and incident.begins <= at < incident.ends:
                speed *= incident.slowdown
        return speed

    def drive(self, at: int, district: str, metres: float) -> int:
        """Return the seconds a drive of so many metres takes that begins at `at`."""
        driven, seconds = 0.0, 0
        while True:
            speed = self.speed(at + seconds, district)
            if metres - driven <= 60 * speed:
                return seconds + math.ceil((metres - driven) / speed)
            driven += 60 * speed
            seconds += 60


def metres(a: Place, b: Place) -> float:
    """Return the metres between two places of one city as the crow flies."""
    east = (b[1] - a[1]) * math.cos(math.radians((a[0] + b[0]) / 2))
    return math.hypot(b[0] - a[0], east) * METRES_PER_DEGREE


def shifted(place: Place, north: float, east: float) -> Place:
    """Return the place so many metres north and east of another."""
    lat = place[0] + north / METRES_PER_DEGREE
    lon = place[1] + east / METRES_PER_DEGREE / math.cos(math.radians(place[0]))
    return round(lat, 6), round(lon, 6)


def wall(city: City, day: date, hours: float) -> int:
    """Return the instant (epoch seconds) of a wall time, `hours` after the local midnight."""
    local = datetime.combine(day, time()) + timedelta(hours=hours)
    return int(local.replace(tzinfo=city.tz).timestamp())


def local_day(at: int, zone: ZoneInfo) -> date:
    """Return the local calendar day of an instant (epoch seconds)."""
    return datetime.fromtimestamp(at, zone).date()


def written(at: int, zone: ZoneInfo | None = None) -> str:
    """Write an instant as RFC 3339, with the zone's offset or with Z."""
    if zone is not None:
        return datetime.fromtimestamp(at, zone).isoformat()
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
