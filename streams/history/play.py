"""A simulated month through the replay, scraped on the way as Prometheus scrapes a worker.

The numbers are those of the folds that judge real orders. Every sample carries the label
`simulated="true"`, and the instance is `simulated`.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from models.base import Millis, millis
from models.rules import CarrierRules, Rules
from streams import topics
from streams.cellmetrics import CellCollector
from streams.codec import Rejected, decode_courier, decode_order
from streams.couriermetrics import CourierCollector
from streams.feed import Arrival, in_order_of_arrival
from streams.http import say_version
from streams.metrics import Metrics
from streams.replay import Replay
from streams.simulate import DaySpec, day
from streams.simulate.carriers import CARRIERS
from streams.simulate.lines import said

DAYS = 28
STEP_MS: Millis = 240_000
"""Four minutes: Prometheus forgets a series of which it hears nothing for five."""

AGREED = {"on_time": 0.9, "first_attempt": 0.88}
"""Objectives of the simulated carriers, so that there are budgets to spend."""

DECODE = {topics.ORDER_EVENTS: decode_order, topics.COURIER_EVENTS: decode_courier}
ORIGIN = {"job": "tower-worker", "instance": "simulated", "simulated": "true"}


class Month(NamedTuple):
    """Which month: until when, how busy, and which of its kind."""

    until: datetime
    orders: int = 5_000
    couriers: int = 12
    seed: int = 7

    @property
    def begins(self) -> datetime:
        """Return when its first day begins."""
        return self.until - timedelta(days=DAYS)

    @property
    def instants(self) -> range:
        """Return when it is looked at."""
        return range(millis(self.begins), millis(self.until), STEP_MS)

    def lines(self) -> list[bytes]:
        """Return everything that is said in it."""
        spec = DaySpec(self.orders, self.couriers, self.seed, self.begins, "month")
        return list(said(day(spec).events))


class Player:
    """A replay with the metrics of a worker."""

    def __init__(self, until: Millis) -> None:
        carriers = {each.name: CarrierRules(objectives=AGREED) for each in CARRIERS}
        rules = Rules(carriers=carriers)
        self.registry = CollectorRegistry()
        self.replay = Replay(rules, keep_outputs=True)
        self.replay.as_of = until
        self._metrics = Metrics(self.registry, rules.carriers, rules.sla)
        orders, couriers = self.replay.orders, self.replay.couriers
        orders.observe, orders.expected = self._metrics.observe, self._metrics.expected
        self.registry.register(
            CellCollector(
                self._metrics,
                lambda: [orders.book.totals],
                lambda: self.clock,
                dict,
                rules,
            )
        )
        self.registry.register(CourierCollector(self._metrics.names, lambda: [couriers]))
        say_version(self.registry, "simulated")
        self.newest: dict[str, Millis] = {}
        self.clock: Millis = 0

    def take(self, arrival: Arrival) -> None:
        """Take one line, and count it as the ingest of a worker does."""
        decoded = DECODE[arrival.topic](arrival.raw)
        if isinstance(decoded, Rejected):
            self._metrics.received(arrival.topic, {(decoded.reason, ""): 1}, ())
        else:
            delay = (arrival.received_at - millis(decoded.event.occurred_at)) / 1_000
            self._metrics.received(
                arrival.topic, {("accepted", decoded.event.kind): 1}, (delay,)
            )
        self.newest[arrival.topic] = arrival.received_at
        self.replay.take(arrival)

    def look(self, clock: Millis) -> Iterator[Metric]:
        """Yield what a scrape at this instant would see."""
        self.clock = clock
        self.replay.advance(clock)
        self.replay.orders.settle_cells()
        self.replay.out.messages.clear()
        yield from self.registry.collect()
        yield _gauge("up", [Sample("up", {}, 1.0)])
        name = "tower_last_event_timestamp_seconds"
        seen = self.newest.items()
        yield _gauge(name, [Sample(name, {"topic": t}, at / 1_000) for t, at in seen])


def scrapes(month: Month, wanted: frozenset[str]) -> Iterator[tuple[Millis, str]]:
    """Yield when each scrape is, and what it sees of the series wanted as OpenMetrics text."""
    player, known = Player(millis(month.until)), Known(wanted)
    taken = iter(in_order_of_arrival(month.lines()))
    waiting = next(taken, None)
    for clock in month.instants:
        while waiting is not None and waiting.received_at <= clock:
            player.take(waiting)
            waiting = next(taken, None)
        yield clock, known.written(player.look(clock), clock)


class Known:
    """The texts of series, which are the same at every scrape."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._texts: dict[tuple[str, ...], str] = {}

    def written(self, metrics: Iterable[Metric], clock: Millis) -> str:
        """Return the samples of the series wanted, all at one instant."""
        at = f"{clock / 1_000:.0f}"
        return "".join(
            f"{self._text(sample)} {sample.value} {at}\n"
            for metric in metrics
            for sample in metric.samples
            if sample.name in self._wanted
        )

    def _text(self, sample: Sample) -> str:
        key = (sample.name, *sample.labels.values())
        if key not in self._texts:
            labels = (sample.labels | ORIGIN).items()
            named = ",".join(f'{name}="{value}"' for name, value in labels)
            self._texts[key] = f"{sample.name}{{{named}}}"
        return self._texts[key]


def names_in(text: str) -> frozenset[str]:
    """Return the names of series that boards and rules ask for."""
    return frozenset(re.findall(r"\b(?:tower_\w+|up)\b", text))


def _gauge(name: str, samples: list[Sample]) -> Metric:
    metric = Metric(name, "", "gauge")
    metric.samples = samples
    return metric
