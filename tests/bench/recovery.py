"""Many live orders: how long until a worker that starts is ready, and what each weighs.

The rows lie on the changelog as after compaction, one a key. Recovery is what the worker itself
measures: all changelogs and cells read, every partition rebuilt. Then it starts once more with
deadlines that passed meanwhile: those orders are called late, and no other. Memory is what the
resident set has more than that of a worker without orders. At the end every order gets one more
event: no row is warm then.
"""

import json
import time

import psutil

from streams.config import Settings
from streams.topics import ORDER_FACTS, ORDER_LOG
from tests.bench.day import MINUTE
from tests.bench.live import DUE_AT, NEXT, OVERDUE, fill, name_of, renamed
from tests.bench.table import spread, table, whole
from tests.bench.topic import held, records
from tests.bench.towers import Worker, durable_at, metric, reported, rest, workers


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
    due = await _due(full)
    speed, touched = await _touched(full, orders, nothing)
    rows = [
        ["recovered, by the worker's own clock, s", spread(recovered, "{:.2f}".format)],
        ["ready, from the start of the process, s", spread(ready, "{:.2f}".format)],
        ["first overdue deadline told, after ready, s", f"{due:.2f}"],
        ["memory an order once recovered, bytes", spread(recovered_bytes, whole)],
        ["memory an order after one more event each, bytes", whole(touched)],
        ["that event for each order, events/s", whole(speed)],
    ]
    title = f"Live orders ({orders:,} of {size // orders:,} bytes, {rounds} rounds)"
    return table(title, ["", "median (least to most)"], rows)


async def _due(settings: Settings) -> float:
    """Return how long after ready the first order that fell due meanwhile was called late.

    Fails unless exactly the overdue orders are.
    """
    topic = await held(settings, [], DUE_AT)
    await topic.show()
    async with workers(settings) as (worker,):
        ready = time.time()
        while len(late := await _called_late(settings)) < OVERDUE:
            worker.must_run()
        await rest([worker])
        late = await _called_late(settings)
    assert late.keys() == {name_of(order).decode() for order in range(OVERDUE)}
    return max(0.0, min(late.values()) - ready)


async def _called_late(settings: Settings) -> dict[str, float]:
    """Return when each order was called late, by the facts that there are (epoch seconds)."""
    found: dict[str, float] = {}
    async for record in records(settings, ORDER_FACTS):
        fact = json.loads(record.value)
        if fact["kind"] == "delivery_outcome" and fact["outcome"] == "late":
            found.setdefault(fact["order_id"], record.timestamp / 1_000)
    return found


async def _touched(settings: Settings, orders: int, nothing: int) -> tuple[float, float]:
    """Give each order an event; return events a second, and bytes an order at the end."""
    events = [renamed(NEXT, order) for order in range(orders)]
    end = NEXT.at + MINUTE
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
