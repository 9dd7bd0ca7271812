"""A worker's own sensor: how far it reads, how old its commits are, how its recovery goes.

Everything is read off the engine and the folds when a scrape asks; nothing is counted here.
`docs/metrics.md` describes each series.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.base import Millis
from streams import topics
from streams.cellmetrics import Cells, Partition
from streams.domain.cells import EVENTS
from streams.engine.engine import Engine
from streams.ingest import IngestFold
from streams.orders import OrdersFold

if TYPE_CHECKING:
    from streams.couriers import CouriersFold


def wall_ms() -> Millis:
    """Return this machine's clock."""
    return time.time_ns() // 1_000_000


class View:
    """What the folds of the partitions this worker owns have to show."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def orders(self) -> list[OrdersFold]:
        """Return the order folds."""
        folds = self._engine.folds(topics.ORDER_LOG).values()
        return [cast("OrdersFold", fold) for fold in folds]

    def couriers(self) -> list["CouriersFold"]:
        """Return the courier folds."""
        folds = self._engine.folds(topics.COURIER_LOG).values()
        return [cast("CouriersFold", fold) for fold in folds]

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

    def behind(self) -> bool:
        """Return whether an upstream of an owned inbox partition works through a backlog."""
        return not all(fold.marks.caught_up for fold in self.orders())

    def duplicates(self) -> dict[Partition, int]:
        """Return how many copies the partitions of both logs have seen."""
        found = {
            (topics.ORDER_EVENTS, fold.partition): fold.book.totals.get(EVENTS, {})
            for fold in self.orders()
        }
        for fold in self.couriers():
            found[topics.COURIER_EVENTS, fold.partition] = fold.counts()
        return {partition: counts.get("duplicate", 0) for partition, counts in found.items()}


class HealthCollector(Collector):
    """Lag, clocks, commits and recovery of the worker itself.

    In `feed` time comes with the data, so the distance to the present has no value there.
    """

    def __init__(
        self, engine: Engine, view: View, *, feed: bool, wall: Callable[[], Millis] = wall_ms
    ) -> None:
        self._engine = engine
        self._view = view
        self._feed = feed
        self._wall = wall

    def describe(self) -> Iterable[Metric]:
        """Promise nothing: what there is depends on what is owned."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield every series."""
        engine = self._engine
        yield _by_partition("consumer_lag_records", "Records not applied yet.", engine.lag())
        yield _by_partition(
            "partition_commit_age_seconds", "Time since the last barrier.", engine.commit_ages()
        )
        yield self._newest()
        yield self._clock_lag()
        for name, says, value in self._gauges():
            yield GaugeMetricFamily(f"tower_{name}", says, value=value)
        for name, says, count in (
            ("recovered_rows", "Rows recovered.", engine.recovered_rows),
            ("kept_rows", "Rows that stayed in memory over a rebalance.", engine.kept_rows),
            ("rebalances", "Assignments of partitions.", engine.rebalances),
            ("flushes", "Flushes that wrote rows.", engine.flushes),
        ):
            yield CounterMetricFamily(f"tower_{name}", says, value=count)

    def _gauges(self) -> Iterable[tuple[str, str, float]]:
        engine, view = self._engine, self._view
        read, wanted = engine.recovering or (0, 0)
        return (
            ("clock_timestamp_seconds", "Least clock of the inbox partitions owned.",
             view.clock() / 1_000),
            ("commit_age_seconds", "Age of the oldest last barrier.", engine.commit_age()),
            ("flushes_in_flight", "Flushes not acknowledged.", engine.flushes_in_flight),
            ("partitions_paused", "Partitions not read until more is acknowledged.",
             engine.paused),
            ("holes", "Offsets of owned partitions that hold no record.", engine.holes),
            ("replay_in_progress", "1 while a backlog is worked through.", view.behind()),
            ("recovery_seconds", "How long the last recovery took.", engine.recovered_seconds),
            ("recovery_offsets_read", "Offsets read by the recovery under way.", read),
            ("recovery_offsets_wanted", "Offsets the recovery under way will read.", wanted),
        )  # fmt: skip

    def _clock_lag(self) -> Metric:
        lag = GaugeMetricFamily(
            "tower_clock_lag_seconds", "How far the tower's clock is behind the present."
        )
        clock = self._view.clock()
        if clock and not self._feed:
            lag.add_metric([], (self._wall() - clock) / 1_000)
        return lag

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


def _by_partition(name: str, says: str, values: Mapping[Partition, float]) -> Metric:
    family = GaugeMetricFamily(f"tower_{name}", says, labels=["topic", "partition"])
    for (topic, partition), value in values.items():
        family.add_metric([topic, str(partition)], value)
    return family
