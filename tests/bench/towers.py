"""Workers of the tower as a contestant: the whole job, timed by what Kafka holds afterwards.

Workers are up and share the partitions before the topic is shown to them. The end is when the
last partition row that includes an outside event was sent: its outputs, facts, cells and rows
were acknowledged before. The row says when that was, so no polling blurs it. Processor time
runs on until the workers rest: plans that wait for the end of a backlog are part of the job.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from models.base import Millis
from streams.config import Settings
from streams.engine.rows import PARTITION_KEY, off_of
from streams.livereport import live_report
from streams.topics import COURIER_EVENTS, COURIER_LOG, ORDER_LOG
from tests.bench.contest import Run, peak_bytes, processor_seconds
from tests.bench.day import END, Counts
from tests.bench.topic import Held, reading, records

TOWER = Path(sys.executable).with_name("tower")
LONGEST_SECONDS = 600.0
RESTING_CORE = 0.1  # of a core: what a worker uses that has nothing to do is less
CHANGELOG = {ORDER_LOG: "orders-changelog", COURIER_LOG: "couriers-changelog"}
_ADDRESS = re.compile(rb"http://(\S+)/metrics")


class Worker:
    """One `tower worker`; what it prints goes to a file that dies with it."""

    def __init__(self, settings: Settings, **more: str) -> None:
        self._said = tempfile.NamedTemporaryFile()  # noqa: SIM115 - see close
        environment = {
            "TOWER_BROKERS": settings.brokers,
            "TOWER_NAMESPACE": settings.namespace,
            "TOWER_METRICS_PORT": "0",
            "TOWER_CLOCK": "feed",
            **more,
        }
        self._child = subprocess.Popen(
            [TOWER, "worker"],
            env=os.environ | environment,
            stdout=self._said,
            stderr=self._said,
        )
        self.pid = self._child.pid

    def ready(self) -> bool:
        """Tell whether it is recovered and consuming; fails if it has ended."""
        self.must_run()
        try:
            return bool(self.asked("readyz"))
        except OSError:
            return False

    def ended(self) -> bool:
        """Tell whether the process is no more."""
        return self._child.poll() is not None

    def must_run(self) -> None:
        """Fail with what it said if it has ended."""
        if self.ended():
            raise AssertionError(f"the worker ended: {self._says().decode()[-2_000:]}")

    def _says(self) -> bytes:
        return Path(self._said.name).read_bytes()

    def asked(self, path: str) -> str:
        """Return what it serves at a path; OSError where it serves nothing yet or says no."""
        found = _ADDRESS.search(self._says())
        if found is None:
            raise ConnectionError("it serves nothing yet")
        with urllib.request.urlopen(f"http://{found[1].decode()}/{path}") as answer:
            return str(answer.read().decode())

    def close(self) -> None:
        """End it."""
        self._child.kill()
        self._child.wait()
        self._said.close()


@asynccontextmanager
async def workers(
    settings: Settings, count: int = 1, **more: str
) -> AsyncIterator[list[Worker]]:
    """Yield workers that are ready and share the partitions."""
    started: list[Worker] = []
    try:
        for _ in range(count):  # one after the other: each moves only what must move
            started.append(Worker(settings, **more))
            await wait_for(lambda: all(each.ready() for each in started))
        yield started
    finally:
        for each in started:
            each.close()


async def wait_for(true: Callable[[], bool], pause: float = 0.02) -> None:
    """Wait until it is true."""
    end = time.monotonic() + LONGEST_SECONDS
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not so after {LONGEST_SECONDS:.0f} s")
        await asyncio.sleep(pause)


async def work(
    settings: Settings,
    topic: Held,
    count: int = 1,
    watch: Callable[[int], AbstractContextManager[None]] = lambda _: nullcontext(),
) -> Run:
    """Run workers over a topic that is held back; return what all of them took together.

    `watch` is entered with the process id of the first for as long as they work.
    """
    log = COURIER_LOG if topic.topic.endswith(COURIER_EVENTS) else ORDER_LOG
    async with workers(settings, count) as all_of_them:
        before = [processor_seconds(each.pid) for each in all_of_them]
        with watch(all_of_them[0].pid):
            began = await topic.show()
            report = await reported(settings, END, all_of_them)
            await rest(all_of_them)
        cpu = [processor_seconds(each.pid) for each in all_of_them]
        peaks = [peak_bytes(each.pid) for each in all_of_them]
        ended = await durable_at(settings, log)
    return Run((ended - began) / 1_000, sum(cpu) - sum(before), sum(peaks), report)


async def reported(
    settings: Settings, end: Millis, all_of_them: list[Worker]
) -> dict[str, Any]:
    """Return the report once every clock has passed the end; fails if a worker ends before."""
    report = asyncio.create_task(live_report(settings, wait=end))
    try:
        await wait_for(lambda: report.done() or any(map(Worker.ended, all_of_them)), 0.2)
        for each in all_of_them:
            each.must_run()
        return await report
    finally:
        report.cancel()


async def rest(all_of_them: list[Worker]) -> None:
    """Wait until workers have used next to nothing for a second."""
    used = [float("-inf")]

    def resting() -> bool:
        used.append(sum(processor_seconds(each.pid) for each in all_of_them))
        return used[-1] - used[-2] < RESTING_CORE * len(all_of_them)

    await wait_for(resting, pause=1)


def metric(worker: Worker, name: str) -> float:
    """Return a series without labels that a worker exposes."""
    lines = worker.asked("metrics").splitlines()
    return next(float(line.split()[1]) for line in lines if line.split()[0] == name)


def counted(report: dict[str, Any]) -> Counts:
    """Return of a report what a job with four counters a carrier counts."""
    return {
        carrier: {
            "orders": kpi["orders"],
            "on_time": kpi["delivery_time"]["on_time"],
            "late": kpi["delivery_time"]["late"],
            "first_failed": kpi["first_attempt"]["concluded"]
            - kpi["first_attempt"]["succeeded"],
        }
        for carrier, kpi in report["carriers"].items()
    }


async def durable_at(settings: Settings, log: str) -> Millis:
    """Return when the last outside event of a log was durably included (epoch milliseconds)."""
    last: dict[int, int] = {}
    async for record in records(settings, log):
        if record.key is not None:
            last[record.partition] = record.offset
    included: dict[int, Millis] = {}
    async with reading(settings, CHANGELOG[log]) as consumer:
        while included.keys() != last.keys():
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    p = record.partition
                    if record.key == PARTITION_KEY and off_of(record.value) >= last.get(p, 0):
                        included.setdefault(p, record.timestamp)
    return max(included.values())
