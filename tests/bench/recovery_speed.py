"""How long does a worker take to recover live orders? Five events each, eight partitions.

The rows are folded by the real fold and written to a broker of our own; what is timed is what
a worker does before it goes on: read the changelogs and the cells, rebuild every partition.
"""

import argparse
import asyncio
import statistics
import time

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from models.rules import Rules
from streams.admin import ensure_topics
from streams.app import sources
from streams.clocks import TICK, origin_header
from streams.codec import decode_order
from streams.collector import relax
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.embedded import EmbeddedBroker
from streams.engine.api import Record
from streams.engine.recovery import recover
from streams.engine.rows import PARTITION_KEY, PartitionRows, pack
from streams.engine.writer import Outbox
from streams.metrics import Metrics
from streams.orders import OrdersFold
from streams.topics import ORDER_LOG, named
from tests.domain.given import at
from tests.story import at_depot, in_transit, out, picked_up, promised, story

LIFE = (promised(0, window=(300, 540)), picked_up(10), in_transit(60), at_depot(120), out(200))
RUNS = 3


def rows_of(orders: range) -> dict[bytes, bytes]:
    """Return the changelog of a partition with these orders, all of them open.

    The first event of every order stands at offset 0 of the log, the second at 1, ...
    """
    fold, rows = OrdersFold(0, ("bench/0",), Judgement(Rules())), PartitionRows({}, -1)
    fold.recover(None, rows, {})
    number = 0
    for offset, line in enumerate(story(*LIFE)):
        records = []
        for order in orders:
            key = b"order-%09d" % order
            event = decode_order(line.replace(b'"A-1"', b'"%s"' % key))
            received = str(at((0, 10, 60, 120, 200)[offset])).encode()
            headers = (("received_at", received), ("origin", origin_header("bench/0", number)))
            records.append(Record(offset, 0, key, event.canonical, headers))
            number += 1
        fold.fold(records, Outbox())
        tick = b'{"bench/0": %d}' % at(200)
        told = (*TICK, ("caught_up", b"1"))
        fold.fold([Record(offset, 0, None, tick, told)], Outbox())
    kept = {key: pack(rows.off(key), payload) for key, payload in rows.items()}
    return kept | {PARTITION_KEY: pack(len(LIFE) - 1, fold.meta())}


async def fill(settings: Settings, orders: int) -> int:
    """Write the changelogs of so many orders; return how many bytes they are."""
    await ensure_topics(settings.brokers, settings)
    count, size = settings.partitions, 0
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, linger_ms=20)
    await producer.start()
    for p in range(count):
        rows = rows_of(range(p, orders, count))
        size += sum(map(len, rows.values()))
        for _ in LIFE:
            await producer.send(named(settings.namespace, ORDER_LOG), b"", partition=p)
        for key, row in rows.items():
            changelog = named(settings.namespace, "orders-changelog")
            await producer.send(changelog, row, key, partition=p)
    await producer.stop()
    return size


async def timed(settings: Settings) -> float:
    """Return the seconds it takes to recover every partition of the orders."""
    source = sources(settings, Judgement(Rules()), Metrics(CollectorRegistry()))[-1]
    began = time.perf_counter()
    wanted = [(source, p) for p in range(settings.partitions)]
    for found in await recover(settings.brokers, settings.namespace, wanted):
        rows = PartitionRows(found.rows, found.expected - 1)
        source.fold(found.number).recover(found.meta, rows, found.cells)
    return time.perf_counter() - began


async def main() -> None:
    """Print the median of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000)
    orders = parser.parse_args().orders
    relax()
    with EmbeddedBroker() as broker:
        settings = Settings(brokers=broker.bootstrap, namespace="bench")
        size = await fill(settings, orders)
        taken = [await timed(settings) for _ in range(RUNS)]
    print(
        f"recovery: {orders:,} live orders ({size // orders:,} bytes each) in "
        f"{statistics.median(taken):.2f} s (runs: {', '.join(f'{t:.2f}' for t in taken)})"
    )


if __name__ == "__main__":
    asyncio.run(main())
