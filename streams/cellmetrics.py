"""Gauges from the KPI cells of the partitions a worker owns, computed at scrape.

Headline KPIs are numerators and denominators, so their sum over the workers is the report's k
and n (contract section 4). One pass over the cells: there can be a hundred thousand of them,
and the worker's loop waits.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from models.base import Millis
from models.rules import CarrierRules, Rules
from streams.domain.cells import Cell, Measures
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.domain.kpi.eta_deviation import BANDS, WITHIN
from streams.domain.kpi.figures import part
from streams.domain.kpi.life import ENDS
from streams.domain.zones import instant
from streams.metrics import Metrics

# A headline is eight series a carrier, and a scrape has a bound; the report has the others.
HEADLINE_WITHIN = frozenset({"within_10min", "within_15min"})

# Share of a KPI: which measures are its k and its n (kpis 2.2, 2.3, 2.5).
_DUE = tuple(f"frozen.{outcome}" for outcome in OUTCOMES[:4])
_OWED = tuple(f"accountable.{outcome}" for outcome in _DUE)
KPIS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "on_time": (("frozen.on_time",), _DUE),
    "otd": (("frozen.on_time", "frozen.early"), _DUE),
    "on_time_accountable": (("accountable.frozen.on_time",), _OWED),
    "first_attempt": (("attempt.succeeded",), ("attempt.concluded",)),
    "first_attempt_accountable": (
        ("attempt.succeeded",),
        ("attempt.succeeded", "attempt.charged"),
    ),
    **{
        f"eta_{within}": (
            tuple(f"eta.ofd.band:{sign * k}" for k in range(1, last + 1) for sign in (1, -1)),
            tuple(f"eta.ofd.band:{band}" for band in BANDS),
        )
        for within, last in WITHIN.items()
        if within in HEADLINE_WITHIN
    },
    "csat": (("feedback.csat.good",), ("feedback.csat.n",)),
}
WINDOW_DAYS: dict[str, int] = {"today": 1, "7d": 7, "28d": 28}
ALL = "all"
SCORES = {
    "tower_feedback_csat_score": ("csat", range(1, 6)),
    "tower_feedback_ces_score": ("ces", range(1, 8)),
}
ASPECTS = ("communication", "professionalism")
NPS_GROUPS = {"promoter": range(9, 11), "passive": range(7, 9), "detractor": range(7)}

_OF_KPIS = frozenset(name for shares in KPIS.values() for names in shares for name in names)

Cells = Mapping[Cell, Measures]
Totals = dict[str, Counter[str]]  # by window; `all` holds every measure, the others the KPIs'
Partition = tuple[str, int]  # topic and number


class CellCollector(Collector):
    """KPIs, open orders, feedback and duplicates of what this worker owns."""

    def __init__(
        self,
        metrics: Metrics,
        cells: Callable[[], Iterable[Cells]],
        clock: Callable[[], Millis],
        duplicates: Callable[[], Mapping[Partition, int]],
        rules: Rules,
    ) -> None:
        self._metrics = metrics
        self._cells = cells
        self._clock = clock
        self._duplicates = Growth(duplicates)
        self._rules = rules

    def describe(self) -> Iterable[Metric]:
        """Promise nothing before the first scrape: there may be no partition yet."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every series."""
        by_carrier = self._totals(instant(self._clock()).date())
        yield from _kpis(by_carrier)
        yield from _orders(by_carrier)
        yield from _feedback(by_carrier)
        yield self._objectives(by_carrier)
        duplicates = CounterMetricFamily(
            "tower_events_duplicate", "Copies of events known already.", labels=["topic"]
        )
        for topic, count in self._duplicates.by_topic().items():
            duplicates.add_metric([topic], count)
        yield duplicates

    def _totals(self, today: date) -> dict[str, Totals]:
        since = {
            window: (today - timedelta(days=days - 1)).isoformat()
            for window, days in WINDOW_DAYS.items()
        }
        until = today.isoformat()
        found: dict[str, Totals] = {}
        for cells in self._cells():
            for cell, measures in cells.items():
                if cell.direction != "forward":
                    continue
                self._metrics.expect(cell.carrier, cell.service)
                totals = found.setdefault(self._metrics.names.carrier(cell.carrier), {})
                totals.setdefault(ALL, Counter()).update(measures)
                for window, first in since.items():
                    if first <= cell.day <= until:
                        totals.setdefault(window, Counter()).update(
                            {name: measures[name] for name in _OF_KPIS & measures.keys()}
                        )
        return found

    def _objectives(self, by_carrier: Iterable[str]) -> Metric:
        objectives = GaugeMetricFamily(
            "tower_slo_objective_ratio", "Objective of an SLO.", labels=["carrier", "slo"]
        )
        for carrier in by_carrier:
            rules = self._rules.carriers.get(carrier, CarrierRules())
            for slo, objective in rules.objectives.items():
                objectives.add_metric([carrier, slo], objective)
        return objectives


class Growth:
    """How much the counts of owned partitions have grown while this process owned them.

    What was counted before a partition came here is its former owner's; without this rule
    every move of a partition would look like a burst.
    """

    def __init__(self, counts: Callable[[], Mapping[Partition, int]]) -> None:
        self._counts = counts
        self._seen: dict[Partition, int] = {}
        self._grown: Counter[str] = Counter()

    def by_topic(self) -> Mapping[str, int]:
        """Return the growth up to now, by topic."""
        counts = self._counts()
        for (topic, number), count in counts.items():
            before = self._seen.get((topic, number), count)
            self._grown[topic] += max(0, count - before)
        self._seen = dict(counts)
        return self._grown


def _kpis(by_carrier: Mapping[str, Totals]) -> Iterator[Metric]:
    labels = ["carrier", "kpi", "window"]
    above = GaugeMetricFamily("tower_kpi_numerator", "k of a headline KPI.", labels=labels)
    below = GaugeMetricFamily("tower_kpi_denominator", "n of a headline KPI.", labels=labels)
    nothing: Counter[str] = Counter()
    for carrier, totals in by_carrier.items():
        for window in (*WINDOW_DAYS, ALL):
            measures = totals.get(window, nothing)
            for kpi, (numerator, denominator) in KPIS.items():
                above.add_metric([carrier, kpi, window], sum(measures[n] for n in numerator))
                below.add_metric([carrier, kpi, window], sum(measures[n] for n in denominator))
    yield above
    yield below


def _orders(by_carrier: Mapping[str, Totals]) -> Iterator[Metric]:
    active = GaugeMetricFamily(
        "tower_orders_active", "Open orders.", labels=["carrier", "state"]
    )
    overdue = GaugeMetricFamily(
        "tower_orders_overdue", "Open orders past their deadline.", labels=["carrier"]
    )
    for carrier, totals in by_carrier.items():
        for name, count in sorted(totals[ALL].items()):
            if name.startswith("state."):
                active.add_metric([carrier, name.removeprefix("state.")], count)
        overdue.add_metric([carrier], totals[ALL]["overdue"])
    yield active
    yield overdue
    for end in ENDS:
        family = CounterMetricFamily(
            f"tower_orders_{end}", f"Orders {end}.", labels=["carrier", "reason"]
        )
        for carrier, totals in by_carrier.items():
            for reason, count in sorted(part(totals[ALL], f"{end}.").items()):
                family.add_metric([carrier, reason], count)
        yield family


def _feedback(by_carrier: Mapping[str, Totals]) -> Iterator[Metric]:
    answered = {
        carrier: totals[ALL]
        for carrier, totals in by_carrier.items()
        if totals[ALL]["feedback.answered"]
    }
    for name, (instrument, scale) in SCORES.items():
        family = HistogramMetricFamily(name, f"Answers of {instrument}.", labels=["carrier"])
        for carrier, measures in answered.items():
            _add_scores(family, [carrier], measures, instrument, scale)
        yield family
    couriers = HistogramMetricFamily(
        "tower_feedback_courier_score", "Scores of couriers.", labels=["carrier", "aspect"]
    )
    answers = CounterMetricFamily(
        "tower_feedback_nps_responses", "NPS answers.", labels=["carrier", "group"]
    )
    for carrier, measures in answered.items():
        for aspect in ASPECTS:
            courier = f"courier_{aspect}"
            _add_scores(couriers, [carrier, aspect], measures, courier, range(1, 6))
        for group, scores in NPS_GROUPS.items():
            count = sum(measures[f"feedback.nps:{score}"] for score in scores)
            answers.add_metric([carrier, group], count)
    yield couriers
    yield answers


def _add_scores(
    family: HistogramMetricFamily,
    labels: list[str],
    measures: Counter[str],
    instrument: str,
    scale: range,
) -> None:
    running, total = 0, 0
    buckets = []
    for score in scale:
        count = measures[f"feedback.{instrument}:{score}"]
        running, total = running + count, total + count * score
        buckets.append((str(float(score)), float(running)))
    family.add_metric(labels, [*buckets, ("+Inf", float(running))], float(total))
