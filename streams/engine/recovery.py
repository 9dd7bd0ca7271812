"""Rebuilds partitions from their changelogs: read to the end, then stand where the row says."""

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from streams.engine.reader import bounds, group_less, read
from streams.engine.rows import PARTITION_KEY, merge, off_of, unpack
from streams.engine.source import Source
from streams.engine.unpacking import unpack as unpack_answers
from streams.errors import TowerError
from streams.kafka import Where
from streams.topics import named

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 10.0  # for a broker that just came back and shows a shorter log at first
SAYS_SECONDS = 3.0  # between two lines about a recovery that takes its time


class Recovering(NamedTuple):
    """How far a recovery has come: offsets read, and to read, of changelogs and cells."""

    read: int
    wanted: int


class Progress:
    """Counts what recoveries read, and says so now and then."""

    def __init__(self) -> None:
        self._under_way = self._read = self._wanted = 0
        self._said_at = 0.0

    @property
    def now(self) -> Recovering | None:
        """How far it has come, None while nothing is being recovered."""
        return Recovering(self._read, self._wanted) if self._under_way else None

    def begin(self) -> None:
        """Note that a recovery begins."""
        if not self._under_way:
            self._read = self._wanted = 0
            self._said_at = time.monotonic()
        self._under_way += 1

    def end(self) -> None:
        """Note that one has ended, also one that was broken off."""
        self._under_way -= 1

    def expect(self, offsets: int) -> None:
        """Note how much is to be read."""
        self._wanted += offsets

    def passed(self, offsets: int) -> None:
        """Note how much more was read."""
        self._read += offsets
        now = time.monotonic()
        if now - self._said_at > SAYS_SECONDS:
            self._said_at = now
            share = 100 * self._read // max(1, self._wanted)
            log.info(
                "recovering: read %d of %d offsets, %d %%", self._read, self._wanted, share
            )


class Ends(NamedTuple):
    """Where a partition's changelog ends, and [begin, end) of its source."""

    table: int
    log: tuple[int, int]


@dataclass(slots=True)
class Recovered:
    """What the broker remembers of one partition of a source."""

    source: Source
    number: int
    rows: dict[bytes, bytes] = field(default_factory=dict)
    cells: dict[bytes, bytes] = field(default_factory=dict)
    meta: bytes | None = None
    expected: int = 0
    tail: int = 0


async def ends(
    where: Where, namespace: str, wanted: Iterable[tuple[Source, int]]
) -> list[Ends]:
    """Return where the logs of partitions end now."""
    pairs = [
        (_tp(namespace, source.table, number), _tp(namespace, source.topic, number))
        for source, number in wanted
    ]
    async with group_less(where, f"{namespace}.recovery") as consumer:
        ranges = await bounds(consumer, [tp for pair in pairs for tp in pair])
    return [Ends(ranges[table][1], ranges[log_]) for table, log_ in pairs]


async def recover(
    where: Where,
    namespace: str,
    wanted: Iterable[tuple[Source, int]],
    progress: Progress | None = None,
) -> list[Recovered]:
    """Read the rows and cells of partitions and find the offset each applies next."""
    progress = progress or Progress()
    found = [Recovered(source, number) for source, number in wanted]
    started = time.monotonic()
    async with group_less(where, f"{namespace}.recovery") as consumer:
        unpack_answers(consumer)
        by_table: dict[TopicPartition, Recovered] = {}
        by_cells: dict[TopicPartition, list[Recovered]] = {}
        for one in found:
            by_table[_tp(namespace, one.source.table, one.number)] = one
            if one.source.published is not None:
                tp = _tp(namespace, one.source.published, one.number)
                by_cells.setdefault(tp, []).append(one)

        def heard(tp: TopicPartition, key: bytes, value: bytes | None) -> None:
            if (one := by_table.get(tp)) is not None:
                merge(one.rows, key, value)
            for one in by_cells.get(tp, ()):
                if value is None:
                    one.cells.pop(key, None)
                else:
                    one.cells[key] = value

        by_log = {_tp(namespace, one.source.topic, one.number): one for one in found}
        ranges = await bounds(consumer, [*by_table, *by_cells, *by_log])
        logs = {tp: ranges.pop(tp) for tp in by_log}
        progress.expect(sum(end - begin for begin, end in ranges.values()))
        count = await read(consumer, ranges, heard, progress.passed)
        for tp, one in by_table.items():
            one.tail = ranges[tp][1]
        for tp, one in by_log.items():
            await _place(consumer, tp, logs[tp], one)
    log.info(
        "recovered %d partitions, %d rows from %d records in %.2f s",
        len(found),
        sum(len(one.rows) for one in found),
        count,
        time.monotonic() - started,
    )
    return found


async def read_range(
    where: Where, tp: TopicPartition, ranges: Iterable[tuple[int, int]]
) -> dict[bytes, bytes | None]:
    """Return the rows others wrote between our own, the last of each key."""
    log.warning("another writer on %s/%d: %s", tp.topic, tp.partition, ranges)
    rows: dict[bytes, bytes | None] = {}

    def heard(_: TopicPartition, key: bytes, value: bytes | None) -> None:
        before = rows.get(key)
        if value is None or before is None or off_of(before) <= off_of(value):
            rows[key] = value

    async with group_less(where, "tower.foreign-rows") as consumer:
        for begin, end in ranges:
            await read(consumer, {tp: (begin, end)}, heard)
    return rows


async def _place(
    consumer: Any,  # noqa: ANN401
    tp: TopicPartition,
    log_range: tuple[int, int],
    one: Recovered,
) -> None:
    """Find where to go on; raise if the source's log [begin, end) does not fit the rows."""
    row = one.rows.pop(PARTITION_KEY, None)
    applied = -1
    if row is not None:
        applied, one.meta = unpack(row)
    one.expected = applied + 1
    highest = max((off_of(row) for row in one.rows.values()), default=-1)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (complaint := _misfit(tp, log_range, max(applied, highest))) is not None:
        if time.monotonic() > deadline:
            raise TowerError(complaint)
        await asyncio.sleep(0.5)
        log_range = (await bounds(consumer, [tp]))[tp]
    begin = log_range[0]
    if row is None:
        one.expected = max(one.expected, begin)
    elif begin > one.expected:
        raise TowerError(gone(tp, one.expected, begin))


def _misfit(tp: TopicPartition, log_range: tuple[int, int], applied: int) -> str | None:
    if applied < log_range[1]:
        return None
    return (
        f"{tp.topic}/{tp.partition} ends at offset {log_range[1]}, but offset {applied} was "
        "already applied: the topic was truncated or made anew; its table belongs to the old "
        "one (use a new namespace, or restore the topic)"
    )


def gone(tp: TopicPartition, expected: int, begin: int) -> str:
    """Say that records were deleted before they were read."""
    return (
        f"{tp.topic}/{tp.partition} begins at offset {begin}, but offset {expected} comes "
        f"next: {begin - expected} records were deleted before they were read (retention)"
    )


def _tp(namespace: str, topic: str, partition: int) -> TopicPartition:
    return TopicPartition(named(namespace, topic), partition)
