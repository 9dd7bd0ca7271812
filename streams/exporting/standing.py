"""How far a running tower is: what each partition has applied, and what it published by then.

A barrier publishes cells and then writes the partition row that says what they are of, so the
cells of a partition row are those that were there when it was written.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams import topics
from streams.admin import describe_topics
from streams.config import Settings
from streams.engine.api import Record
from streams.engine.reader import AT_ONCE, bounds
from streams.engine.rows import PARTITION_KEY, off_of
from streams.errors import TowerError
from streams.livereport import Published, Shown
from streams.topics import named

FIRST_LOOK = 2_000  # records from the end of a changelog, where its newest partition row is

# What each source reads, the changelog that says how far it is, and the first part of the keys
# of its cells.
_SOURCES = {
    topics.ORDER_EVENTS: ("ingest-order-events-changelog", f"ingest/{topics.ORDER_EVENTS}"),
    topics.COURIER_EVENTS: (
        "ingest-courier-events-changelog",
        f"ingest/{topics.COURIER_EVENTS}",
    ),
    topics.COURIER_LOG: ("couriers-changelog", "couriers"),
    topics.ORDER_LOG: ("orders-changelog", "orders"),
    topics.GROUP_LOG: ("groups-changelog", "groups"),
}
LOGS = (topics.ORDER_LOG, topics.COURIER_LOG)


@dataclass(frozen=True, slots=True)
class Standing:
    """A tower's state from outside, keys `topic/partition` with topics by short name.

    `applied`: the offset each partition applies next, as far as it is durable; a partition
    nobody has begun is missing. `logs`: [begin, end) of the logs. `published`: the cells as
    of what is applied.
    """

    partitions: int
    applied: dict[str, int]
    logs: dict[str, tuple[int, int]]
    published: Published


async def standing(
    consumer: Any,  # noqa: ANN401 (aiokafka)
    settings: Settings,
    count: int,
) -> Standing:
    """Return how far the tower of a namespace with so many partitions is.

    Raises:
        TowerError: it has remembered nothing yet.
    """
    rows = await _partition_rows(consumer, settings, count)
    if not any(place.startswith(topics.ORDER_LOG) for place in rows):
        raise TowerError(
            f"No worker has remembered anything in the namespace {settings.namespace} yet."
        )
    written = {place: row.timestamp for place, row in rows.items()}
    published = await _published(consumer, settings, count, written)
    ranges = await bounds(
        consumer, [_tp(settings, log, number) for log in LOGS for number in range(count)]
    )
    return Standing(
        count,
        {place: _off(row) + 1 for place, row in rows.items()},
        {_place(settings, tp): range_ for tp, range_ in ranges.items()},
        published,
    )


async def read_records(
    consumer: Any,  # noqa: ANN401 (aiokafka)
    tp: TopicPartition,
    begin: int,
    end: int,
) -> AsyncIterator[list[Record]]:
    """Yield the records of a partition from `begin` to before `end`, some at a time."""
    if begin >= end:
        return
    consumer.assign([tp])
    consumer.seek(tp, begin)
    while await consumer.position(tp) < end:
        try:
            answers = await consumer.getmany(tp, timeout_ms=500, max_records=AT_ONCE)
        except KafkaError as failure:
            if not failure.retriable:
                raise
            continue
        found = [
            Record(each.offset, each.timestamp, each.key, each.value, each.headers)
            for each in answers.get(tp, ())
            if each.offset < end
        ]
        if found:
            yield found


async def partitions_of(settings: Settings) -> int:
    """Return the partition count of a namespace.

    Raises:
        TowerError: no broker answers, or a topic of the tower is missing.
    """
    needed = [*LOGS, *(table for table, _ in _SOURCES.values()), topics.KPI_CELLS]
    names = [named(settings.namespace, each) for each in needed]
    there = await describe_topics(settings.kafka, names)
    for name in names:
        if name not in there:
            raise TowerError(f"There is no topic {name}: no worker has run in this namespace.")
    return there[named(settings.namespace, topics.ORDER_LOG)].partitions


async def _partition_rows(
    consumer: Any,  # noqa: ANN401 (aiokafka)
    settings: Settings,
    count: int,
) -> dict[str, Record]:
    """Return the newest partition row of every partition of every source."""
    found: dict[str, Record] = {}
    for topic, (table, _) in _SOURCES.items():
        tables = [_tp(settings, table, number) for number in range(count)]
        for tp, (begin, end) in (await bounds(consumer, tables)).items():
            row = await _last_row(consumer, tp, begin, end)
            if row is not None:
                found[f"{topic}/{tp.partition}"] = row
    return found


async def _last_row(
    consumer: Any,  # noqa: ANN401 (aiokafka)
    tp: TopicPartition,
    begin: int,
    end: int,
) -> Record | None:
    """Return the newest partition row of a changelog; of several, that which includes most."""
    best: Record | None = None
    look = FIRST_LOOK
    while best is None and begin < end:
        first = max(begin, end - look)
        async for records in read_records(consumer, tp, first, end):
            for record in records:
                if record.key == PARTITION_KEY and _off(best) <= _off(record):
                    best = record
        end, look = first, look * 8
    return best


def _off(row: Record | None) -> int:
    """Return the offset a partition row includes, less than any without one."""
    return -2 if row is None or row.value is None else off_of(row.value)


async def _published(
    consumer: Any,  # noqa: ANN401 (aiokafka)
    settings: Settings,
    count: int,
    written: Mapping[str, int],
) -> Published:
    """Return the cells that were there when the partition rows were written."""
    shown = Shown()
    until = {
        (cells.encode(), number): written.get(f"{topic}/{number}", -1)
        for topic, (_, cells) in _SOURCES.items()
        for number in range(count)
    }
    tables = [_tp(settings, topics.KPI_CELLS, number) for number in range(count)]
    for tp, (begin, end) in (await bounds(consumer, tables)).items():
        async for records in read_records(consumer, tp, begin, end):
            for record in records:
                source = _source_of(record.key or b"")
                if record.timestamp <= until.get((source, tp.partition), -1):
                    shown.heard(tp, record.key or b"", record.value)
    return shown.published


def _source_of(key: bytes) -> bytes:
    """Return the first part of a cell's key, that which says whose it is."""
    kind, _, rest = key.partition(b"/")
    return kind + b"/" + rest.partition(b"/")[0] if kind == b"ingest" else kind


def said(published: Published, key: str) -> dict[str, Any]:
    """Return what a cell says; nothing of one that is not there."""
    value = published.get(key.encode())
    found: dict[str, Any] = {} if value is None else json.loads(value)
    return found


def _tp(settings: Settings, topic: str, number: int) -> TopicPartition:
    return TopicPartition(named(settings.namespace, topic), number)


def _place(settings: Settings, tp: TopicPartition) -> str:
    return f"{tp.topic.removeprefix(named(settings.namespace, ''))}/{tp.partition}"
