"""Distances on the earth, taken as a sphere of radius 6,371 km (kpis 2.12 T5)."""

from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000.0


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return the great-circle distance of two places by the haversine formula.

    Degrees of WGS-84 in, metres out.
    """
    here, there = radians(lat), radians(other_lat)
    north, east = there - here, radians(other_lon - lon)
    a = sin(north / 2) ** 2 + cos(here) * cos(there) * sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(a)))
