"""Runs toy workers against a broker and checks what they left there."""

import asyncio
import os
import re
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.admin import ensure_topics
from streams.config import Settings
from streams.engine.rows import PARTITION_KEY, merge, off_of
from streams.partitioner import partition_of
from streams.topics import named

PARTITIONS = 4
KEYS = 40
SESSION = 2.0
MAX_BATCH = 50
TOY = Path(__file__).with_name("toy.py")


class Toys:
    """The toy's topics in one namespace, its workers, and what was sent to them."""

    def __init__(self, bootstrap: str, namespace: str, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.namespace = namespace
        self.folder = folder
        self.workers: list[subprocess.Popen] = []
        self.sent: Counter[bytes] = Counter()

    async def create(self) -> None:
        settings = Settings(
            brokers=self.bootstrap, namespace=self.namespace, partitions=PARTITIONS
        )
        await ensure_topics(self.bootstrap, settings)

    def start(self, failpoint: str | None = None, **extra: str) -> subprocess.Popen:
        env = os.environ | {
            "TOWER_BROKERS": self.bootstrap,
            "TOWER_NAMESPACE": self.namespace,
            "TOWER_SESSION_TIMEOUT_SECONDS": str(SESSION),
            "TOWER_HEARTBEAT_SECONDS": "0.3",
            "TOWER_BARRIER_SECONDS": "0.3",
            "TOWER_MAX_BATCH": str(MAX_BATCH),
        }
        env |= extra | ({"TOWER_FAILPOINT": failpoint} if failpoint else {})
        with (self.folder / f"worker{len(self.workers)}.log").open("wb") as log:
            command = [sys.executable, str(TOY)]
            worker = subprocess.Popen(command, env=env, stderr=log, stdout=log)
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> str:
        return (self.folder / f"worker{number}.log").read_text()

    def logs(self) -> str:
        return "\n".join(
            f"--- worker {n} ({w.poll()})\n{self.log(n)[-6000:]}"
            for n, w in enumerate(self.workers)
        )

    async def send(self, count: int, value: bytes = b"x", pause: float = 0) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, enable_idempotence=True, linger_ms=5
        )
        await producer.start()
        try:
            futures = []
            for number in range(count):
                key = b"k%02d" % (number % KEYS)
                futures.append(
                    await producer.send(named(self.namespace, "order-log"), value, key=key)
                )
                self.sent[key] += 1
                if pause and number % 50 == 49:
                    await asyncio.sleep(pause)
            await asyncio.gather(*futures)
        finally:
            await producer.stop()

    async def read(self, topic: str) -> dict[int, list]:
        """Return all records of a topic, by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        await consumer.start()
        try:
            tps = [TopicPartition(named(self.namespace, topic), p) for p in range(PARTITIONS)]
            ends = await consumer.end_offsets(tps)
            consumer.assign(tps)
            found = {tp.partition: [] for tp in tps}
            for tp in tps:
                consumer.seek(tp, 0)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[tp.partition] += records
            return found
        finally:
            await consumer.stop()

    async def applied(self) -> dict[int, int]:
        """Return the applied offset of each partition row."""
        applied = {}
        for number, records in (await self.read("orders-changelog")).items():
            for record in records:
                if record.key == PARTITION_KEY:
                    applied[number] = max(applied.get(number, -1), off_of(record.value))
        return applied

    async def settled(self, seconds: float = 40.0, but: Collection[int] = ()) -> None:
        """Wait until every partition row, but those, includes the last record of its source."""
        source = await self.read("order-log")
        ends = {
            number: records[-1].offset
            for number, records in source.items()
            if records and number not in but
        }
        deadline = time.monotonic() + seconds
        while True:
            applied = await self.applied()
            if all(applied.get(number, -1) >= end for number, end in ends.items()):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"applied {applied} of {ends}\n{self.logs()}")
            await asyncio.sleep(0.2)

    async def exact(self) -> int:
        """Check counters, cells and facts; return how many facts were repeated."""
        rows: dict[bytes, bytes] = {}
        for records in (await self.read("orders-changelog")).values():
            table: dict[bytes, bytes] = {}
            for record in records:
                merge(table, record.key, record.value)
            table.pop(PARTITION_KEY, None)
            rows |= table
        log = await self.read("order-log")
        there = Counter(record.key for records in log.values() for record in records)
        assert there == self.sent  # else the test's own producer repeated or lost records
        count = struct.Struct(">q").unpack
        counted = {key: count(row[8:])[0] for key, row in rows.items()}
        assert counted == self.sent, f"{self.differences(counted)}\n{self.logs()}"
        cells = {}
        for records in (await self.read("kpi-cells")).values():
            cells |= {record.key: count(record.value)[0] for record in records}
        assert cells == self.sent, f"cells: {self.differences(cells)}\n{self.logs()}"
        wanted = {
            b"%s:%d/%d" % (record.key, number, record.offset)
            for number, records in log.items()
            for record in records
        }
        facts = Counter(
            record.value
            for records in (await self.read("order-facts")).values()
            for record in records
        )
        assert set(facts) == wanted, f"{len(wanted - set(facts))} facts lost\n{self.logs()}"
        return facts.total() - len(facts)

    def differences(self, found: dict[bytes, int]) -> str:
        """Return partition, key, what was found and what was sent, where they differ."""
        lines = [
            f"{partition_of(key, PARTITIONS)} {key!r} {found.get(key)} of {sent}"
            for key, sent in sorted(self.sent.items())
            if found.get(key) != sent
        ]
        return "\n".join(lines)

    async def ends(self, worker: subprocess.Popen, code: int, seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while worker.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"a worker did not end\n{self.logs()}")
            await asyncio.sleep(0.05)
        assert worker.returncode == code, self.logs()

    async def says(self, number: int, pattern: str, seconds: float = 20.0) -> re.Match:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.log(number))):
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} was not said\n{self.logs()}")
            await asyncio.sleep(0.05)
        return found

    def rows_of(self, *partitions: int) -> int:
        """Return how many keys sent so far live in partitions."""
        return sum(partition_of(key, PARTITIONS) in partitions for key in self.sent)

    def assigned(self, number: int) -> list[int]:
        """Return the partitions a worker was assigned first."""
        line = re.search(r"partitions assigned: (.*)", self.log(number))
        return [int(each.rpartition("/")[2]) for each in line[1].split(", ")]

    def counted(self, number: int) -> dict[str, int]:
        """Return what the engine of a worker that ended had counted."""
        line = re.findall(r"^counted (.*)$", self.log(number), re.MULTILINE)[-1]
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}

    def close(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
