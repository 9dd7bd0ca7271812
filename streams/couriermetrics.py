"""Couriers who fell silent, for Prometheus: looked up when a scrape asks.

Whoever is silent sends nothing new, so a courier is looked at once after his last word, and
only if that is ten minutes old: a scrape of many couriers on the road is a comparison each.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.base import Millis
from streams.couriers import COURIER, CouriersFold
from streams.domain.silence import MOVING_MS, Place, silent_from
from streams.domain.visits import Fix, Path
from streams.domain.zones import DAY_MS
from streams.metrics import Names

# What a courier said last: position, route and shift, by when.
_Heard = tuple[Millis, Millis, Millis]


class CourierCollector(Collector):
    """How many couriers of each carrier are silent with stops to come."""

    def __init__(self, names: Names, folds: Callable[[], Iterable[CouriersFold]]) -> None:
        self._names = names
        self._folds = folds
        self._seen: dict[bytes, tuple[_Heard, Millis | None]] = {}

    def describe(self) -> Iterable[Metric]:
        """Promise nothing: whose couriers there are depends on what is owned."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield the gauge; a carrier one of whose couriers has a route is there with 0."""
        silent: Counter[str] = Counter()
        for fold in self._folds():
            for key, row in fold.couriers.items():
                if "route" in row:
                    carrier = self._names.carrier(row["carrier"])
                    silent[carrier] += self._is_silent(fold, key, row)
        gauge = GaugeMetricFamily(
            "tower_couriers_silent",
            "Couriers of whom nothing is heard though stops are to come.",
            labels=["carrier"],
        )
        for carrier, count in silent.items():
            gauge.add_metric([carrier], count)
        yield gauge

    def _is_silent(self, fold: CouriersFold, key: bytes, row: dict[str, Any]) -> bool:
        position, shift = row.get("position"), row.get("shift")
        clock = fold.marks.clock
        if position is None or (shift is not None and not shift["on"]):
            return False
        if not MOVING_MS <= clock - position["at"] < DAY_MS:
            return False  # heard of just now, or given up
        heard = (position["at"], row["route"]["at"], 0 if shift is None else shift["at"])
        known = self._seen.get(key)
        if known is None or known[0] != heard:
            known = self._seen[key] = heard, _silent_from(fold, key, row)
        return known[1] is not None and clock >= known[1]


def _silent_from(fold: CouriersFold, key: bytes, row: dict[str, Any]) -> Millis | None:
    """Look at the last day before a courier's last position."""
    courier_id, at = key[len(COURIER) :].decode(), row["position"]["at"]
    path = Path()
    said = fold.sightings.of(courier_id, at - DAY_MS, at + 1, at + DAY_MS)
    for fix in sorted(each for each in said if isinstance(each, Fix)):
        path.add(fix)
    stops = [Place(lat, lon) for _, lat, lon, *_ in row["route"]["stops"]]
    return silent_from(path.chain(), stops)
