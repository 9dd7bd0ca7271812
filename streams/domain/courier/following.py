"""One courier followed along a route: a fix in, what is to be told and what was learnt out.

Most fixes change nothing: the courier is where he was expected to be. Then few distances are
taken, to the fix before, the next door and doors that are near, and that is all. What is
expected of the whole route is worked out anew when something happened at a door, when two
fixes in a row say that the next arrival has moved, and every few minutes.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from models.base import Millis
from streams.domain.courier.expecting import Expected, expect, rest_of_stay
from streams.domain.courier.knowledge import Knowledge, Learnt, Leg
from streams.domain.courier.progress import Progress, Went
from streams.domain.courier.route import Halt
from streams.domain.courier.spread import Spread
from streams.domain.courier.telling import LEAST_MOVE, Told, is_news, stage_of
from streams.domain.geo import metres_between
from streams.domain.visits import Fix
from streams.domain.zones import MINUTE_MS

AGAIN_MS = 10 * MINUTE_MS  # after so long the whole route is looked at again
FARTHEST_STOPS = 60  # of so many halts ahead something is told
FARTHEST_SECONDS = 24 * 3_600.0  # and nothing of what is farther away than a day


class Saying(NamedTuple):
    """What an order is to be told as of `at`, and how many halts are served before its own."""

    order_id: str
    told: Told
    halts_ahead: int
    at: Millis


class Following(msgspec.Struct, array_like=True):
    """The state of one courier on a route.

    `looked_at` is when the whole route was looked at last; by then the next arrival, or the
    departure, was expected at `next_at`; `pace` is in seconds a metre. `doubted`: the last fix
    said otherwise.
    """

    progress: Progress = msgspec.field(default_factory=Progress)
    told: dict[str, Told] = {}
    looked_at: Millis = 0
    next_at: Millis = 0
    next_halt: int = -1
    pace: float = 0.0
    doubted: bool = False

    def plan(self, route: Sequence[Halt]) -> None:
        """Begin a route; what its orders were told stays known, and where the courier is."""
        orders = {order for halt in route for order in halt.orders}
        self.told = {order: told for order, told in self.told.items() if order in orders}
        before = self.progress
        self.progress = Progress(fix=before.fix, left=before.left)
        self.looked_at = 0

    def take(
        self, fix: Fix, route: Sequence[Halt], knowledge: Knowledge
    ) -> tuple[list[Saying], list[Learnt]]:
        """Take a fix; return what to tell, and what the visit that it ended taught."""
        happened = self.progress.take(fix, route)
        if happened is None or not route:
            return [], []
        if not happened and self._as_expected(fix, route, knowledge):
            return [], []
        self.progress.stray(route)
        said: list[Saying] = []
        learnt: list[Learnt] = []
        for each in happened:
            if isinstance(each, Went):
                learnt.append(_learnt(each, route))
                said += self._leave(each, route[each.halt])
        return said + list(self._look(route, knowledge)), learnt

    def _as_expected(self, fix: Fix, route: Sequence[Halt], knowledge: Knowledge) -> bool:
        """Tell whether a fix changes nothing: what comes next comes when it was expected."""
        if fix.at - self.looked_at >= AGAIN_MS:
            return False
        here = self.progress.here
        if here >= 0:
            left = rest_of_stay(route[here], knowledge, fix.at - self.progress.came_at)
            return fix.at + left.mean * 1_000 - self.next_at < LEAST_MOVE
        if self.next_halt < 0:
            return True
        goal = route[self.next_halt]
        metres = metres_between(fix.lat, fix.lon, goal.lat, goal.lon)
        moved = abs(fix.at + metres * self.pace * 1_000 - self.next_at)
        doubted, self.doubted = self.doubted, moved >= LEAST_MOVE
        return not (doubted and self.doubted)

    def _look(self, route: Sequence[Halt], knowledge: Knowledge) -> Iterator[Saying]:
        """Work out what is expected of every halt to come; yield what is news."""
        if self.progress.fix is None:
            return
        at = self.progress.fix.at
        self.looked_at, self.doubted, self.next_halt = at, False, -1
        coming = expect(self.progress, route, knowledge, at)
        for ahead, each in enumerate(islice(coming, FARTHEST_STOPS)):
            if self.next_halt < 0:
                self._note_next(each, at, route)
            if each.arrives.mean > FARTHEST_SECONDS:
                break
            yield from self._news(each, at, route[each.halt], ahead)

    def _note_next(self, each: Expected, at: Millis, route: Sequence[Halt]) -> None:
        if each.halt == self.progress.here:
            self.next_halt, self.next_at = each.halt, at + round(each.served[-1].mean * 1_000)
            return
        _, middle, _ = each.arrives.quantiles()
        fix, goal = self.progress.fix, route[each.halt]
        self.next_halt, self.next_at = each.halt, at + round(middle * 1_000)
        if fix is not None:
            metres = metres_between(fix.lat, fix.lon, goal.lat, goal.lon)
            self.pace = middle / max(metres, 1.0)

    def _news(self, each: Expected, at: Millis, halt: Halt, ahead: int) -> Iterator[Saying]:
        for order_id, served in zip(halt.orders, each.served, strict=True):
            known = self.told.get(order_id)
            low, eta, high = _instants(at, served)
            arrived = each.halt == self.progress.here
            stage = "arrived" if arrived else stage_of(eta, known, at)
            now = Told(eta, low, high, stage)
            if is_news(known, now, at):
                self.told[order_id] = now
                yield Saying(order_id, now, ahead, at)

    def _leave(self, went: Went, halt: Halt) -> Iterator[Saying]:
        """Tell the orders of a door that the courier has left it."""
        for order_id in halt.orders:
            self.told.pop(order_id, None)
            told = Told(went.at, went.came_at, went.at, "left")
            yield Saying(order_id, told, 0, went.at)


def _instants(at: Millis, spread: Spread) -> tuple[Millis, Millis, Millis]:
    low, middle, high = (at + round(each * 1_000) for each in spread.quantiles())
    return low, middle, high


def _learnt(went: Went, route: Sequence[Halt]) -> Learnt:
    halt, left = route[went.halt], went.left
    leg = None
    travel = 0.0
    if left is not None:
        metres = metres_between(left.lat, left.lon, halt.lat, halt.lon)
        leg = Leg(left.at, metres, halt.lat, halt.lon)
        travel = max((went.came_at - left.at) / 1_000, 1.0)
    return Learnt(went.at, leg, travel, halt.stay, (went.at - went.came_at) / 1_000)
