"""The changelog of many live orders, as the real fold makes it: five events each, a row a key.

All promise the same window but the first `OVERDUE`: theirs ends half an hour after the last
event, before `DUE_AT`, so that a worker that starts with a clock of `DUE_AT` must call those
late and no other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from models.rules import Rules
from streams.admin import ensure_topics
from streams.app import sources
from streams.clocks import TICK, origin_header
from streams.codec import Decoded, decode_order
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.engine.api import Record
from streams.engine.rows import PARTITION_KEY, PartitionRows, pack
from streams.engine.writer import Outbox
from streams.metrics import Metrics
from streams.orders import OrdersFold
from streams.partitioner import partition_of
from streams.topics import ORDER_LOG, named
from tests.bench.day import EVENTS_PER_ORDER, MINUTE, WINDOW, Line, day, instant
from tests.bench.topic import BATCH_BYTES, Held, send


def nobodys(line: Line) -> Line:
    """Return an event that names no customer: what it told one, a row knows by a digest."""
    return replace(line, raw=re.sub(rb'"customer_id":"[^"]*",?', b"", line.raw))


LIFE = [nobodys(line) for line in sorted(day(EVENTS_PER_ORDER).lines, key=lambda each: each.at)]
HELD = LIFE[:5]  # promised, picked up, at the depot, out for delivery, an ETA
NEXT = LIFE[5]
OVERDUE = 100
DUE_AT = HELD[-1].at + 40 * MINUTE


def name_of(order: int) -> bytes:
    """Return an order's id."""
    return b"order-%09d" % order


def renamed(line: Line, order: int) -> Line:
    """Return an event of the life as one of this order."""
    raw = line.raw.replace(line.order_id, name_of(order))
    if order < OVERDUE and line is HELD[0]:
        raw = _with_end(raw, HELD[-1].at + 30 * MINUTE)
    return Line(line.at, name_of(order), raw)


def _with_end(raw: bytes, end: int) -> bytes:
    """Return a promise that ends then."""
    before, _, promise = raw.partition(b'"promise":{')
    _, _, after = promise.partition(b"}")
    start, stop = instant(end - WINDOW), instant(end)
    return (
        before
        + b'"promise":{"start":"%s","end":"%s"}'
        % (
            start.encode(),
            stop.encode(),
        )
        + after
    )


def rows_of(fold: OrdersFold, orders: Sequence[int]) -> dict[bytes, bytes]:
    """Return the changelog of a partition with these orders.

    The fold makes the row of one order of each kind, overdue or not; the others' have another
    id of the same length and say the same, so they are what it would have made of them.
    """
    made: dict[bool, tuple[bytes, bytes]] = {}
    kept: dict[bytes, bytes] = {}
    for order in orders:
        overdue = order < OVERDUE
        if overdue not in made:
            made[overdue] = (name_of(order), _row_of(fold, order))
        known, row = made[overdue]
        kept[name_of(order)] = row.replace(known, name_of(order))
    return kept | {PARTITION_KEY: pack(len(HELD) - 1, fold.meta())}


def _row_of(fold: OrdersFold, order: int) -> bytes:
    """Return the row of one order as the changelog has it.

    Its events stand at the first offsets of the log; all come from the first record of the
    first upstream, in the order of their index.
    """
    rows = PartitionRows({}, -1)
    fold.recover(None, rows, {})
    for offset, line in enumerate(HELD):
        event = renamed(line, order)
        decoded = decode_order(event.raw)
        assert isinstance(decoded, Decoded)
        origin = origin_header(fold.upstreams[0], 0, offset)
        headers = (("received_at", b"%d" % line.at), ("origin", origin))
        record = Record(offset, 0, event.order_id, decoded.canonical, headers)
        fold.fold([record], Outbox())
        told = (*TICK, ("caught_up", b"1"))
        ticks = (b'{"%s": %d}' % (name.encode(), line.at) for name in fold.upstreams)
        fold.fold([Record(offset, 0, None, tick, told) for tick in ticks], Outbox())
    key = name_of(order)
    payload = rows.get(key)
    assert payload is not None
    return pack(rows.off(key), payload)


def folds(settings: Settings) -> Iterator[tuple[int, OrdersFold]]:
    """Yield a worker's orders fold of every partition."""
    source = sources(settings, Judgement(Rules()), Metrics(CollectorRegistry()))[-1]
    for partition in range(settings.partitions):
        fold = source.fold(partition)
        assert isinstance(fold, OrdersFold)
        yield partition, fold


async def fill(settings: Settings, orders: int) -> int:
    """Write the changelog of so many orders; return how many bytes it is."""
    await ensure_topics(settings.kafka, settings)
    homes: dict[int, list[int]] = {p: [] for p in range(settings.partitions)}
    for order in range(orders):
        homes[partition_of(name_of(order), settings.partitions)].append(order)
    log, changelog = (named(settings.namespace, t) for t in (ORDER_LOG, "orders-changelog"))
    size = 0
    async with AIOKafkaProducer(
        bootstrap_servers=settings.brokers, max_batch_size=BATCH_BYTES
    ) as producer:
        for partition, fold in folds(settings):
            rows = rows_of(fold, homes[partition])
            size += sum(map(len, rows.values()))
            held = ((b"held", b"", []) for _ in HELD)
            await send(Held(producer, log), partition, held)
            items = ((key, row, []) for key, row in rows.items())
            await send(Held(producer, changelog), partition, items)
    return size
