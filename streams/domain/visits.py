"""Was a courier at a door: what positions in a row and shifts say (kpis 2.9, 2.12 T5).

Pure, and the same in whatever order fixes become known: a fix's place in the row is its own
time. What a new fix changes is told as a piece of the row before and after, so that every
door asked about is brought up to date without a look at the whole day.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from models.base import Millis
from streams.domain.geo import metres_between
from streams.domain.presence import Presence, Question

NEAR_M = 75.0  # within this of a door, or within its own accuracy, a fix is at the door
WORST_ACCURACY_M = 200.0  # fixes known less well are dropped
FASTEST_MPS = 200 / 3.6  # what would have taken more than 200 km/h is dropped
FARTHEST_DEGREES = 0.002  # of latitude: more than 200 m, so farther than any fix at a door


class Fix(NamedTuple):
    """A measured place; instants in epoch milliseconds, degrees WGS-84, metres (0: not said).

    Fixes of one instant stand in the order of their receipt, then of their coordinates.
    """

    at: Millis
    received_at: Millis
    lat: float
    lon: float
    accuracy_m: float


class Turn(NamedTuple):
    """A shift that starts, or ends; instants in epoch milliseconds."""

    at: Millis
    received_at: Millis
    starts: bool


Chain = list[Fix]


class Path:
    """One courier's fixes by their own time, those left out that cannot be right (2.9).

    A fix counts if it can have been reached from the last that counts at `FASTEST_MPS`; of
    several at one instant the first counts.
    """

    __slots__ = ("_counts", "_fixes")

    def __init__(self) -> None:
        self._fixes: list[Fix] = []
        self._counts: list[bool] = []

    def __len__(self) -> int:
        return len(self._fixes)

    def add(self, fix: Fix) -> tuple[Chain, Chain]:
        """Take a fix; return the piece of the row that changed, as it was and as it is."""
        if fix.accuracy_m > WORST_ACCURACY_M:
            return [], []
        place = bisect_left(self._fixes, fix)
        self._fixes.insert(place, fix)
        self._counts.insert(place, False)
        return self._walk(place, [])

    def remove(self, fix: Fix) -> tuple[Chain, Chain]:
        """Take a fix back; return the piece of the row that changed, as `add` does."""
        if fix.accuracy_m > WORST_ACCURACY_M:
            return [], []
        place = bisect_left(self._fixes, fix)
        del self._fixes[place]
        return self._walk(place, [fix] if self._counts.pop(place) else [])

    def chain(self) -> Chain:
        """Return the fixes that count."""
        return [fix for fix, counts in zip(self._fixes, self._counts, strict=True) if counts]

    def _walk(self, place: int, gone: Chain) -> tuple[Chain, Chain]:
        """Find out anew what counts from a place on, until it is as it was before."""
        first = place - 1
        while first >= 0 and not self._counts[first]:
            first -= 1
        after = [self._fixes[first]] if first >= 0 else []
        before = [*after, *gone]
        for number in range(place, len(self._fixes)):
            fix, counted = self._fixes[number], self._counts[number]
            counts = self._counts[number] = not after or _reachable(after[-1], fix)
            if counted:
                before.append(fix)
            if counts:
                after.append(fix)
                if counted:
                    break
        return before, after


def _reachable(one: Fix, other: Fix) -> bool:
    """Tell whether the second fix is later, and not too far away for that."""
    seconds = (other.at - one.at) / 1_000
    metres = metres_between(one.lat, one.lon, other.lat, other.lon)
    return seconds > 0 and metres <= FASTEST_MPS * seconds


def pairs_at_door(chain: Iterable[Fix], lat: float, lon: float) -> int:
    """Return how many times two fixes in a row lie at a door."""
    return sum(
        at_door(one, lat, lon) and at_door(other, lat, lon) for one, other in pairwise(chain)
    )


def at_door(fix: Fix, lat: float, lon: float, *, times: float = 1.0) -> bool:
    """Tell whether a fix lies within so many times 75 m, or its own accuracy, of a door."""
    if abs(fix.lat - lat) > FARTHEST_DEGREES * times:
        return False
    return metres_between(fix.lat, fix.lon, lat, lon) <= times * max(NEAR_M, fix.accuracy_m)


def on_shift(turns: Iterable[Turn], at: Millis) -> bool | None:
    """Tell whether an instant lies in a shift, its ends included; None if none is known.

    The last turn before decides. Where there is none the next one does: what ends later had
    begun, what starts later had not.
    """
    found: bool | None = None
    for turn in sorted(turns):
        if turn.at < at or (turn.at == at and turn.starts):
            found = turn.starts
        elif turn.at == at or found is None:
            return not turn.starts
        else:
            break
    return found


class Day:
    """What is known of one courier on one local day, and what is asked about it.

    `asked` holds for each question how many pairs of fixes lie at its door.
    """

    __slots__ = ("asked", "path", "turns")

    def __init__(self) -> None:
        self.path = Path()
        self.turns: list[Turn] = []
        self.asked: dict[Question, int] = {}

    def ask(self, question: Question) -> None:
        """Let a question be answered from now on."""
        if question not in self.asked:
            self.asked[question] = self._pairs(self.path.chain(), question)

    def add(self, said: Fix | Turn) -> None:
        """Take what a courier said of this day."""
        if isinstance(said, Turn):
            insort(self.turns, said)
        else:
            self._change(*self.path.add(said))

    def remove(self, said: Fix | Turn) -> None:
        """Take it back: another copy of the same event is the event."""
        if isinstance(said, Turn):
            self.turns.remove(said)
        else:
            self._change(*self.path.remove(said))

    def answer(self, question: Question) -> Presence:
        """Return what is known, to a question asked before."""
        near = None if question.lat is None or not self.path else self.asked[question] > 0
        return Presence(near, on_shift(self.turns, question.at))

    def _change(self, before: Chain, after: Chain) -> None:
        for question in self.asked:
            self.asked[question] += self._pairs(after, question) - self._pairs(before, question)

    @staticmethod
    def _pairs(chain: Chain, question: Question) -> int:
        if question.lat is None or question.lon is None:
            return 0
        return pairs_at_door(chain, question.lat, question.lon)
