"""How long from an event on the broker to its fact in a reader's hands, at a steady load.

One worker on the wall clock; events are sent one by one as they would happen, orders
overlapping. The event is the first at an order's door (`delivered` or `attempt_failed`), the
fact is `attempt_concluded`; the time begins with the broker's append time of the event and ends
when a consumer that reads what is committed holds the fact, all on one machine and clock.
"""

import asyncio
import json
import math
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from aiokafka import AIOKafkaProducer

from streams.admin import ensure_topics
from streams.config import Settings
from streams.topics import ORDER_EVENTS, ORDER_FACTS, named
from tests.bench.contest import processor_seconds
from tests.bench.day import EVENTS_PER_ORDER, Line, day, instant
from tests.bench.table import spread, table, whole
from tests.bench.topic import reading
from tests.bench.towers import wait_for, workers

RATES = (500, 2_000, 5_000)
LIFE_SECONDS = 5.0  # from the first event of an order to its last
WARM_SECONDS = 2.0  # at the start of a run, not looked at
DRAIN_SECONDS = 30.0  # at most, for facts that are still to come after the last event
SLOT_SECONDS = 0.005
HOUR = 3_600_000
Sent = tuple[bytes, bytes]  # key and event
AT_THE_DOOR = (b'"kind":"delivered"', b'"kind":"attempt_failed"')


class _Fact(msgspec.Struct):
    kind: str
    order_id: str


@dataclass(slots=True)
class Load:
    """What one run at a rate has seen; instants are epoch milliseconds."""

    appended: dict[str, float] = field(default_factory=dict)
    read: dict[str, float] = field(default_factory=dict)
    sent_rate: float = 0.0
    last_sent: float = 0.0
    cpu: float = 0.0  # cores of the worker

    def latency(self, share: float) -> float:
        """Return the milliseconds within which this share of the facts came.

        The first seconds are left out; a fact that never came took for ever.
        """
        warm = min(self.appended.values()) + WARM_SECONDS * 1_000
        taken = sorted(
            self.read.get(order, math.inf) - at
            for order, at in self.appended.items()
            if at >= warm
        )
        return taken[int(share * len(taken))]

    def kept(self, rate: float) -> bool:
        """Tell whether the load was sent in full and the worker was done a second after it."""
        in_time = max(self.read.values(), default=0.0) - self.last_sent < 1_000
        return in_time and self.all_read() and self.sent_rate > 0.98 * rate

    def all_read(self) -> bool:
        """Tell whether every fact that is due has come."""
        return self.read.keys() >= self.appended.keys()


def steady(rate: int, seconds: float, run: int) -> list[Sent]:
    """Return keys and events of overlapping orders, as many as are sent in so many seconds."""
    begun_between = rate * LIFE_SECONDS / EVENTS_PER_ORDER**2  # orders, two events of one
    seen: Counter[bytes] = Counter()
    placed: list[tuple[float, Line]] = []
    for line in day(int(rate * (seconds + LIFE_SECONDS))).lines:
        place = int(line.order_id[-7:]) + seen[line.order_id] * begun_between
        placed.append((place, line))
        seen[line.order_id] += 1
    placed.sort(key=lambda pair: pair[0])
    date, name = b"-20260303-", b"-r%d-%d-" % (rate, run)
    return [
        (line.order_id.replace(date, name), line.raw.replace(date, name))
        for _, line in placed[: int(rate * seconds)]
    ]


def _happening_now(raw: bytes) -> bytes:
    """Return an event with the times of now; promises end in two hours, ETAs in one."""
    event, now = json.loads(raw), int(time.time() * 1_000)
    event["occurred_at"] = event["observed_at"] = instant(now)
    if "promise" in event:
        event["promise"] = {"start": instant(now - HOUR), "end": instant(now + 2 * HOUR)}
    if "eta" in event:
        event["eta"] = instant(now + HOUR)
        event["eta_low"], event["eta_high"] = instant(now), instant(now + 2 * HOUR)
    return json.dumps(event, separators=(",", ":")).encode()


async def latency(
    brokers: str, rounds: int, seconds: float, rates: Sequence[int] = RATES
) -> str:
    """Return the table of all rates, each as many times as there are rounds."""
    settings = Settings(brokers=brokers, namespace="latency")
    await ensure_topics(settings.kafka, settings)
    loads: dict[int, list[Load]] = {rate: [] for rate in rates}
    async with workers(settings, TOWER_CLOCK="wall") as (worker,):
        for run in range(rounds):
            for rate in rates:
                events = steady(rate, seconds, run)
                before, began = processor_seconds(worker.pid), time.monotonic()
                load = await _loaded(settings, rate, events)
                used = processor_seconds(worker.pid) - before
                load.cpu = used / (time.monotonic() - began)
                loads[rate].append(load)
    return _table(loads, seconds)


async def _loaded(settings: Settings, rate: int, events: Sequence[Sent]) -> Load:
    load = Load()
    async with reading(settings, ORDER_FACTS) as consumer:
        await consumer.seek_to_end()
        reader = asyncio.create_task(_read(consumer, load))
        await _send(settings, load, rate, events)
        end = time.monotonic() + DRAIN_SECONDS
        await wait_for(lambda: load.all_read() or time.monotonic() > end)
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
    return load


async def _send(settings: Settings, load: Load, rate: int, events: Sequence[Sent]) -> None:
    """Send at the rate, and note when the broker appended what a fact will follow."""
    topic, sent = named(settings.namespace, ORDER_EVENTS), 0
    visited: set[bytes] = set()
    async with AIOKafkaProducer(bootstrap_servers=settings.brokers) as producer:
        began = time.monotonic()
        while sent < len(events):
            due = int((time.monotonic() - began) * rate)
            for key, raw in events[sent:due]:
                answer = await producer.send(topic, _happening_now(raw), key)
                if key not in visited and any(kind in raw for kind in AT_THE_DOOR):
                    visited.add(key)
                    answer.add_done_callback(_noting(load.appended, key.decode()))
            sent = min(due, len(events))
            await asyncio.sleep(SLOT_SECONDS)
        await producer.flush()
    load.sent_rate = sent / (time.monotonic() - began)
    load.last_sent = time.time() * 1_000


def _noting(appended: dict[str, float], order: str):
    def note(answer: asyncio.Future) -> None:
        appended[order] = answer.result().timestamp

    return note


async def _read(consumer, load: Load) -> None:
    """Note when the first fact of an attempt of each order is in hand."""
    decode = msgspec.json.Decoder(_Fact).decode
    while True:
        answers = await consumer.getmany(timeout_ms=200)
        now = time.time() * 1_000
        for records in answers.values():
            for record in records:
                fact = decode(record.value)
                if fact.kind == "attempt_concluded":
                    load.read.setdefault(fact.order_id, now)


def _table(loads: dict[int, list[Load]], seconds: float) -> str:
    head = ["events/s offered", "sent", "p50 ms", "p99 ms", "worker's core", "kept"]
    rows = []
    for rate, runs in loads.items():
        kept = sum(run.kept(rate) for run in runs)
        rows.append(
            [
                f"{rate:,}",
                whole(statistics.median(run.sent_rate for run in runs)),
                spread([run.latency(0.50) for run in runs], whole),
                spread([run.latency(0.99) for run in runs], whole),
                f"{statistics.median(run.cpu for run in runs):.0%}",
                f"{kept} of {len(runs)}" + ("" if kept == len(runs) else ", **not kept**"),
            ]
        )
    title = f"Event to fact ({seconds:.0f} s a run, {len(runs)} runs a rate)"
    return table(title, head, rows)
