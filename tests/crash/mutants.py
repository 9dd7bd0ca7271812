"""Rules left out of the program, one at a time, each by a patch from outside.

That the crash suite finds nothing is worth something only if it would find these. Every patch
leaves one rule out and nothing else; it fails loudly where the program no longer has what it
replaces. They hold in a worker process (CRASH_MUTANT) as well as in histories in memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from aiokafka import TopicPartition

from streams.clocks import Watermarks
from streams.engine.api import Record, Rows
from streams.engine.contiguity import Contiguity
from streams.engine.ownership import Ownership
from streams.engine.partition import Partition
from streams.engine.recovery import Recovered
from streams.engine.rows import PARTITION_KEY, Changes, PartitionRows
from streams.engine.writer import Lane, Outgoing
from streams.orderrows import OrderRows
from streams.orders import OrdersFold
from tests.folds import owner

Patch = AbstractContextManager[Any]


def _never(*_: Any) -> bool:
    return False


def _no_offset_guard() -> Patch:
    return patch.object(OrderRows, "holds", _never)


@contextmanager
def _guard_after_deadlines() -> Iterator[None]:
    """Let deadlines step a row first, and ask how far it is only afterwards."""
    advance = OrdersFold.advance

    def unguarded(self: OrdersFold, clock: int, offset: int, out: Any) -> None:
        with patch.object(self.rows, "holds", _never):
            advance(self, clock, offset, out)

    def as_it_is_now(self: OrderRows, key: bytes, offset: int) -> bool:
        return self._rows is not None and self._rows.off(key) >= offset

    with ExitStack() as patches:
        patches.enter_context(patch.object(OrdersFold, "advance", unguarded))
        patches.enter_context(patch.object(OrderRows, "holds", as_it_is_now))
        yield


def _batch_starts_only() -> Patch:
    def admit(self: Contiguity, records: tuple[Record, ...]) -> tuple[tuple[Record, ...], bool]:
        fresh = tuple(each for each in records if each.offset >= self.expected)
        if not fresh or fresh[0].offset > self.expected:
            return (), bool(fresh)
        self.expected = fresh[-1].offset + 1
        self._pass_hole()
        return fresh, False

    return patch.object(Contiguity, "admit", admit)


def _no_origin_vector() -> Patch:
    return patch.object(Watermarks, "repeats", _never)


def _clock_not_restored() -> Patch:
    recover = OrdersFold.recover

    def forgetful(
        self: OrdersFold, meta: bytes | None, rows: Rows, published: Mapping[bytes, bytes]
    ) -> None:
        if meta is not None:
            stored = json.loads(meta)
            stored["clock"], stored["marks"]["entries"] = 0, {}
            meta = json.dumps(stored).encode()
        recover(self, meta, rows, published)

    return patch.object(OrdersFold, "recover", forgetful)


def _stub_before_archive() -> Patch:
    take = PartitionRows.take

    def turned_round(self: PartitionRows) -> Changes:
        changes = take(self)
        return Changes(first=changes.rest, rest=changes.first)

    return patch.object(PartitionRows, "take", turned_round)


@contextmanager
def _partition_row_before_earlier_rows() -> Iterator[None]:
    """Let every changelog hold its rows back until the next partition row is sent."""
    with ExitStack() as patches:
        for lane in (Lane, owner._Lane):
            patches.enter_context(patch.object(lane, "put", _overtaking(lane.put)))
        yield


def _overtaking(put: Callable[..., Any]) -> Callable[..., Any]:
    late: WeakKeyDictionary[Any, list[list[Outgoing]]] = WeakKeyDictionary()

    def overtake(self: Any, records: Iterable[Outgoing]) -> Any:
        rows = list(records)
        if getattr(self, "_acknowledged", self) is None:  # not a changelog's
            return put(self, rows)
        waiting = late.setdefault(self, [])
        sent = put(self, [each for each in rows if each[0] == PARTITION_KEY])
        if rows and rows[0][0] == PARTITION_KEY:
            for each in waiting:
                put(self, each)
            waiting.clear()
        else:
            waiting.append(rows)
        return sent

    return overtake


@contextmanager
def _commit_before_changelog() -> Iterator[None]:
    """Commit what is applied before it is durable, and let recovery begin there."""
    with _committed_early_in_memory(), _committed_early_in_a_worker():
        yield


@contextmanager
def _committed_early_in_memory() -> Iterator[None]:
    committed: WeakKeyDictionary[Any, dict[tuple[str, int], int]] = WeakKeyDictionary()
    barrier, recover = Partition.barrier, owner.Owner._recover

    async def early(self: Partition) -> None:
        if isinstance(self._writer, owner.Wire):
            offsets = committed.setdefault(self._writer.logs, {})
            offsets[self.source.name, self.number] = self.applied
        await barrier(self)

    def trusting(self: owner.Owner) -> Partition:
        partition = recover(self)
        applied = committed.get(self.logs, {}).get((self.source.name, self.number), -1)
        partition.order.expected = max(partition.order.expected, applied + 1)
        return partition

    with ExitStack() as patches:
        patches.enter_context(patch.object(Partition, "barrier", early))
        patches.enter_context(patch.object(owner.Owner, "_recover", trusting))
        yield


@contextmanager
def _committed_early_in_a_worker() -> Iterator[None]:
    committed: dict[tuple[str, int], int] = {}
    recover, made = Ownership._recover, Ownership._made

    async def early(self: Ownership) -> None:
        if offsets := {tp: each.applied + 1 for tp, each in self.open.items()}:
            await self._consumer.commit(offsets)

    async def asking(self: Ownership, tps: Sequence[TopicPartition]) -> None:
        for tp in tps:
            name = self._by_name[tp.topic].name
            committed[name, tp.partition] = await self._consumer.committed(tp) or 0
        await recover(self, tps)

    def trusting(self: Ownership, found: Recovered) -> Partition:
        found.expected = max(found.expected, committed[found.source.name, found.number])
        return made(self, found)

    with ExitStack() as patches:
        for name, stand_in in (("commit", early), ("_recover", asking), ("_made", trusting)):
            patches.enter_context(patch.object(Ownership, name, stand_in))
        yield


@dataclass(frozen=True)
class Mutant:
    """A rule and the patch that leaves it out."""

    rule: str
    patched: Callable[[], Patch]


MUTANTS = {
    "no offset guard": Mutant("a row that includes the record is left alone", _no_offset_guard),
    "contiguity at batch starts only": Mutant(
        "every record must continue, also inside a batch", _batch_starts_only
    ),
    "partition row before earlier rows": Mutant(
        "the partition row follows every row sent before", _partition_row_before_earlier_rows
    ),
    "commit before changelog": Mutant(
        "the partition row says where to go on", _commit_before_changelog
    ),
    "clock not restored": Mutant(
        "clock and watermarks are part of the partition row", _clock_not_restored
    ),
    "stub before archive": Mutant(
        "archive rows are durable before the rows that ended", _stub_before_archive
    ),
    "no origin vector": Mutant("what an upstream sent twice is recognised", _no_origin_vector),
    "guard after deadlines": Mutant(
        "a row ahead of the record is left alone by deadlines too", _guard_after_deadlines
    ),
}
