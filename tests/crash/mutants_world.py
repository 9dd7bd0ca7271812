"""Histories in memory that look for the weak places: crashes while rows are ahead, and mishaps.

The histories of tests/folds with three things besides: owners of orders die most often while
rows are durable that their partition row does not cover, barriers are rare, and what is read
from a log meets with the mishaps of tests/crash/injection.py on its way to the fold.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from unittest.mock import patch

from streams import topics
from streams.engine.api import RecordBatch
from streams.engine.rows import PARTITION_KEY
from tests.crash.injection import Mishaps, another
from tests.folds.mutants import short_times
from tests.folds.owner import Owner
from tests.folds.world import World

KILLS = 40  # at most, in a history
MISHAPS = (0.0, 0.05, 0.3)  # shares of the batches
TABLE = "orders-changelog"

KPI, LOST, UNKNOWN, REFUSES = (
    "KPI error",
    "lost facts",
    "an unknown id",
    "a worker that refuses",
)
SIGNS = (
    ("report: as_of: ", None),  # it says itself that it is of another time
    ("was lost", LOST),
    (" lost: ", LOST),
    (" invented: ", UNKNOWN),
    ("refuses: ", REFUSES),
    ("cell ", KPI),
    ("report: ", KPI),
)


class HarshWorld(World):
    """A world with its disasters aimed."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.kills = KILLS

    async def _disasters(self) -> None:
        if self.doomed is not None:
            await self._doom(self.doomed)
        if self.rng.random() < 0.05:
            self._answer()
        if self.kills > 0 and self.rng.random() < 0.005:
            await self._kill(self.rng.randrange(len(self.owners)))
        if self.kills > 0 and self.rng.random() < 0.03:
            await self._kill_while_ahead(self.rng.randrange(len(self.owners)))

    async def _kill_while_ahead(self, which: int) -> None:
        owner = self.owners[which]
        log = self.logs[TABLE, owner.number]
        ahead = bool(log) and log[-1].key != PARTITION_KEY
        if owner.source.topic == topics.ORDER_LOG and ahead:
            await self._kill(which)


class _Roads:
    """The ways from the logs to the folds of one history."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)  # noqa: S311 - to be had again
        self._share = self._chance.choice(MISHAPS)
        self._ways: dict[tuple[str, int], Mishaps] = {}
        self._owners: dict[tuple[str, int], Owner] = {}

    def read(self, owner: Owner, size: int) -> list[RecordBatch]:
        """Return what an owner gets of the next records of its log."""
        place = owner.source.topic, owner.number
        begin = owner.partition.order.expected
        records = tuple(owner.log[begin : begin + size])
        if not records:
            return []
        way = self._ways.get(place)
        if way is None:
            way = Mishaps(another(self._chance), self._share, lambda _: None)
            self._ways[place] = way
        if self._owners.get(place) is not owner:
            self._owners[place] = owner
            way.rebalanced()
        return way.passed(RecordBatch(*place, records))


@contextmanager
def _harsh(seed: int) -> Iterator[None]:
    carry, roads = Owner.carry, _Roads(seed)

    def rarely(self: Owner, *, barrier: bool | None = None) -> None:
        carry(self, barrier=self.rng.random() < 0.15 if barrier is None else barrier)

    def read(self: Owner) -> None:
        for each in roads.read(self, self.rng.choice((1, 1, 2, 5, 20))):
            if self.partition.open:
                self.partition.apply(each.records)
                self.settled = False

    with ExitStack() as patches:
        patches.enter_context(short_times(cached=(1, 2, 20_000)[seed % 3]))
        for name, stand_in in (("carry", rarely), ("read", read)):
            patches.enter_context(patch.object(Owner, name, stand_in))
        yield


def problems(seed: int) -> list[str]:
    """Play one history; return what is wrong with it."""
    with _harsh(seed):
        try:
            return asyncio.run(HarshWorld(seed).play())
        except Exception as failure:  # noqa: BLE001 - whatever a fold raises ends a worker
            return [f"refuses: {failure!r}"]


def sign_of(problem: str) -> str | None:
    """Return what kind of harm a problem is to who reads the outputs, None if to nobody."""
    return next((kind for words, kind in SIGNS if words in problem), None)
