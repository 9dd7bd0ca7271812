"""Orders at risk, for Prometheus: counted when a scrape asks."""

from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.metrics import Names
from streams.web.mirror import Mirror
from streams.web.risks import BANDS, band


class RiskCollector(Collector):
    """How many open orders of each carrier are at risk, by band; a carrier without is 0."""

    def __init__(self, names: Names, mirror: Mirror) -> None:
        self._names = names
        self._mirror = mirror

    def describe(self) -> Iterable[Metric]:
        """Promise nothing: whose orders there are is not known yet."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Yield the gauge."""
        counts: Counter[tuple[str, str]] = Counter()
        clock = self._mirror.clock
        carriers = set[str]()
        for order in self._mirror.open.values():
            carrier = self._names.carrier(order.carrier)
            carriers.add(carrier)
            if (found := band(order, clock)) is not None:
                counts[carrier, found] += 1
        gauge = GaugeMetricFamily(
            "tower_orders_at_risk",
            "Open orders that may miss their promise.",
            labels=["carrier", "band"],
        )
        for carrier in sorted(carriers):
            for each in BANDS:
                gauge.add_metric([carrier, each], counts[carrier, each])
        yield gauge
