"""How far a courier is along a route: arrivals and departures, out of fixes that may be wrong.

A fix known less well than 200 m, or that nobody can have driven to, does not count; one that
jumps counts when the next does not jump back. One wrong fix makes no arrival and no departure:
both take two fixes in a row, or twenty seconds. In at 75 m or the fix's accuracy, out at one
and a half times that (kpis 2.9).
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from models.base import Millis
from streams.domain.courier.knowledge import PACE
from streams.domain.courier.route import Halt
from streams.domain.geo import metres_between
from streams.domain.silence import ARRIVED_MS, LEAVES
from streams.domain.visits import FARTHEST_DEGREES, FASTEST_MPS, WORST_ACCURACY_M, Fix, at_door
from streams.domain.zones import MINUTE_MS

LOOKED_AT = 8  # of the halts to come so many are looked for at a fix
PASSING_MS = MINUTE_MS  # a stay at a door out of turn is an arrival only after so long
BRIEFEST_MS = 20_000  # who stayed shorter has only passed by
GAP_MS = 3 * MINUTE_MS  # between two fixes: beyond it nothing is said of the middle
BELIEVED_AGAIN = 3  # so many fixes in a row that cannot be: then the one before them was wrong
JUMP_M, JUMP_MPS = 200.0, 6.0  # farther and faster than both: believed if the next agrees
SPIKE = 2.0  # there and back is so many times as far as straight on: it was not there
ASTRAY = 1.5  # times the leg, and a kilometre: farther from both its ends is off the route
ASTRAY_M = 1_000.0


class Seen(NamedTuple):
    """A fix that counts; epoch milliseconds, degrees WGS-84, metres."""

    at: Millis
    lat: float
    lon: float
    accuracy_m: float


class Came(NamedTuple):
    """The courier came to a halt."""

    halt: int
    at: Millis


class Went(NamedTuple):
    """The courier left a halt after having come there.

    `left` is where and when the leg there began; None if that is not known, or if a halt in
    between was not seen to be served.
    """

    halt: int
    came_at: Millis
    at: Millis
    left: Seen | None


class Progress(msgspec.Struct, array_like=True):
    """Where on the route a courier is.

    `here` is the halt the courier is at (-1: under way) since
    `came_at`; `door` the one where an arrival may be in the making since `since`, probably
    since `comes_at`, with `inside` fixes in a row. `away` is the first fix outside a halt that
    was not left yet, `away_before` the fix before it. `left` is where and when the present leg
    began. `fix` is the last one believed, `held` one after it that waits for the next to agree.
    `reached` is the farthest halt the courier came to: those passed over are not waited
    for.
    """

    here: int = -1
    came_at: Millis = 0
    door: int = -1
    since: Millis = 0
    comes_at: Millis = 0
    inside: int = 0
    away: Seen | None = None
    away_before: Seen | None = None
    reached: int = -1
    passed: int = -1
    left: Seen | None = None
    fix: Seen | None = None
    held: Seen | None = None
    refused: int = 0
    astray: int = 0

    def take(self, fix: Fix, route: Sequence[Halt]) -> list[Came | Went] | None:
        """Take a fix; return what happened at doors by it, None if it does not count."""
        if fix.accuracy_m > WORST_ACCURACY_M:
            return None
        seen, last = Seen(fix.at, fix.lat, fix.lon, fix.accuracy_m), self.fix
        if last is None:
            self.fix, self.refused = seen, 0
            return []
        if seen.at <= last.at:
            return None
        metres = _metres(last, seen)
        if not _reachable(metres, last, seen) and self.refused < BELIEVED_AGAIN:
            self.refused += 1
            return None
        self.refused = 0
        found: list[Came | Went] = []
        held, self.held = self.held, None
        if held is not None and not _spike(last, held, seen):
            found += self._move(held, last, route)
            last, metres = held, _metres(held, seen)
        if _jumps(metres, last, seen):
            self.held = seen
        else:
            found += self._move(seen, last, route)
        return found

    def _move(self, seen: Seen, last: Seen, route: Sequence[Halt]) -> list[Came | Went]:
        """Go on to a fix that is believed."""
        self.fix = seen
        return list(self._happens(seen, last, route)) if route else []

    def next_halts(self, route: Sequence[Halt]) -> range:
        """Return the halts to come, in order."""
        return range(self.reached + 1, len(route))

    @property
    def off_route(self) -> bool:
        """Tell whether two fixes in a row lay far from both ends of the leg."""
        return self.astray > 1

    def _happens(
        self, seen: Seen, before: Seen, route: Sequence[Halt]
    ) -> Iterator[Came | Went]:
        if self.here >= 0:
            if self._is_there(seen, route):
                self.away = None
                return
            if self.away is None:
                self.away, self.away_before = seen, before
                return
            first, first_before = self.away, self.away_before or seen
            yield from self._go(route[self.here], first_before.at, first)
            yield from self._seek(first, first_before, route)
            before = first
        yield from self._seek(seen, before, route)

    def _is_there(self, seen: Seen, route: Sequence[Halt]) -> bool:
        """Tell whether the courier still is where he was, and not at the next door already."""
        here, number = route[self.here], self.reached + 1
        if not _at(seen, here, LEAVES):
            return False
        if number == len(route) or not _at(seen, route[number], 1.0):
            return True
        return _metres(seen, here) <= _metres(seen, route[number])

    def _go(self, halt: Halt, before: Millis, first: Seen) -> Iterator[Went]:
        """Leave the halt; who was there too briefly has not been there."""
        number, self.here, self.away = self.here, -1, None
        at = max(before, first.at - round(_metres(first, halt) * PACE * 1_000))
        if at - self.came_at < BRIEFEST_MS:
            self.reached = self.passed
            return
        direct = self.passed == number - 1
        yield Went(number, self.came_at, at, self.left if direct else None)
        self.left = Seen(at, halt.lat, halt.lon, 0.0)

    def _seek(self, seen: Seen, before: Seen, route: Sequence[Halt]) -> Iterator[Came]:
        """Look for the halt the courier may be coming to."""
        if self.here >= 0:
            return
        if self.door >= 0:
            if _at(seen, route[self.door], 1.0):
                self.inside += 1
            elif not _at(seen, route[self.door], LEAVES):
                self.door = -1
        if self.door != self.reached + 1:
            self._notice(seen, before, route)
        if self.door >= 0 and self._stays(seen.at):
            self.here, self.came_at, self.door = self.door, self.comes_at, -1
            self.passed, self.reached = self.reached, self.here
            yield Came(self.here, self.came_at)

    def _notice(self, seen: Seen, before: Seen, route: Sequence[Halt]) -> None:
        """Note the first door to come that a fix lies at; one out of turn gives way."""
        coming = self.next_halts(route)[:LOOKED_AT]
        door = -1
        for each in coming:
            if _at(seen, route[each], 1.0):
                door = each
                break
        if door >= 0 and (self.door < 0 or door < self.door):
            self.door, self.since, self.inside = door, seen.at, 1
            self.comes_at = _comes(before, seen, route[door])

    def _stays(self, at: Millis) -> bool:
        if self.door > self.reached + 1:
            return at - self.since >= PASSING_MS
        return self.inside > 1 or at - self.since >= ARRIVED_MS

    def stray(self, route: Sequence[Halt]) -> None:
        """Count fixes in a row that lie far from where the leg began and from where it ends.

        To be asked of fixes that are not where the courier was expected.
        """
        coming, seen = self.next_halts(route), self.fix
        if self.here >= 0 or self.left is None or seen is None or not coming:
            self.astray = 0
            return
        goal = route[coming[0]]
        leg, way, rest = _metres(self.left, goal), _metres(self.left, seen), _metres(seen, goal)
        far = ASTRAY * leg + ASTRAY_M
        self.astray = self.astray + 1 if min(way, rest) > far - leg / 2 else 0


def _comes(before: Seen, first: Seen, halt: Halt) -> Millis:
    """Return when the door was reached: by the last fix outside, but by the first inside."""
    latest = first.at + round(_metres(first, halt) * PACE * 1_000)
    if first.at - before.at > GAP_MS:
        return latest
    driven = before.at + round(_metres(before, halt) * PACE * 1_000)
    return max(before.at, min(driven, latest))


def _reachable(metres: float, one: Seen, other: Seen) -> bool:
    return metres <= FASTEST_MPS * (other.at - one.at) / 1_000


def _metres(one: Seen, other: Seen | Halt) -> float:
    return metres_between(one.lat, one.lon, other.lat, other.lon)


def _jumps(metres: float, one: Seen, other: Seen) -> bool:
    """Tell whether a fix is so far from the one before that the next has to agree."""
    return metres > JUMP_M and metres * 1_000 > JUMP_MPS * (other.at - one.at)


def _spike(one: Seen, middle: Seen, other: Seen) -> bool:
    """Tell whether a fix in the middle is far off the way between its neighbours."""
    way = _metres(one, middle) + _metres(middle, other)
    return way > SPIKE * max(_metres(one, other), JUMP_M / 2)


def _at(seen: Seen, halt: Halt, times: float) -> bool:
    if abs(seen.lat - halt.lat) > FARTHEST_DEGREES * times:
        return False
    fix = Fix(seen.at, seen.at, seen.lat, seen.lon, seen.accuracy_m)
    return at_door(fix, halt.lat, halt.lon, times=times)
