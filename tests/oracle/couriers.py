"""Where couriers were, as far as it tells whether they were at a door (T5, kpis 2.9)."""

from collections import Counter, defaultdict
from datetime import date, tzinfo
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Any

from tests.oracle.events import (
    Copy,
    Event,
    Pairs,
    canonical,
    content,
    precedence,
    unknown_fields,
)
from tests.oracle.times import DAY, FAR_FUTURE, event_time, local_day

EARTH_METRES = 6_371_000
WORST_ACCURACY_METRES = 200
FASTEST_METRES_PER_MS = 200_000 / (60 * 60 * 1000)
NEAR_METRES = 75
KNOWN = 2 * DAY


def distance(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the metres between two points (haversine)."""
    north, south = radians(one["lat"]), radians(other["lat"])
    across = radians(other["lon"] - one["lon"])
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(across / 2) ** 2
    return 2 * EARTH_METRES * asin(min(1.0, sqrt(half)))


class Couriers:
    """The events of all couriers, of copies the least."""

    def __init__(self, pairs: Pairs) -> None:
        copies: dict[tuple[str, str, str], list[Copy]] = defaultdict(list)
        for at, event in pairs:
            name = (event["courier_id"], event["source"], event["event_id"])
            copies[name].append((at, canonical(event), event))
        self.told: dict[str, list[tuple[int, int, Event]]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        for (courier, *_), mine in copies.items():
            winner, *others = sorted(mine, key=precedence)
            self.counts["read"] += len(mine)
            self.counts["accepted"] += 1
            self.counts["duplicate"] += len(others)
            self.counts["unknown_fields"] += bool(unknown_fields(winner[2]))
            self.counts["id_conflict"] += sum(
                content(each[2]) != content(winner[2]) for each in others
            )
            at, _, event = winner
            self.told[courier].append((event_time(at, event, None), at, event))
        for events in self.told.values():
            events.sort(key=lambda each: (each[0], each[1], *_tie(each[2])))

    def _of(self, courier: str, kinds: set[str], known_by: int) -> list[tuple[int, Event]]:
        return [
            (happened, event)
            for happened, received, event in self.told.get(courier, [])
            if event["kind"] in kinds and received <= known_by
        ]

    def fixes(
        self, courier: str, day: date, where: tzinfo, known_by: int = FAR_FUTURE
    ) -> list[Event]:
        """Return the fixes of a local day that can be believed, in order."""
        kept: list[tuple[int, Event]] = []
        for at, fix in self._of(courier, {"position_reported"}, known_by):
            if local_day(at, where) != day or accuracy(fix) > WORST_ACCURACY_METRES:
                continue
            if kept:
                took = at - kept[-1][0]
                if took == 0 or distance(kept[-1][1], fix) > FASTEST_METRES_PER_MS * took:
                    continue
            kept.append((at, fix))
        return [fix for _, fix in kept]

    def off_shift(
        self, courier: str, at: int, where: tzinfo, known_by: int = FAR_FUTURE
    ) -> bool:
        """Tell whether an instant lies outside the shift that is known of its local day."""
        day = local_day(at, where)
        changes = [
            (when, each["kind"])
            for when, each in self._of(courier, {"shift_started", "shift_ended"}, known_by)
            if local_day(when, where) == day
        ]
        before = [(when, kind) for when, kind in changes if when <= at]
        if before:
            when, kind = before[-1]
            return kind == "shift_ended" and when < at
        return bool(changes) and changes[0][1] == "shift_started"


def _tie(event: Event) -> tuple[Any, ...]:
    """Order what was said of one instant and received together: ends before starts."""
    return event["kind"], event.get("lat"), event.get("lon"), accuracy(event)


def accuracy(fix: dict[str, Any]) -> float:
    """Return how wrong a fix may be, metres."""
    return fix.get("accuracy_m") or 0.0


def were_there(fixes: list[Event], door: dict[str, float]) -> bool:
    """Tell whether two fixes in a row were at a door."""
    near = [distance(fix, door) <= max(NEAR_METRES, accuracy(fix)) for fix in fixes]
    return any(one and other for one, other in pairwise(near))
