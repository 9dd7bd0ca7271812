"""A whole worker beside a bare count: one file of events, one broker, one process each.

The worker re-keys, validates, folds, makes durable and publishes; it is timed from the first
record it re-keyed until it committed the end of both logs, to about one barrier (1 s). The
count reads the same topic with aiokafka and adds one for each record. Medians.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.embedded import EmbeddedBroker
from streams.topics import ORDER_EVENTS, ORDER_LOG, named

TOWER = Path(sys.executable).with_name("tower")
PARTITIONS = 8


def places(namespace: str, topic: str) -> list[TopicPartition]:
    """Return the partitions of a topic."""
    return [TopicPartition(named(namespace, topic), p) for p in range(PARTITIONS)]


async def counted(bootstrap: str, namespace: str) -> float:
    """Return the events a second of a bare count."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    tps = places(namespace, ORDER_EVENTS)
    wanted = sum((await consumer.end_offsets(tps)).values())
    consumer.assign(tps)
    began, count = time.perf_counter(), 0
    while count < wanted:
        for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
            for _ in records:
                count += 1
    taken = time.perf_counter() - began
    await consumer.stop()
    return wanted / taken


async def worked(bootstrap: str, namespace: str, environment: dict[str, str]) -> float:
    """Return the events a second of a worker that has never seen the topic."""
    watch = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"{namespace}.worker", enable_auto_commit=False
    )
    await watch.start()
    source, log = places(namespace, ORDER_EVENTS), places(namespace, ORDER_LOG)
    ends = await watch.end_offsets(source)
    worker = await asyncio.create_subprocess_exec(
        TOWER,
        "worker",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await _until(lambda: _any(watch.end_offsets(log)))
        began = time.perf_counter()
        await _until(lambda: _committed(watch, ends))
        passed_on = await watch.end_offsets(log)
        await _until(lambda: _committed(watch, passed_on))
        return sum(ends.values()) / (time.perf_counter() - began)
    finally:
        worker.terminate()
        await worker.wait()
        await watch.stop()


async def _until(true: Callable[[], Awaitable[bool]]) -> None:
    """Return once it is true; asked every tenth of a second."""
    while not await true():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.1)


async def _any(offsets: Awaitable[dict[TopicPartition, int]]) -> bool:
    return any((await offsets).values())


async def _committed(watch: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """Tell whether the group committed as far as these ends."""
    return all([(await watch.committed(tp) or 0) >= end for tp, end in ends.items()])


def day(orders: int, path: Path) -> None:
    """Write the order events of a simulated day."""
    whole = path.with_suffix(".all")
    subprocess.run([TOWER, "simulate", "--orders", str(orders), "--out", whole], check=True)
    with whole.open("rb") as lines, path.open("wb") as kept:
        kept.writelines(line for line in lines if b'"order_id"' in line)


def published(path: Path, environment: dict[str, str]) -> None:
    """Publish a file to a new namespace, keyed by nothing the tower could use."""
    command = [TOWER, "publish", path, "--keys", "random"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


async def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=6_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    bare, whole = [], []
    with EmbeddedBroker() as broker, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.jsonl"
        day(given.orders, path)
        for run in range(given.runs):
            namespace = f"bench{run}"
            environment = os.environ | {
                "TOWER_BROKERS": broker.bootstrap,
                "TOWER_NAMESPACE": namespace,
                "TOWER_METRICS_PORT": "0",
                "TOWER_CLOCK": "feed",
            }
            published(path, environment)
            bare.append(await counted(broker.bootstrap, namespace))
            whole.append(await worked(broker.bootstrap, namespace, environment))
    print(f"bare count: {statistics.median(bare):,.0f} events a second {_all(bare)}")
    print(f"worker: {statistics.median(whole):,.0f} events a second {_all(whole)}")
    print(f"ratio: {statistics.median(whole) / statistics.median(bare):.3f}")


def _all(speeds: list[float]) -> str:
    return f"(runs: {', '.join(f'{speed:,.0f}' for speed in speeds)})"


if __name__ == "__main__":
    asyncio.run(main())
