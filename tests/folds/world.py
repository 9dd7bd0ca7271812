"""A namespace in memory: every owner stepped, killed and doubled by seed, then judged."""

import asyncio
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

from models.notices import NoticeCommand, NoticeReceipt
from streams import app, topics
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.engine.api import Beat
from streams.engine.source import Source
from streams.groups import GroupsFold
from streams.ingest import ORDERS, IngestFold
from streams.modelfeed import Models
from streams.partitioner import partition_of

from . import verdict
from .history import HOUR, KEPT, PARTITIONS, RULES, history
from .owner import Logs, Owner

PATIENCE = 120_000  # steps after which a history that does not end is called stuck


class World:
    """One history, from its seed to its problems."""

    def __init__(self, seed: int, *, learning: bool = False) -> None:
        self.models = Models() if learning else None
        self.rng = rng = Random(seed)  # noqa: S311 - histories, not secrets
        self.history = history(rng)
        self.judgement = Judgement(RULES)
        self.logs = Logs()
        self.logs.logs.update(self.history.sources)
        self.kills = rng.choice((0, 3, 10, 25))
        self.dishonest = not self.history.feed and rng.random() < 0.4
        self.doomed: Owner | None = None  # said what is not true, and will not remember it
        self.problems: list[str] = []
        self.answered = [0] * PARTITIONS
        self.sources = self._sources()
        self.owners: list[Owner] = []

    def _sources(self) -> list[Source]:
        settings = Settings(
            partitions=PARTITIONS, clock="feed" if self.history.feed else "wall"
        )
        metrics: Any = SimpleNamespace(received=None, observe=None, expected=None)
        return [
            replace(source, fold=_groups) if source.topic == topics.GROUP_LOG else source
            for source in app.sources(settings, self.judgement, metrics, self.models)
        ]

    async def play(self) -> list[str]:
        """Play to the end; return what is wrong."""
        rng = self.rng
        places = [(source, p) for source in self.sources for p in range(PARTITIONS)]
        self.owners = [Owner(source, p, self.logs, rng) for source, p in places]
        pace = [rng.choice((1, 3, 10)) for _ in places]
        order = list(range(len(places)))
        for step in range(PATIENCE):
            if step % 50 == 0 and self._done():
                break
            await self._turn(self.owners[rng.choices(order, pace)[0]])
            await self._disasters()
            if self.problems:
                break
        else:
            self.problems.append("stuck")
        if not self.problems:
            self.problems += verdict.final(self)
        for owner in self.owners:
            await owner.die()
        return self.problems

    async def _turn(self, owner: Owner) -> None:
        if owner.quiet and self.rng.random() < 0.8:
            return
        self._step(owner)
        if owner.carrier is not None:
            await asyncio.sleep(0)
            self._look(owner)

    async def _disasters(self) -> None:
        if self.doomed is not None:
            await self._doom(self.doomed)
        if self.rng.random() < 0.05:
            self._answer()
        if self.kills > 0 and self.rng.random() < 0.01:
            await self._kill(self.rng.randrange(len(self.owners)))

    def _done(self) -> bool:
        if not all(owner.quiet for owner in self.owners):
            return False
        if self.history.feed:
            return True
        folds = (owner.partition.fold for owner in self.owners)
        return all(f.clock == self.history.as_of for f in folds if isinstance(f, IngestFold))

    def _step(self, owner: Owner) -> None:
        roll = self.rng.random()
        if roll < 0.5 and owner.wire.chains:
            for _ in range(self.rng.choice((1, 1, 4))):
                owner.wire.land()
        elif roll < (0.6 if self.dishonest else 0.75) and not owner.caught_up:
            owner.read()
        elif roll < 0.8 and isinstance(owner.partition.fold, IngestFold):
            self._beat(owner, owner.partition.fold)
        elif not owner.settled:
            owner.carry()

    def _beat(self, owner: Owner, fold: IngestFold) -> None:
        """Say how far an ingest is; in wall time also what may still come."""
        rng, as_of = self.rng, self.history.as_of
        caught_up = owner.caught_up or rng.random() < 0.1
        if self.history.feed:
            if caught_up != fold.caught_up or rng.random() < 0.05:
                owner.beat(Beat(0, caught_up, None))
            return
        coming = owner.log[owner.partition.order.expected :]
        until = min((record.timestamp for record in coming), default=as_of)
        # Of couriers' copies two days apart the counts depend on which came first (L11).
        if self.dishonest and fold.inbound is ORDERS and rng.random() < 0.5:
            until = min(as_of, until + rng.choice((HOUR, 3 * HOUR, 8 * HOUR)))
            if coming and owner.carrier is None:
                owner.beat(Beat(0, caught_up, until))
                self.doomed = owner
                return
        safe_at = rng.choice((None, until, (fold.clock + until) // 2))
        if max(fold.clock, safe_at or 0) > fold.clock or caught_up != fold.caught_up:
            owner.beat(Beat(0, caught_up, safe_at if coming or safe_at is None else until))

    def _look(self, owner: Owner) -> None:
        if owner.check() and owner.source.topic == topics.ORDER_LOG:
            applied = owner.partition.durable
            passed = applied >= owner.partition.rows.highest_recovered
            if passed and (owner.publications == 0 or self.rng.random() < 0.05):
                self.problems += verdict.cells(self, owner.number, applied)
            owner.publications += passed

    def _answer(self) -> None:
        """Be the dispatcher: say what became of a notice, sometimes twice."""
        rng, number = self.rng, self.rng.randrange(PARTITIONS)
        commands = self.logs[topics.NOTICE_COMMANDS, number]
        while self.answered[number] < len(commands):
            said = commands[self.answered[number]].value or b"{}"
            self.answered[number] += 1
            if b'"type":"notice"' not in said or rng.random() < 0.2:
                continue
            command = NoticeCommand.model_validate_json(said)
            receipt = NoticeReceipt(
                notice_id=command.notice_id, order_id=command.order_id, kind=command.kind,
                version=command.version, result=rng.choice(("sent", "sent", "failed")),
                eta=command.eta, at=command.decided_at,
            )  # fmt: skip
            key = command.order_id.encode()
            place = topics.ORDER_LOG, partition_of(key, PARTITIONS)
            value = receipt.model_dump_json().encode()
            self.logs.append(place, (key, value, (("kind", b"receipt"),)))
            return

    async def _doom(self, owner: Owner) -> None:
        """Let a tick land, then end its sender before it is remembered."""
        self.doomed = None
        owner.carry(barrier=False)
        while owner.carrier is not None:
            owner.wire.land()
            await asyncio.sleep(0)
            owner.check()
        await self._kill(self.owners.index(owner))

    async def _kill(self, which: int) -> None:
        self.kills -= 1
        dead = self.owners[which]
        await dead.die()
        self.owners[which] = Owner(dead.source, dead.number, self.logs, self.rng)


def _groups(number: int) -> GroupsFold:
    return GroupsFold(number, [f"orders/{p}" for p in range(PARTITIONS)], KEPT)


def run(seed: int, *, learning: bool = False) -> list[str]:
    """Play one history; return what is wrong with it."""
    return asyncio.run(World(seed, learning=learning).play())
