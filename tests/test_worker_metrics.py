"""What a worker exposes is bounded in names and bytes, and counts once."""

import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from models.facts import (
    AttemptConcluded,
    DeliveryOutcome,
    EtaDeviation,
    SlaBreached,
    SlaReversed,
)
from models.rules import Rules
from streams import metrics as bounds
from streams.cellmetrics import CellCollector, Growth
from streams.cli.options import instant
from streams.domain.cells import Cell
from streams.domain.eta import SNAPSHOTS
from streams.metrics import Metrics, Names
from streams.replay import Replay
from tests import story as tell

DAY_MS = 86_400_000
NOW = 20_000 * DAY_MS  # 2024-10-04
TODAY, YESTERDAY, LONG_AGO = "2024-10-04", "2024-10-03", "2024-09-01"


def cell(carrier="swift", service="day", day=TODAY, direction="forward"):
    return Cell(carrier, service, "unknown", direction, day)


def exposed(metrics, cells, rules=None, duplicates=dict):
    """Return every series of a scrape by its name and labels."""
    metrics.registry.register(
        CellCollector(metrics, lambda: [cells], lambda: NOW, duplicates, rules or Rules())
    )
    return values(metrics.registry)


def values(registry):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def outcome(carrier, service="day", result="late", handover=0, revision=1):
    return DeliveryOutcome(
        fact_id="f", order_id="o", carrier=carrier, at=NOW, rules="r", service=service,
        outcome=result, previous=None, revision=revision, deadline=0, handover=handover,
        rule="",
    )  # fmt: skip


def kpi(found, part, name, window, carrier="swift"):
    labels = (("carrier", carrier), ("kpi", name), ("window", window))
    return found[f"tower_kpi_{part}", *labels]


def test_windows_hold_the_days_of_the_towers_clock():
    cells = {
        cell(day=TODAY): {"orders": 1, "frozen.on_time": 1},
        cell(day=YESTERDAY): {"orders": 4, "frozen.on_time": 2, "frozen.early": 1,
                              "frozen.late": 1, "frozen.excluded": 9},
        cell(day=LONG_AGO): {"orders": 8, "frozen.failed": 8},
        cell(day="none"): {"orders": 16},
        cell(day="2024-10-05"): {"orders": 1, "frozen.on_time": 32},  # due tomorrow
        cell(day=TODAY, direction="return"): {"orders": 1, "frozen.on_time": 64},
    }  # fmt: skip
    found = exposed(Metrics(CollectorRegistry()), cells)
    for window, k, n in (("today", 1, 1), ("7d", 3, 5), ("28d", 3, 5), ("all", 35, 45)):
        assert kpi(found, "numerator", "on_time", window) == k
        assert kpi(found, "denominator", "on_time", window) == n
    assert kpi(found, "numerator", "otd", "7d") == 4


def test_carriers_of_the_rules_keep_their_name_however_many_come_before():
    names = Names(["late comer"])
    assert [names.carrier(f"c{n}") for n in range(199)] == [f"c{n}" for n in range(199)]
    assert names.carrier("c200") == "other"
    assert names.carrier("late comer") == "late comer"
    assert names.carrier("c0") == "c0"


def test_services_have_a_bound_and_pairs_another():
    names = Names()
    services = {names.pair("c", f"s{n}") for n in range(1_000)}
    assert len(services) == bounds.MOST_SERVICES + 1
    pairs = {names.pair(f"c{n}", f"s{n % 200}") for n in range(10_000)}
    assert len(pairs) <= bounds.MOST_PAIRS + bounds.MOST_CARRIERS + 1


def test_outcomes_begin_at_nothing_when_a_carrier_has_an_order():
    metrics = Metrics(CollectorRegistry())
    exposed(metrics, {cell(): {"orders": 1, "open": 1}})
    found = values(metrics.registry)
    late = ("carrier", "swift"), ("outcome", "late"), ("service", "day")
    assert found["tower_deliveries_total", *late] == 0
    refused = ("reason", "bad_json"), ("topic", "courier-events")
    assert found["tower_events_rejected_total", *refused] == 0


def test_an_order_counts_with_its_first_verdict_alone():
    metrics = Metrics(CollectorRegistry())
    metrics.observe(outcome("swift", handover=900_000))
    metrics.observe(outcome("swift", result="on_time", revision=2))
    found = values(metrics.registry)
    labels = ("carrier", "swift"), ("outcome", "late"), ("service", "day")
    assert found["tower_deliveries_total", *labels] == 1
    assert sum(v for (name, *_), v in found.items() if name == "tower_deliveries_total") == 1


def test_a_first_attempt_counts_once_however_it_is_told_again():
    metrics = Metrics(CollectorRegistry())
    for revision, reason, suspect in ((1, "not_home", False), (2, "not_home", True)):
        metrics.observe(
            AttemptConcluded(
                fact_id="f", order_id="o", carrier="swift", at=NOW, rules="r", service="day",
                succeeded=False, reason=reason, implicit=False, revision=revision,
                suspect=suspect,
            )
        )  # fmt: skip
    counted = [
        value
        for (name, *_), value in values(metrics.registry).items()
        if name == "tower_delivery_attempts_total"
    ]
    assert sum(counted) == 1


def level(fact, **said):
    return fact(
        fact_id="f", order_id="o", carrier="swift", at=NOW, rules="r", service="day",
        rule="two days", metric="handover", view="accountable", severity="critical",
        deadline=NOW - 7_000, ended=None, **said,
    )  # fmt: skip


def test_service_levels_begin_at_nothing_and_are_not_counted_down():
    rules = Rules.model_validate({
        "sla": [
            {"name": "a", "metric": "handover", "target": {"hours": 1}, "severity": "critical"},
            {"name": "b", "metric": "pickup", "target": {"hours": 1}},
        ]
    })  # fmt: skip
    metrics = Metrics(CollectorRegistry(), (), rules.sla)
    metrics.expect("swift", "day")

    def counted():
        return {
            (
                name.removeprefix("tower_sla_"),
                dict(labels)["metric"],
                dict(labels)["severity"],
            ): n
            for (name, *labels), n in values(metrics.registry).items()
            if name.startswith("tower_sla_breach") and name.endswith("_total")
        }

    assert counted() == {
        ("breaches_total", "handover", "critical"): 0,
        ("breaches_total", "pickup", "major"): 0,
        ("breach_reversed_total", "handover", "critical"): 0,
        ("breach_reversed_total", "pickup", "major"): 0,
    }
    told = {"started": 0, "elapsed": 1, "lag": 7_000, "derived": False}
    metrics.observe(level(SlaBreached, revision=1, **told))
    metrics.observe(level(SlaReversed, revision=2))
    metrics.observe(level(SlaBreached, revision=3, **told))
    assert counted() == {
        ("breaches_total", "handover", "critical"): 2,
        ("breaches_total", "pickup", "major"): 0,
        ("breach_reversed_total", "handover", "critical"): 1,
        ("breach_reversed_total", "pickup", "major"): 0,
    }
    lag = "tower_sla_breach_detection_lag_seconds"
    found = values(metrics.registry)
    assert (found[f"{lag}_count",], found[f"{lag}_sum",]) == (2, 14)
    assert found[f"{lag}_bucket", ("le", "5.0")] == 0
    assert found[f"{lag}_bucket", ("le", "10.0")] == 2


def test_a_partition_that_comes_from_elsewhere_is_no_burst():
    counts = {("order-events", 0): 40}
    growth = Growth(lambda: counts)
    assert growth.by_topic() == {"order-events": 0}
    counts = {("order-events", 0): 43, ("order-events", 1): 1_000}
    assert growth.by_topic() == {"order-events": 3}
    counts = {("order-events", 1): 1_002}
    assert growth.by_topic() == {"order-events": 5}
    counts = {("order-events", 0): 60, ("order-events", 1): 1_002}
    assert growth.by_topic() == {"order-events": 5}


def told(fact, **said):
    return fact(fact_id="f", order_id="o", carrier="swift", at=NOW, rules="r", **said)


def buckets(found, name, **labels):
    """Return the counts of a histogram's buckets, not added up, by their upper edge."""
    wanted = sorted(labels.items())
    edges = [
        (float(dict(rest)["le"]), value)
        for (series, *rest), value in found.items()
        if series == f"{name}_bucket" and [each for each in rest if each[0] != "le"] == wanted
    ]
    counts, below = {}, 0
    for edge, upto in sorted(edges):
        if upto > below:
            counts[edge] = upto - below
        below = upto
    return counts


def test_headlines_of_the_accountable_view_leave_out_what_is_excused():
    cells = {
        cell(): {
            "orders": 9, "accountable.frozen.on_time": 4, "accountable.frozen.late": 1,
            "accountable.frozen.excluded": 4, "frozen.on_time": 3, "frozen.late": 6,
            "attempt.concluded": 9, "attempt.succeeded": 5, "attempt.charged": 1,
            "feedback.csat.n": 4, "feedback.csat.good": 3,
        },
    }  # fmt: skip
    found = exposed(Metrics(CollectorRegistry()), cells)
    for name, k, n in (
        ("on_time", 3, 9), ("on_time_accountable", 4, 5), ("first_attempt", 5, 9),
        ("first_attempt_accountable", 5, 6), ("csat", 3, 4),
    ):  # fmt: skip
        for window in ("today", "all"):
            assert kpi(found, "numerator", name, window) == k, name
            assert kpi(found, "denominator", name, window) == n, name


def test_etas_within_are_added_up_from_their_bands():
    bands = {1: 1, -1: 2, 2: 4, -2: 8, 3: 16, -3: 32, 4: 64, -4: 128, 5: 256, -5: 512}
    cells = {cell(): {"orders": 1, **{f"eta.ofd.band:{k}": n for k, n in bands.items()}}}
    found = exposed(Metrics(CollectorRegistry()), cells)
    for minutes, k in ((10, 15), (15, 63)):
        assert kpi(found, "numerator", f"eta_within_{minutes}min", "7d") == k
        assert kpi(found, "denominator", f"eta_within_{minutes}min", "7d") == 1_023


def test_orders_that_ended_otherwise_are_counted_by_their_reason():
    cells = {
        cell(): {"orders": 3, "cancelled.shipper_cancelled": 2, "returned.refused": 1},
        cell("other one"): {"orders": 1, "cancelled.unknown": 1},
    }
    found = exposed(Metrics(CollectorRegistry()), cells)
    ended = {key: n for key, n in found.items() if key[0].startswith("tower_orders_")}
    assert ended["tower_orders_cancelled_total", ("carrier", "swift"),
                 ("reason", "shipper_cancelled")] == 2  # fmt: skip
    assert ended["tower_orders_cancelled_total", ("carrier", "other one"),
                 ("reason", "unknown")] == 1  # fmt: skip
    assert ended["tower_orders_returned_total", ("carrier", "swift"),
                 ("reason", "refused")] == 1  # fmt: skip


def test_time_late_and_time_early_are_added_up_apart():
    metrics = Metrics(CollectorRegistry())
    metrics.expect("swift", "day")
    carrier = ("carrier", "swift")
    assert values(metrics.registry)["tower_delivery_late_seconds_total", carrier] == 0
    for late in (90_000, 30_000, -600_000, 0, None):
        metrics.observe(told(EtaDeviation, deviations={}, lateness=late, revision=1))
    metrics.observe(told(EtaDeviation, deviations={}, lateness=900_000, revision=2))
    found = values(metrics.registry)
    late = buckets(found, "tower_delivery_deviation_seconds", carrier="swift")
    assert sum(late.values()) == 4
    assert found["tower_delivery_late_seconds_total", carrier] == 120
    assert found["tower_delivery_early_seconds_total", carrier] == 600


def test_etas_are_counted_by_distance_and_at_the_headline_snapshots_with_their_sign():
    metrics = Metrics(CollectorRegistry())
    deviations = {"ofd": -700_000, "t60": 300_000, "t30": 5_000}
    metrics.observe(told(EtaDeviation, deviations=deviations, revision=1))
    found = values(metrics.registry)
    for horizon, distance, signed in (
        ("ofd", 900, {-300.0: 1}), ("t60", 300, {300.0: 1}), ("t30", 60, {}),
    ):  # fmt: skip
        labels = {"carrier": "swift", "horizon": horizon}
        assert buckets(found, "tower_eta_error_seconds", **labels) == {distance: 1}
        assert buckets(found, "tower_eta_deviation_seconds", **labels) == signed


def test_etas_are_counted_by_who_said_them():
    metrics = Metrics(CollectorRegistry())
    for source in ("carrier", "carrier", "tower"):
        metrics.expected("swift", source)
    found = values(metrics.registry)
    for source, count in (("carrier", 2), ("tower", 1)):
        labels = ("carrier", "swift"), ("source", source)
        assert found["tower_eta_updates_total", *labels] == count


def test_delays_are_from_the_event_to_its_receipt_and_late_after_six_hours():
    metrics = Metrics(CollectorRegistry())
    accepted = {("accepted", "delivered"): 4}
    metrics.received("order-events", accepted, [-90.0, 3.0, 21_600.0, 21_600.5])
    found = values(metrics.registry)
    topic = ("topic", "order-events")
    assert buckets(found, "tower_event_delay_seconds", topic="order-events") == {
        0.5: 1, 5: 1, 21_600: 1, float("inf"): 1,
    }  # fmt: skip
    assert found["tower_event_delay_seconds_sum", topic] == 43_203.5
    assert found["tower_events_late_total", topic] == 1
    assert found["tower_events_late_total", ("topic", "courier-events")] == 0


def test_work_is_counted_record_by_record():
    metrics = Metrics(CollectorRegistry())
    metrics.worked("track_orders", 100, 0.006)
    metrics.worked("track_orders", 0, 9.0)
    found = values(metrics.registry)
    assert buckets(found, "tower_event_processing_seconds", agent="track_orders") == {
        0.0001: 100,
    }
    total = found["tower_event_processing_seconds_sum", ("agent", "track_orders")]
    assert total == pytest.approx(0.006)


@pytest.fixture(scope="module")
def crowd():
    """Ten thousand carriers with a whole life each, as Prometheus would see them."""
    metrics = Metrics(CollectorRegistry())
    scores = {f"feedback.{name}:{n}": 1 for name in ("csat", "nps", "ces") for n in (1, 5)}
    cells = {
        cell(f"carrier number {n}", f"service {n}"): {
            "orders": 1, "frozen.on_time": 1, "state.out_for_delivery": 1,
            "eta.ofd.band:1": 1, "feedback.answered": 1, **scores,
        }
        for n in range(10_000)
    }  # fmt: skip
    for n in range(10_000):
        who = {
            "fact_id": "f", "order_id": "o", "carrier": f"carrier number {n}", "at": NOW,
            "rules": "r",
        }  # fmt: skip
        service = f"service {n}"
        metrics.observe(outcome(f"carrier number {n}", service))
        metrics.observe(
            AttemptConcluded(
                **who, service=service, succeeded=False, reason="not_home", implicit=False,
                revision=1,
            )
        )  # fmt: skip
        metrics.observe(
            EtaDeviation(**who, deviations=dict.fromkeys(SNAPSHOTS, 60_000), revision=1)
        )
    metrics.registry.register(
        CellCollector(metrics, lambda: [cells], lambda: NOW, dict, Rules())
    )
    return metrics.registry


def test_ten_thousand_carriers_are_a_scrape_of_bounded_size(crowd):
    started = time.perf_counter()
    list(crowd.collect())
    assert time.perf_counter() - started < 10  # on a busy machine; a tenth of it else
    text = generate_latest(crowd)
    assert len(text) < 5_000_000
    assert len(values(crowd)) < 50_000
    carriers = {dict(labels).get("carrier") for _, *labels in values(crowd)}
    assert len(carriers - {None}) == 201


@pytest.mark.slow
def test_openmetrics_takes_all_of_it(crowd):
    text = openmetrics.generate_latest(crowd).decode()
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {"tower_delivery_deviation_seconds", "tower_kpi_numerator"} < names


def test_a_handover_long_after_the_deadline_is_seen():
    # Promised by minute 180, late by verdict from then on, handed over 35 minutes later.
    metrics = Metrics(CollectorRegistry())
    replay = Replay(Rules(), keep_outputs=True)
    replay.orders.observe = metrics.observe
    life = (tell.promised(-60, window=(60, 180)), tell.out(60), tell.delivered(215))
    replay.run(tell.story(*life), instant(tell.moment(300)))
    carrier = ("carrier", "nordpost")
    assert values(metrics.registry)["tower_delivery_late_seconds_total", carrier] == 35 * 60
