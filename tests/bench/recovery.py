"""Many live orders: how long until a worker that starts is ready, and what each weighs.

The rows of five events an order are made by the real fold and lie on the changelog as after
compaction, one a key. Recovery is what the worker itself measures: all changelogs and cells
read, every partition rebuilt. Memory is what the resident set has more than that of a worker
without orders. At the end every order gets one more event: no row is warm then.
"""

import time
from collections.abc import Iterator, Sequence

import psutil
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
from tests.bench.day import EVENTS_PER_ORDER, Line, day
from tests.bench.table import spread, table, whole
from tests.bench.topic import held
from tests.bench.towers import Worker, durable_at, metric, reported, rest, workers

LIFE = sorted(day(EVENTS_PER_ORDER).lines, key=lambda line: line.at)
HELD = LIFE[:5]  # promised, picked up, at the depot, out for delivery, an ETA
MINUTE = 60_000


def renamed(line: Line, order: int) -> Line:
    """Return the event as one of another order."""
    key = b"order-%09d" % order
    return Line(line.at, key, line.raw.replace(line.order_id, key))


def rows_of(
    fold: OrdersFold, upstreams: Sequence[str], orders: Sequence[int]
) -> dict[bytes, bytes]:
    """Return the changelog of a partition with these orders, all of them open.

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
            origin = origin_header(upstreams[0], 0, number)
            headers = (("received_at", b"%d" % line.at), ("origin", origin))
            records.append(Record(offset, 0, each.order_id, decoded.canonical, headers))
        fold.fold(records, Outbox())
        told = (*TICK, ("caught_up", b"1"))
        ticks = (b'{"%s": %d}' % (name.encode(), line.at) for name in upstreams)
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
        homes[partition_of(b"order-%09d" % order, settings.partitions)].append(order)
    log, changelog = (named(settings.namespace, t) for t in (ORDER_LOG, "orders-changelog"))
    size = 0
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers, linger_ms=20) as producer:
        for partition, fold in folds(settings):
            rows = rows_of(fold, fold.upstreams, homes[partition])
            size += sum(map(len, rows.values()))
            for _ in HELD:
                await producer.send(log, b"", b"held", partition=partition)
            for key, row in rows.items():
                await producer.send(changelog, row, key, partition=partition)
    return size


async def recovery(brokers: str, orders: int, rounds: int) -> str:
    """Return the table of so many live orders."""
    empty = Settings(brokers=brokers, namespace="empty", clock="feed")
    full = Settings(brokers=brokers, namespace="full", clock="feed")
    size = await fill(full, orders)
    ready, recovered, recovered_bytes = [], [], []
    for _ in range(rounds):
        async with workers(empty) as (without,):
            nothing = _resident(without)
        began = time.monotonic()
        async with workers(full) as (worker,):
            ready.append(time.monotonic() - began)
            recovered.append(metric(worker, "tower_recovery_seconds"))
            assert metric(worker, "tower_recovered_rows_total") >= orders
            recovered_bytes.append((_resident(worker) - nothing) / orders)
    speed, touched = await _touched(full, orders, nothing)
    rows = [
        ["recovered, by the worker's own clock, s", spread(recovered, "{:.2f}".format)],
        ["ready, from the start of the process, s", spread(ready, "{:.2f}".format)],
        ["memory an order once recovered, bytes", spread(recovered_bytes, whole)],
        ["memory an order after one more event each, bytes", whole(touched)],
        ["that event for each order, events/s", whole(speed)],
    ]
    title = f"Live orders ({orders:,} of {size // orders:,} bytes, {rounds} rounds)"
    return table(title, ["", "median (least to most)"], rows)


async def _touched(settings: Settings, orders: int, nothing: int) -> tuple[float, float]:
    """Give each order an event; return events a second, and bytes an order at the end."""
    line = LIFE[len(HELD)]
    events = [renamed(line, order) for order in range(orders)]
    end = line.at + MINUTE
    topic = await held(settings, events, end)
    async with workers(settings) as (worker,):
        began = await topic.show()
        await reported(settings, end, [worker])
        await rest([worker])
        bytes_each = (_resident(worker) - nothing) / orders
        ended = await durable_at(settings, ORDER_LOG)
    return orders / (ended - began) * 1_000, bytes_each


def _resident(worker: Worker) -> int:
    return int(psutil.Process(worker.pid).memory_info().rss)
