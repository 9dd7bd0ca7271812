"""The real feed over logs in memory, with everything that may befall it on the way.

What aiokafka and Kafka do in the worker runs happens here within milliseconds: the reader is
moved, its answers are disturbed, batches are lost between the feed and the fold, partitions
are closed and opened again. What was applied at the end is the log, once and in order.
"""

import asyncio
from contextlib import ExitStack
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition

from streams.engine import feed as feeds
from streams.engine.api import Record, RecordBatch
from streams.engine.contiguity import Contiguity
from streams.engine.feed import Feed
from streams.engine.source import Source
from tests.crash.injection import Tell, another
from tests.crash.injection_worker import tampered

RECORDS = 400
PARTITIONS = 2
TURNS = 20_000  # after which a run that does not end is called stuck
TOPIC = "order-log"


class Reader:
    """Logs without holes that are read as aiokafka reads; beyond the end it begins anew."""

    def __init__(self, chance: Random, tps: list[TopicPartition]) -> None:
        self._chance = chance
        self.states = {tp: SimpleNamespace(position=0, has_valid_position=True) for tp in tps}
        assigned = SimpleNamespace(state_value=self.states.get)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assigned))

    def assignment(self) -> set[TopicPartition]:
        return set(self.states)

    def highwater(self, _: TopicPartition) -> int:
        return RECORDS

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return None

    def resume(self, *_: TopicPartition) -> None:
        """Nothing was paused."""

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self.states[tp].position = offset if offset <= RECORDS else 0

    async def getmany(
        self, *tps: TopicPartition, max_records: int = 20, **_more: Any
    ) -> dict[TopicPartition, list[Record]]:
        await asyncio.sleep(0)
        answers = {}
        for tp in tps:
            begin = self.states[tp].position
            end = min(RECORDS, begin + self._chance.randint(0, max_records))
            if begin < end:
                self.states[tp].position = end
                answers[tp] = [Record(at, 0, b"k", b"v") for at in range(begin, end)]
        return answers


class Read:
    """What was applied of each partition by way of one feed."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.source = Source(TOPIC, TOPIC, "orders-changelog", lambda _: None)  # type: ignore[arg-type, return-value]
        tps = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        self.partitions: dict[TopicPartition, Any] = {tp: self._partition(0) for tp in tps}
        self.applied: dict[TopicPartition, list[int]] = {tp: [] for tp in tps}
        self.feed = Feed(Reader(chance, tps), self.partitions, 12)
        for tp in tps:
            self.feed.opened(tp)

    def _partition(self, expected: int) -> Any:
        return SimpleNamespace(
            source=self.source, open=True, full=False, order=Contiguity(expected),
            relieved=None,
        )  # fmt: skip

    async def put(self, batch: RecordBatch) -> None:
        """Apply what continues, as the engine does, and sometimes go through a rebalance."""
        await asyncio.sleep(0)
        tp = TopicPartition(batch.topic, batch.partition)
        admitted, refused = self.partitions[tp].order.admit(batch.records)
        self.applied[tp] += [record.offset for record in admitted]
        if refused:
            self.feed.ask_again(tp, "a hole")
        if self._chance.random() < 0.06:
            self.feed.closed(tp)
            self.partitions[tp] = self._partition(self.partitions[tp].order.expected)
            self.feed.opened(tp)

    @property
    def done(self) -> bool:
        """Whether every partition stands at its end."""
        return all(each.order.expected >= RECORDS for each in self.partitions.values())


async def _shortly(seconds: float, sleep: Any = asyncio.sleep) -> None:
    """Sleep no longer than a few turns, also where the feed waits for a broker."""
    await sleep(min(seconds, 0.004))


async def _read(chance: Random) -> Read:
    made = Read(chance)
    running = asyncio.create_task(made.feed.run(made.source, made))  # type: ignore[arg-type]
    for _ in range(TURNS):
        if made.done or running.done():
            break
        await asyncio.sleep(0.001)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return made


def wrong(seed: int, tell: Tell) -> list[str]:
    """Read two partitions under every mishap; return what is wrong with what was applied."""
    chance = Random(seed)  # noqa: S311 - to be had again
    with ExitStack() as patches:
        for name, seconds in (("AGAIN_SECONDS", 0.004), ("IDLE_SECONDS", 0.01)):
            patches.enter_context(patch.object(feeds, name, seconds))
        patches.enter_context(patch.object(asyncio, "sleep", _shortly))
        patches.enter_context(tampered(another(chance), chance.choice((0.1, 0.25)), tell))
        made = asyncio.run(_read(chance))
    return [
        f"{tp.topic}/{tp.partition}: {len(applied)} applied, {len(set(applied))} different,"
        f" {RECORDS} there; holes believed: {made.partitions[tp].order.believed}"
        for tp, applied in made.applied.items()
        if applied != list(range(RECORDS))
    ]
