"""Prometheus: counters from what happened in this process, gauges from the KPI cells.

Headline KPIs are numerators and denominators computed at scrape from the cells this worker
owns, so their sum over the workers is the report's k and n (contract section 4). Carriers
beyond the first 200 share the label `other`; nothing is labelled by order, courier or event.
"""

import importlib.metadata
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from models.base import Millis
from models.facts import (
    AttemptConcluded,
    Correction,
    DelayPredicted,
    DeliveryOutcome,
    EtaDeviation,
    Fact,
    NoticeSettled,
)
from models.rules import CarrierRules, Rules
from streams.domain.cells import EVENTS, Cell, Measures
from streams.domain.report import OUTCOMES
from streams.domain.zones import instant

MOST_CARRIERS = 200
OTHER = "other"

# Share of a KPI: which measures are its k and its n (kpis 2.2, 2.3, 2.5).
_DUE = tuple(f"frozen.{outcome}" for outcome in OUTCOMES[:4])
KPIS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "on_time": (("frozen.on_time",), _DUE),
    "otd": (("frozen.on_time", "frozen.early"), _DUE),
    "first_attempt": (("attempt.succeeded",), ("attempt.concluded",)),
    "eta_within_10min": (("eta.ofd.within_10min",), ("eta.ofd.n",)),
    "eta_within_15min": (("eta.ofd.within_15min",), ("eta.ofd.n",)),
}

WINDOW_DAYS: dict[str, int | None] = {"today": 1, "7d": 7, "28d": 28, "all": None}

# Edges in seconds; -900, 0 and 900 are where verdicts change.
DEVIATION_EDGES = (
    -7_200, -3_600, -1_800, -900, -300, 0, 300, 900, 1_800, 3_600, 7_200, 14_400, 43_200,
    86_400,
)  # fmt: skip
ERROR_EDGES = (60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)

Cells = dict[Cell, Measures]


class Carriers:
    """The closed list of carriers that have a label of their own."""

    def __init__(self) -> None:
        self._named: set[str] = set()

    def label(self, carrier: str) -> str:
        """Return a carrier's label: its name, for those beyond the first 200 `other`."""
        if carrier in self._named:
            return carrier
        if len(self._named) >= MOST_CARRIERS:
            return OTHER
        self._named.add(carrier)
        return carrier


class Metrics:
    """Every series of a worker; `observe` takes facts, `received` what ingest saw."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.carriers = Carriers()
        self.registry = registry
        self.consumed = Counter(
            "tower_events_consumed", "Accepted events", ["topic", "event_type"],
            registry=registry,
        )  # fmt: skip
        self.rejected = Counter(
            "tower_events_rejected", "Refused messages", ["topic", "reason"], registry=registry
        )
        self.dead_lettered = Counter(
            "tower_events_dead_lettered", "Messages set aside", ["topic", "reason"],
            registry=registry,
        )  # fmt: skip
        self.processed_at = Gauge(
            "tower_last_processed_timestamp_seconds",
            "Wall clock of the last message read",
            ["topic"],
            registry=registry,
        )
        self.deliveries = Counter(
            "tower_deliveries", "Orders by outcome, once at first verdict",
            ["carrier", "service", "outcome"], registry=registry,
        )  # fmt: skip
        self.attempts = Counter(
            "tower_delivery_attempts", "First attempts concluded",
            ["carrier", "service", "attempt", "result", "reason"], registry=registry,
        )  # fmt: skip
        self.deviation = Histogram(
            "tower_delivery_deviation_seconds",
            "Handover minus deadline, positive is late",
            ["carrier"],
            buckets=DEVIATION_EDGES,
            registry=registry,
        )
        self.eta_error = Histogram(
            "tower_eta_error_seconds",
            "Absolute error of the ETA in force",
            ["carrier", "horizon"],
            buckets=ERROR_EDGES,
            registry=registry,
        )
        self.predictions = Counter(
            "tower_delay_predictions", "Orders for which a delay was predicted",
            ["carrier", "model"], registry=registry,
        )  # fmt: skip
        Info("tower_build", "Version of the tower", registry=registry).info(
            {"version": importlib.metadata.version("tower")}
        )

    def received(self, topic: str, result: str, kind: str) -> None:
        """Count what ingest made of one record."""
        if result == "accepted":
            self.consumed.labels(topic, kind).inc()
        else:
            self.rejected.labels(topic, result).inc()
            self.dead_lettered.labels(topic, result).inc()
        self.processed_at.labels(topic).set(time.time())

    def observe(self, fact: Fact) -> None:
        """Count one fact; a fact that a crash repeated is counted again."""
        carrier = self.carriers.label(fact.carrier)
        match fact:
            case DeliveryOutcome():
                if fact.revision == 1:
                    self.deliveries.labels(carrier, fact.service, fact.outcome).inc()
                    if fact.handover is not None and fact.deadline is not None:
                        late = (fact.handover - fact.deadline) / 1_000
                        self.deviation.labels(carrier).observe(late)
            case AttemptConcluded():
                result = "success" if fact.succeeded else "failure"
                self.attempts.labels(
                    carrier, fact.service, "first", result, fact.reason or "none"
                ).inc()
            case EtaDeviation():
                for horizon, deviation in fact.deviations.items():
                    self.eta_error.labels(carrier, horizon).observe(abs(deviation) / 1_000)
            case DelayPredicted():
                self.predictions.labels(carrier, f"{fact.cause}/1").inc()
            case NoticeSettled() | Correction():
                pass


class CellCollector(Collector):
    """Gauges from the cells of the partitions this worker owns, computed at scrape."""

    def __init__(
        self,
        cells: Callable[[], Iterable[Cells]],
        clock: Callable[[], Millis],
        rules: Rules,
        carriers: Carriers,
    ) -> None:
        self._cells = cells
        self._clock = clock
        self._rules = rules
        self._carriers = carriers

    def describe(self) -> Iterable[Metric]:
        """Promise nothing before the first scrape: there may be no partition yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every series."""
        today = instant(self._clock()).date()
        by_carrier: dict[str, list[tuple[str, Measures]]] = {}
        events: Measures = {}
        for cells in self._cells():
            for cell, measures in cells.items():
                if cell.direction == "forward":
                    label = self._carriers.label(cell.carrier)
                    by_carrier.setdefault(label, []).append((cell.day, measures))
                elif cell == EVENTS:
                    for name, count in measures.items():
                        events[name] = events.get(name, 0) + count
        yield from _kpis(by_carrier, today)
        yield from _orders(by_carrier)
        yield from _feedback(by_carrier)
        yield self._objectives(by_carrier)
        duplicates = CounterMetricFamily(
            "tower_events_duplicate", "Copies of order events known already", labels=["topic"]
        )
        duplicates.add_metric(["order-events"], events.get("duplicate", 0))
        yield duplicates

    def _objectives(self, by_carrier: Iterable[str]) -> Metric:
        objectives = GaugeMetricFamily(
            "tower_slo_objective_ratio", "Objective of an SLO", labels=["carrier", "slo"]
        )
        for carrier in by_carrier:
            rules = self._rules.carriers.get(carrier, CarrierRules())
            for slo, objective in rules.objectives.items():
                objectives.add_metric([carrier, slo], objective)
        return objectives


Grouped = dict[str, list[tuple[str, Measures]]]


def _kpis(by_carrier: Grouped, today: date) -> Iterator[Metric]:
    labels = ["carrier", "kpi", "window"]
    above = GaugeMetricFamily("tower_kpi_numerator", "k of a headline KPI", labels=labels)
    below = GaugeMetricFamily("tower_kpi_denominator", "n of a headline KPI", labels=labels)
    for carrier, cells in by_carrier.items():
        for window, days in WINDOW_DAYS.items():
            since = None if days is None else (today - timedelta(days=days - 1)).isoformat()
            inside = [
                measures
                for day, measures in cells
                if since is None or since <= day <= today.isoformat()
            ]
            for kpi, (numerator, denominator) in KPIS.items():
                above.add_metric([carrier, kpi, window], _total(inside, numerator))
                below.add_metric([carrier, kpi, window], _total(inside, denominator))
    yield above
    yield below


def _orders(by_carrier: Grouped) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "tower_orders_active", "Open orders", labels=["carrier", "state"]
    )
    overdue = GaugeMetricFamily(
        "tower_orders_overdue", "Open orders past their deadline", labels=["carrier"]
    )
    for carrier, cells in by_carrier.items():
        states: Measures = {}
        for _, measures in cells:
            for name, count in measures.items():
                if name.startswith("state."):
                    state = name.removeprefix("state.")
                    states[state] = states.get(state, 0) + count
        for state, count in sorted(states.items()):
            active.add_metric([carrier, state], count)
        overdue.add_metric([carrier], _total((each for _, each in cells), ("overdue",)))
    yield active
    yield overdue


SCORES = {
    "tower_feedback_csat_score": ("csat", range(1, 6)),
    "tower_feedback_ces_score": ("ces", range(1, 8)),
}
ASPECTS = ("communication", "professionalism")
NPS_GROUPS = {"promoter": range(9, 11), "passive": range(7, 9), "detractor": range(7)}


def _feedback(by_carrier: Grouped) -> Iterator[Metric]:
    for name, (instrument, scale) in SCORES.items():
        family = HistogramMetricFamily(name, f"Answers of {instrument}", labels=["carrier"])
        for carrier, cells in by_carrier.items():
            _add_scores(family, [carrier], cells, instrument, scale)
        yield family
    couriers = HistogramMetricFamily(
        "tower_feedback_courier_score", "Scores of couriers", labels=["carrier", "aspect"]
    )
    answers = CounterMetricFamily(
        "tower_feedback_nps_responses", "NPS answers", labels=["carrier", "group"]
    )
    for carrier, cells in by_carrier.items():
        for aspect in ASPECTS:
            _add_scores(couriers, [carrier, aspect], cells, f"courier_{aspect}", range(1, 6))
        for group, scores in NPS_GROUPS.items():
            names = tuple(f"feedback.nps:{score}" for score in scores)
            answers.add_metric([carrier, group], _total((each for _, each in cells), names))
    yield couriers
    yield answers


def _add_scores(
    family: HistogramMetricFamily,
    labels: list[str],
    cells: list[tuple[str, Measures]],
    instrument: str,
    scale: range,
) -> None:
    running, total = 0, 0
    buckets = []
    for score in scale:
        count = _total((each for _, each in cells), (f"feedback.{instrument}:{score}",))
        running, total = running + count, total + count * score
        buckets.append((str(float(score)), float(running)))
    family.add_metric(labels, [*buckets, ("+Inf", float(running))], float(total))


def _total(cells: Iterable[Measures], names: tuple[str, ...]) -> int:
    return sum(measures.get(name, 0) for measures in cells for name in names)
