"""What became of predictions, for Prometheus: alerts, lead, calibration (docs/metrics.md)."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.facts import PredictionScored
from streams.domain.scoring.horizons import HORIZONS
from streams.domain.scoring.model import Model
from streams.domain.scoring.said import MICRO

RESULTS = {
    (True, True): "true_positive",
    (True, False): "false_positive",
    (False, True): "false_negative",
    (False, False): "true_negative",
}  # alert, late
LEAD_EDGES = (300, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
MODEL, SHARE = "learnt/1", "late_share/1"
TENTHS = tuple(f"{tenth / 10:.1f}" for tenth in range(10))


class ModelCollector(Collector):
    """How the newest model at hand is doing."""

    def __init__(self, model: Callable[[], Model]) -> None:
        self._model = model

    def collect(self) -> Iterator[Metric]:
        """Yield what the model knows of itself."""
        model = self._model()
        yield GaugeMetricFamily(
            "tower_prediction_model_orders", "Orders learnt from.", model.version
        )
        fallback = GaugeMetricFamily(
            "tower_prediction_fallback",
            "The late share is said.",
            labels=["horizon"],
        )
        skill = GaugeMetricFamily(
            "tower_prediction_skill_ratio",
            "Brier skill, last window.",
            labels=["horizon"],
        )
        for horizon in HORIZONS:
            watch = model.watches.get(horizon)
            fallback.add_metric([horizon], watch is not None and watch.fallen)
            if watch is not None and watch.skill is not None:
                skill.add_metric([horizon], watch.skill)
        yield fallback
        yield skill


class PredictionMetrics:
    """Counters of scored predictions, each once, by its first verdict."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.outcomes = Counter(
            "tower_delay_prediction_outcomes", "Predictions by what became of them.",
            ("carrier", "model", "result"), registry=registry,
        )  # fmt: skip
        self.lead = Histogram(
            "tower_delay_prediction_lead_seconds", "First alert to deadline, late orders.",
            ("carrier",), buckets=LEAD_EDGES, registry=registry,
        )  # fmt: skip
        self.calibration = Counter(
            "tower_delay_prediction_calibration", "Predictions by tenth of P(late).",
            ("model", "bin", "actual"), registry=registry,
        )  # fmt: skip
        self.expected = Counter(
            "tower_delay_prediction_probability_sum", "Late orders that were expected.",
            ("model", "bin"), registry=registry,
        )  # fmt: skip
        for model in (MODEL, SHARE):
            for tenth in TENTHS:
                self.expected.labels(model, tenth)
                for actual in ("late", "not_late"):
                    self.calibration.labels(model, tenth, actual)

    def observe(self, fact: PredictionScored, carrier: str) -> None:
        """Count a score; later revisions of it and what was rescheduled are not counted."""
        if fact.revision > 1 or fact.late is None or fact.rescheduled:
            return
        model = SHARE if fact.fallback else MODEL
        alert = fact.probability >= fact.threshold
        tenth = TENTHS[min(10 * fact.probability // MICRO, 9)]
        self.outcomes.labels(carrier, model, RESULTS[alert, fact.late]).inc()
        self.calibration.labels(model, tenth, "late" if fact.late else "not_late").inc()
        self.expected.labels(model, tenth).inc(fact.probability / MICRO)
        if fact.lead is not None and fact.predicted_at + fact.lead == fact.deadline:
            self.lead.labels(carrier).observe(fact.lead / 1_000)
