"""One worker process from start to end: topics, application, metrics on a port."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.base import Millis
from streams import topics
from streams.admin import check_topics, ensure_topics
from streams.app import worker
from streams.cellmetrics import CellCollector, Cells, Partition
from streams.config import Settings
from streams.domain.cells import EVENTS
from streams.domain.judgement import Judgement
from streams.engine.app import run
from streams.engine.engine import Engine
from streams.errors import TowerError
from streams.http import say_version, serving
from streams.ingest import IngestFold
from streams.metrics import Metrics
from streams.orders import OrdersFold

if TYPE_CHECKING:
    from streams.couriers import CouriersFold


def work(settings: Settings, judgement: Judgement) -> int:
    """Run a worker until it is told to stop; return the process's exit code.

    Raises:
        TowerError: no broker, or topics that would lose or misdate events.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # our sentence says it
    asyncio.run(_prepare(settings))
    metrics = Metrics(CollectorRegistry(), judgement.rules.carriers)
    say_version(metrics.registry, settings.commit)
    app = worker(settings, judgement, metrics)
    engine = cast("Engine", app.engine)
    view = _View(engine)
    metrics.registry.register(
        CellCollector(metrics, view.cells, view.clock, view.duplicates, judgement.rules)
    )
    metrics.registry.register(HealthCollector(engine, view))

    @asynccontextmanager
    async def observed() -> AsyncIterator[None]:
        host, port = settings.metrics_host, settings.metrics_port
        async with serving(host, port, metrics.registry, lambda: engine.ready) as bound:
            print(f"metrics on http://{host}:{bound}/metrics", flush=True)  # noqa: T201
            yield

    return run(app, observed)


async def _prepare(settings: Settings) -> None:
    await ensure_topics(settings.kafka, settings)
    findings = await check_topics(settings.kafka, settings)
    if findings:
        raise TowerError(" ".join(findings))


class _View:
    """What the folds of the partitions this worker owns have to show."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def orders(self) -> list[OrdersFold]:
        """Return the order folds."""
        folds = self._engine.folds(topics.ORDER_LOG).values()
        return [cast("OrdersFold", fold) for fold in folds]

    def ingests(self) -> list[IngestFold]:
        """Return the ingest folds."""
        both = (topics.ORDER_EVENTS, topics.COURIER_EVENTS)
        return [
            cast("IngestFold", fold)
            for topic in both
            for fold in self._engine.folds(topic).values()
        ]

    def cells(self) -> Iterable[Cells]:
        """Yield every partition's cells, as of its clock."""
        for fold in self.orders():
            fold.settle_cells()
            yield fold.book.totals

    def clock(self) -> Millis:
        """Return the least clock of the owned inbox partitions, 0 without one."""
        return min((fold.clock for fold in self.orders()), default=0)

    def duplicates(self) -> dict[Partition, int]:
        """Return how many copies the partitions of both logs have seen."""
        found = {
            (topics.ORDER_EVENTS, fold.partition): fold.book.totals.get(EVENTS, {})
            for fold in self.orders()
        }
        for number, fold in self._engine.folds(topics.COURIER_LOG).items():
            found[topics.COURIER_EVENTS, number] = cast("CouriersFold", fold).counts()
        return {partition: counts.get("duplicate", 0) for partition, counts in found.items()}


class HealthCollector(Collector):
    """Lag, clocks and recovery of the worker itself."""

    def __init__(self, engine: Engine, view: _View) -> None:
        self._engine = engine
        self._view = view

    def describe(self) -> Iterable[Metric]:
        """Promise nothing: what there is depends on what is owned."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield every series."""
        lag = GaugeMetricFamily(
            "tower_consumer_lag_records",
            "Records not applied yet.",
            labels=["topic", "partition"],
        )
        for (topic, partition), records in self._engine.lag().items():
            lag.add_metric([topic, str(partition)], records)
        yield lag
        yield self._newest()
        clock, engine = self._view.clock(), self._engine
        for name, says, value in (
            ("clock_timestamp_seconds", "Least clock of the inbox partitions owned.",
             clock / 1_000),
            ("commit_age_seconds", "Age of the oldest last barrier.", engine.commit_age()),
            ("recovery_seconds", "How long the last recovery took.", engine.recovered_seconds),
        ):  # fmt: skip
            yield GaugeMetricFamily(f"tower_{name}", says, value=value)
        for name, says, count in (
            ("recovered_rows", "Rows recovered.", engine.recovered_rows),
            ("rebalances", "Assignments of partitions.", engine.rebalances),
        ):
            yield CounterMetricFamily(f"tower_{name}", says, value=count)

    def _newest(self) -> Metric:
        newest = GaugeMetricFamily(
            "tower_last_event_timestamp_seconds",
            "When the newest event was received.",
            labels=["topic"],
        )
        latest: dict[str, Millis] = {}
        for fold in self._view.ingests():
            topic = fold.inbound.topic
            latest[topic] = max(latest.get(topic, 0), fold.newest)
        for topic, at in latest.items():
            newest.add_metric([topic], at / 1_000)
        return newest
