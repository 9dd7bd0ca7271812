"""What a worker counts of what happens in it, for Prometheus.

Counters begin at 0 with the process; closed sets of labels are there from the start, because
`increase()` cannot see a series appear. Outsiders choose the names of carriers and services,
so only so many of them have a label of their own. Gauges of the KPIs: streams/cellmetrics.py.
Every series is described in docs/metrics.md.
"""

import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from models.events import CourierEvent, by_kind
from models.facts import (
    DeliveryOutcome,
    Fact,
)
from models.letters import Reason
from models.sla import SlaRule
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.domain.lifecycle import RANK
from streams.predictionmetrics import PredictionMetrics
from streams.slametrics import SlaMetrics
from streams.topics import COURIER_EVENTS, ORDER_EVENTS

MOST_CARRIERS = 200
MOST_SERVICES = 200
MOST_PAIRS = 400  # of a carrier and a service of its own
OTHER = "other"

# Edges in seconds; -900, 0 and 900 are where verdicts change.
DEVIATION_EDGES = (
    -7_200, -3_600, -1_800, -900, -300, 0, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200,
    86_400,
)  # fmt: skip
ERROR_EDGES = (60, 300, 600, 900, 1_800, 3_600, 14_400)

# A signed distance has seven buckets, so only the headline snapshots have it.
SIGNED_EDGES = (-900, -300, 0, 300, 900)
SIGNED = frozenset({"ofd", "t60", "t15"})
DELAY_EDGES = (0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600)
LATE_SECONDS = 21_600  # an event older than that when it was received is late
WORK_EDGES = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5)

KINDS = {ORDER_EVENTS: tuple(RANK), COURIER_EVENTS: tuple(by_kind(CourierEvent))}


class Names:
    """The closed lists of names that have a label of their own; the others are `other`.

    Carriers that the rules name come first, then whoever is heard of first.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._carriers = set(list(known)[:MOST_CARRIERS])
        self._services: set[str] = set()
        self._pairs: set[tuple[str, str]] = set()

    def carrier(self, name: str) -> str:
        """Return a carrier's label."""
        if name in self._carriers:
            return name
        if len(self._carriers) >= MOST_CARRIERS:
            return OTHER
        self._carriers.add(name)
        return name

    def pair(self, carrier: str, service: str) -> tuple[str, str]:
        """Return the labels of a carrier and a service of its."""
        pair = (self.carrier(carrier), service)
        if pair in self._pairs:
            return pair
        new = service not in self._services
        if len(self._pairs) >= MOST_PAIRS or (new and len(self._services) >= MOST_SERVICES):
            return pair[0], OTHER
        self._services.add(service)
        self._pairs.add(pair)
        return pair


class Bins(Collector):
    """A histogram whose observation is one bisection; the client's own walks its edges.

    With edges below 0 it has no sum and no count, which OpenMetrics denies such a one.
    """

    def __init__(
        self, name: str, says: str, labels: Sequence[str], edges: Sequence[float]
    ) -> None:
        self._name, self._says, self._labels = name, says, labels
        self._edges = edges
        self._names = (*(str(float(edge)) for edge in edges), "+Inf")
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, labels: tuple[str, ...], seconds: float, times: int = 1) -> None:
        """Count an observation under its labels, once or several times."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * len(self._names)
            self._sums[labels] = 0.0
        counts[bisect_left(self._edges, seconds)] += times
        self._sums[labels] += seconds * times

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram under all labels."""
        family = HistogramMetricFamily(self._name, self._says, labels=self._labels)
        summed = self._edges[0] >= 0
        for labels, counts in self._counts.items():
            up_to = list(zip(self._names, accumulate(counts), strict=True))
            family.add_metric(labels, up_to, self._sums[labels] if summed else None)
        yield family


class Metrics:
    """The counters of a worker; `observe` takes facts, `received` what ingest saw."""

    def __init__(
        self,
        registry: CollectorRegistry,
        known: Iterable[str] = (),
        levels: Iterable[SlaRule] = (),
    ) -> None:
        self.names = Names(known)
        self.sla = SlaMetrics(registry, levels)
        self.scored = PredictionMetrics(registry)
        self._labelled = cache(_labelled)
        self._expected: set[tuple[str, str]] = set()
        self.registry = registry

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"tower_{name}", says, labels, registry=registry)

        self.consumed = counter("events_consumed", "Events accepted.", "topic", "event_type")
        self.rejected = counter("events_rejected", "Messages refused.", "topic", "reason")
        self.dead_lettered = counter(
            "events_dead_lettered", "Messages set aside.", "topic", "reason"
        )
        self.deliveries = counter(
            "deliveries", "Orders by their first verdict.", "carrier", "service", "outcome"
        )
        self.attempts = counter(
            "delivery_attempts", "First attempts concluded.",
            "carrier", "service", "attempt", "result", "reason",
        )  # fmt: skip
        self.predictions = counter(
            "delay_predictions", "Orders a delay was predicted for.", "carrier", "model"
        )
        self.processed_at = Gauge(
            "tower_last_processed_timestamp_seconds",
            "When a message was last read, by this machine's clock.",
            ["topic"],
            registry=registry,
        )
        self.deviation = Bins(
            "tower_delivery_deviation_seconds",
            "Handover minus deadline, positive is late.",
            ["carrier"],
            DEVIATION_EDGES,
        )
        self.eta_error = Bins(
            "tower_eta_error_seconds",
            "Distance between a handover and the ETA in force.",
            ["carrier", "horizon"],
            ERROR_EDGES,
        )
        self.eta_deviation = Bins(
            "tower_eta_deviation_seconds",
            "Handover minus the ETA in force, positive is late.",
            ["carrier", "horizon"],
            SIGNED_EDGES,
        )
        self.delay = Bins(
            "tower_event_delay_seconds",
            "From an event to its receipt.",
            ["topic"],
            DELAY_EDGES,
        )
        self.work = Bins(
            "tower_event_processing_seconds",
            "What an agent took for a record, the mean of its batch.",
            ["agent"],
            WORK_EDGES,
        )
        for bins in (
            self.deviation, self.eta_error, self.eta_deviation, self.delay, self.work,
        ):  # fmt: skip
            registry.register(bins)
        self.late = counter("events_late", "Events received long after they were.", "topic")
        self.late_seconds = counter(
            "delivery_late_seconds", "Time by which handovers were late.", "carrier"
        )
        self.early_seconds = counter(
            "delivery_early_seconds", "Time by which handovers were before the end.", "carrier"
        )
        self.eta_updates = counter(
            "eta_updates", "ETAs said, copies included.", "carrier", "source"
        )
        self._begin()

    def _begin(self) -> None:
        """Let every series whose labels are known beforehand begin at 0."""
        for topic, kinds in KINDS.items():
            self.late.labels(topic)
            for kind in kinds:
                self.consumed.labels(topic, kind)
            for reason in Reason:
                self.rejected.labels(topic, reason.value)
                self.dead_lettered.labels(topic, reason.value)

    def expect(self, carrier: str, service: str) -> None:
        """Let the outcomes of a carrier's service begin at 0; it has an open order by now."""
        labels = self.names.pair(carrier, service)
        if labels not in self._expected:
            self._expected.add(labels)
            for outcome in OUTCOMES:
                self.deliveries.labels(*labels, outcome)
            self.sla.expect(labels[0])
            for counter in (self.late_seconds, self.early_seconds):
                counter.labels(labels[0])

    def received(
        self, topic: str, results: Mapping[tuple[str, str], int], delays: Iterable[float]
    ) -> None:
        """Count what ingest made of some records: how many by result and, accepted, kind.

        `delays` are how many seconds ago accepted events had happened when they were received.
        """
        for delay in delays:
            self.delay.observe((topic,), max(delay, 0.0))
            if delay > LATE_SECONDS:
                self.late.labels(topic).inc()
        for (result, kind), count in results.items():
            if result == "accepted":
                self.consumed.labels(topic, kind).inc(count)
            else:
                self.rejected.labels(topic, result).inc(count)
                self.dead_lettered.labels(topic, result).inc(count)
        self.processed_at.labels(topic).set(time.time())

    def worked(self, agent: str, records: int, seconds: float) -> None:
        """Count a batch an agent went through, record by record."""
        if records:
            self.work.observe((agent,), seconds / records, records)

    def expected(self, carrier: str, source: str) -> None:
        """Count an ETA that somebody said: a `carrier`, or the `tower` itself."""
        self._labelled(self.eta_updates, self.names.carrier(carrier), source).inc()

    def observe(self, fact: Fact) -> None:
        """Count one fact; a fact that a crash repeated is counted again."""
        carrier = self.names.carrier(fact.carrier)
        if fact.kind == "delivery_outcome":
            self._outcome(fact)
        elif fact.kind == "attempt_concluded" and fact.revision == 1:
            result = "success" if fact.succeeded else "failure"
            labels = (*self.names.pair(fact.carrier, fact.service), "first", result)
            self._labelled(self.attempts, *labels, fact.reason or "none").inc()
        elif fact.kind == "eta_deviation":
            if fact.lateness is not None and fact.revision == 1:
                self._handed_over(carrier, fact.lateness / 1_000)
            for horizon, deviation in fact.deviations.items():
                self.eta_error.observe((carrier, horizon), abs(deviation) / 1_000)
                if horizon in SIGNED:
                    self.eta_deviation.observe((carrier, horizon), deviation / 1_000)
        elif fact.kind == "delay_predicted":
            self.predictions.labels(carrier, f"{fact.cause}/1").inc()
        elif fact.kind == "prediction_scored":
            self.scored.observe(fact, carrier)
        elif fact.kind in {"sla_breached", "sla_reversed"}:
            self.sla.observe(fact, carrier)

    def _outcome(self, fact: DeliveryOutcome) -> None:
        if fact.revision > 1:
            return
        pair = self.names.pair(fact.carrier, fact.service)
        self._labelled(self.deliveries, *pair, fact.outcome).inc()

    def _handed_over(self, carrier: str, late: float) -> None:
        """Count a handover so many seconds after the end of its promise."""
        self.deviation.observe((carrier,), late)
        counter = self.late_seconds if late > 0 else self.early_seconds
        self._labelled(counter, carrier).inc(abs(late))


def _labelled(metric: Any, *labels: str) -> Any:  # noqa: ANN401 - a metric and its child
    """Return a metric's child; the client looks it up anew each time, at some cost."""
    return metric.labels(*labels)
