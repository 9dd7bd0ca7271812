"""What may befall batches between the broker's answer and the fold, by a seeded chance.

`Mishaps` stand between the feed and the agent. They may do anything: swallow, cut, swap and
double batches, and hand over after a rebalance what was read before it.

`Meddler` stands between aiokafka and the feed and acts like somebody else who uses the same
reader: between two answers it seeks elsewhere and takes records away, and it hands over
records again, late or in disorder. What it cannot do unseen, nobody can: an answer and the
position it leaves behind are together the broker's word (streams/engine/README.md, rule 4).
"""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.engine.api import RecordBatch

Tell = Callable[[str], None]
Records = list[Any]  # aiokafka's

SPAN = 40  # records a stranger takes away at most
TAKING_MS = 50  # how long it waits for them


def another(chance: Random) -> Random:
    """Return chances of their own that follow from these."""
    return Random(chance.random())  # noqa: S311 - to be had again


class Mishaps:
    """What happens to the batches on their way to one agent.

    `share` is the probability of a mishap for each batch.
    """

    KINDS = (
        "swallowed", "front cut", "middle cut", "tail cut", "swapped", "doubled",
        "repeated later", "held over a rebalance",
    )  # fmt: skip

    def __init__(self, chance: Random, share: float, tell: Tell) -> None:
        self._chance, self._share, self._tell = chance, share, tell
        self._next: list[RecordBatch] = []  # to come behind the next batch
        self._later: list[RecordBatch] = []
        self._held: list[RecordBatch] = []  # to come after the next rebalance
        self._released: list[RecordBatch] = []

    def rebalanced(self) -> None:
        """Note that partitions were taken and given."""
        self._released += self._held
        self._held = []

    def passed(self, batch: RecordBatch) -> list[RecordBatch]:
        """Return what the agent is to get now that this batch was read."""
        behind, self._next = self._next, []
        before, self._released = self._released, []
        if self._later and self._chance.random() < 0.2:
            behind.append(self._later.pop(0))
        now = [batch]
        if self._chance.random() < self._share:
            kind = self._chance.choice(self.KINDS)
            self._tell(f"{kind} {_place(batch)}")
            now = self._befallen(kind, batch)
        for each in before:
            self._tell(f"delivered after a rebalance {_place(each)}")
        return [*before, *now, *behind]

    def _befallen(self, kind: str, batch: RecordBatch) -> list[RecordBatch]:
        records = batch.records
        one = self._chance.randint(0, len(records))
        other = self._chance.randint(0, len(records))
        low, high = min(one, other), max(one, other)
        match kind:
            case "front cut":
                return _some(batch, records[low:])
            case "middle cut":
                return _some(batch, records[:low] + records[high:])
            case "tail cut":
                return _some(batch, records[:low])
            case "swapped":
                self._next.append(batch)
            case "doubled":
                return [batch, batch]
            case "repeated later":
                self._later.append(batch)
                return [batch]
            case "held over a rebalance":
                self._held.append(batch)
        return []


def _some(batch: RecordBatch, records: tuple[Any, ...]) -> list[RecordBatch]:
    return [RecordBatch(batch.topic, batch.partition, records)] if records else []


def _place(batch: RecordBatch) -> str:
    first, last = batch.records[0].offset, batch.records[-1].offset
    return f"{batch.topic}/{batch.partition} {first}..{last}"


class Meddler:
    """Stands for a consumer; everything it is not asked to disturb goes to the real one."""

    MOVES = ("leaps", "leaps to the end", "goes back", "records taken away", "records kept")
    ANSWERS = ("answer doubled", "answer in disorder", "answer lost in an error")

    def __init__(self, consumer: Any, chance: Random, share: float, tell: Tell) -> None:
        self._consumer, self._chance, self._share = consumer, chance, share
        self._tell = tell
        self._kept: dict[TopicPartition, Records] = {}  # to be handed over later
        self._rebalanced: set[TopicPartition] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def rebalanced(self) -> None:
        """Note that partitions were taken and given."""
        self._rebalanced = set(self._kept)

    async def meddle(self, tp: TopicPartition) -> None:
        """Do to the reader what somebody else could, just before the feed looks at it."""
        consumer, chance = self._consumer, self._chance
        high = consumer.highwater(tp) if tp in consumer.assignment() else None
        if not high or chance.random() >= self._share:
            return
        kind = chance.choice(self.MOVES)
        match kind:
            case "leaps":
                consumer.seek(tp, chance.randint(0, high))
            case "leaps to the end":
                consumer.seek(tp, high)
            case "goes back":
                consumer.seek(tp, chance.randint(max(0, high - SPAN), high))
            case _:
                most = chance.randint(1, SPAN)
                taken = await consumer.getmany(tp, timeout_ms=TAKING_MS, max_records=most)
                if tp not in taken:
                    return
                if kind == "records kept":
                    self._kept[tp] = taken[tp]
        self._tell(f"{kind} {tp.topic}/{tp.partition}")

    async def getmany(self, *tps: TopicPartition, **more: Any) -> dict[TopicPartition, Records]:
        """Answer as the consumer does, or not quite."""
        answers = dict(await self._consumer.getmany(*tps, **more))
        for tp in list(answers):
            if self._chance.random() < self._share:
                kind = self._chance.choice(self.ANSWERS)
                self._tell(f"{kind} {tp.topic}/{tp.partition}")
                if kind == "answer lost in an error":
                    raise KafkaConnectionError("injected")
                answers[tp] = self._disturbed(kind, answers[tp])
        for tp in self._due(tps):
            late = self._kept.pop(tp)
            when = "after a rebalance" if tp in self._rebalanced else "late"
            self._rebalanced.discard(tp)
            self._tell(f"records handed over {when} {tp.topic}/{tp.partition}")
            found = answers.get(tp, [])
            answers[tp] = late + found if self._chance.random() < 0.5 else found + late
        return answers

    def _due(self, tps: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Return of which partitions to hand over now what was kept: most after a rebalance."""
        kept = [tp for tp in tps if tp in self._kept]
        return [tp for tp in kept if tp in self._rebalanced or self._chance.random() < 0.1]

    def _disturbed(self, kind: str, records: Records) -> Records:
        if kind == "answer doubled" or len(records) < 2:
            return records + records
        at = self._chance.randrange(len(records) - 1)
        return [*records[:at], records[at + 1], records[at], *records[at + 2 :]]
