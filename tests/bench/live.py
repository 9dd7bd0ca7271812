"""The changelog of many live orders, made by the real fold: five events each, one row a key.

All promise the same window but the first `OVERDUE`: theirs ends half an hour after the last
event, before `DUE_AT`, so that a worker that starts with a clock of `DUE_AT` must call those
late and no other.
"""

from collections.abc import Iterator, Sequence

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

LIFE = sorted(day(EVENTS_PER_ORDER).lines, key=lambda line: line.at)
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

    The first event of every order stands at offset 0 of the log, the second at 1, ...; all
    come from the first record of the first upstream, in the order of their index.
    """
    rows, number = PartitionRows({}, -1), 0
    fold.recover(None, rows, {})
    for offset, line in enumerate(HELD):
        records = []
        for each in (renamed(line, order) for order in orders):
            decoded = decode_order(each.raw)
            assert isinstance(decoded, Decoded)
            number += 1
            origin = origin_header(fold.upstreams[0], 0, number)
            headers = (("received_at", b"%d" % line.at), ("origin", origin))
            records.append(Record(offset, 0, each.order_id, decoded.canonical, headers))
        fold.fold(records, Outbox())
        told = (*TICK, ("caught_up", b"1"))
        ticks = (b'{"%s": %d}' % (name.encode(), line.at) for name in fold.upstreams)
        fold.fold([Record(offset, 0, None, tick, told) for tick in ticks], Outbox())
    kept = {key: pack(rows.off(key), payload) for key, payload in rows.items()}
    return kept | {PARTITION_KEY: pack(len(HELD) - 1, fold.meta())}


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
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers, linger_ms=20) as producer:
        for partition, fold in folds(settings):
            rows = rows_of(fold, homes[partition])
            size += sum(map(len, rows.values()))
            for _ in HELD:
                await producer.send(log, b"", b"held", partition=partition)
            for key, row in rows.items():
                await producer.send(changelog, row, key, partition=partition)
    return size
