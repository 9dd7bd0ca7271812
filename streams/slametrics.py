"""Service levels for Prometheus: breaches, those cleared later, and how soon they were seen."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

from models.facts import SlaBreached, SlaReversed
from models.sla import SlaRule

LAG_EDGES = (1, 2, 5, 10, 30, 60, 120, 300, 900, 3_600)
LABELS = ("carrier", "metric", "severity")


class SlaMetrics:
    """The series of service levels; without `rules` that have any there are none."""

    def __init__(self, registry: CollectorRegistry, rules: Iterable[SlaRule]) -> None:
        self._levels = {(each.metric, each.severity) for each in rules}
        self.breaches = Counter(
            "tower_sla_breaches", "Service levels broken.", LABELS, registry=registry
        )
        self.reversed = Counter(
            "tower_sla_breach_reversed",
            "Breaches that later evidence cleared.",
            LABELS,
            registry=registry,
        )
        self.lag = Histogram(
            "tower_sla_breach_detection_lag_seconds",
            "From a deadline to its breach being told, by the tower's clock.",
            buckets=LAG_EDGES,
            registry=registry,
        )

    def expect(self, carrier: str) -> None:
        """Let the counters of a carrier begin at 0."""
        for level in self._levels:
            self.breaches.labels(carrier, *level)
            self.reversed.labels(carrier, *level)

    def observe(self, fact: SlaBreached | SlaReversed, carrier: str) -> None:
        """Count a breach or a reversal; a breach that comes again after one is another."""
        labels = (carrier, fact.metric, fact.severity)
        if fact.kind == "sla_reversed":
            self.reversed.labels(*labels).inc()
        else:
            self.breaches.labels(*labels).inc()
            self.lag.observe(fact.lag / 1_000)
