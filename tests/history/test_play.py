"""A simulated month is judged as any file is, and Prometheus takes it as it was seen."""

import json
import urllib.request
from datetime import UTC, datetime

import pytest

from dashboards import render, rules
from models.base import millis
from models.rules import CarrierRules, Rules
from streams.feed import in_order_of_arrival
from streams.history.blocks import levels, of_rules, of_samples, serving
from streams.history.play import AGREED, DAYS, STEP_MS, Month, Player, names_in, scrapes
from streams.replay import Replay
from streams.simulate.carriers import CARRIERS
from tests.deploy.tools import tool

MONTH = Month(until=datetime(2026, 3, 31, 12, tzinfo=UTC), orders=120, couriers=5)


def total(metrics, name, **labels):
    return sum(
        sample.value
        for metric in metrics
        for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_what_a_scrape_sees_at_the_end_is_the_report():
    until = millis(MONTH.until)
    player = Player(until)
    lines = MONTH.lines()
    for arrival in in_order_of_arrival(lines):
        if arrival.received_at <= until:
            player.take(arrival)
    seen = list(player.look(until))
    again = Replay(Rules(carriers={c.name: CarrierRules(objectives=AGREED) for c in CARRIERS}))
    again.run(lines, until)
    report = again.report()["total"]
    on_time = report["delivery_time"]["accuracy"]
    assert on_time["n"] > 80
    asked = {"kpi": "on_time", "window": "all"}
    assert total(seen, "tower_kpi_numerator", **asked) == on_time["k"]
    assert total(seen, "tower_kpi_denominator", **asked) == on_time["n"]
    assert total(seen, "tower_orders_overdue") == report["overdue"]
    assert total(seen, "up") == 1


def test_it_is_looked_at_every_four_minutes_of_four_weeks():
    assert len(MONTH.instants) == DAYS * 24 * 15
    assert MONTH.instants[-1] == millis(MONTH.until) - STEP_MS


def test_only_what_boards_and_rules_ask_for_is_kept_and_all_of_it_is_called_simulated():
    _, text = next(scrapes(MONTH, frozenset({"up"})))
    assert text.startswith('up{job="tower-worker",instance="simulated",simulated="true"} 1.0 ')
    assert text.count("\n") == 1
    wanted = names_in("".join(render.files().values()))
    assert {"up", "tower_kpi_numerator", "tower_deliveries_total"} <= wanted


def test_a_rule_is_worked_out_after_those_it_reads():
    written = [rule for group in rules.groups() for rule in group["rules"]]
    names = [{rule["record"] for rule in level} for level in levels(written)]
    assert set().union(*names) == {rule["record"] for rule in written if "record" in rule}
    assert len(names) > 2
    chain = [
        {"record": "a:c:x", "expr": "a:b:x + a:a:x"},
        {"record": "a:b:x", "expr": "a:a:x", "labels": {"slo": "1"}},
        {"record": "a:b:x", "expr": "t", "labels": {"slo": "2"}},
        {"record": "a:b:x", "expr": "sum(a:b:x)"},
        {"record": "a:a:x", "expr": "t"},
        {"alert": "A", "expr": "a:c:x"},
    ]
    a, b, c = [chain[4]], [chain[1], chain[2]], [chain[0]]
    assert list(levels(chain)) == [a, b, c]


@pytest.mark.slow
def test_prometheus_reads_the_samples_and_what_the_rules_make_of_them(tmp_path):
    tool("promtool", "prometheus")
    tool("prometheus", "prometheus")
    into = tmp_path / "blocks"
    into.mkdir()
    first = 1_774_915_200_000  # 2026-03-31T00:00Z
    instants = range(first, first + 5 * STEP_MS, STEP_MS)
    of_samples(
        [
            (at, f'k{{carrier="x"}} 3 {at // 1000}\nn{{carrier="x"}} 4 {at // 1000}\n')
            for at in instants
        ],
        into,
    )
    chain = [
        {
            "record": "carrier:half:ratio",
            "expr": "sum by (carrier, slo) (carrier:share:ratio) / 2",
        },
        {
            "record": "carrier:none:ratio",
            "expr": "sum by (carrier) (0 * k) or 0 * carrier:n:sum",
        },
        {"record": "carrier:n:sum", "expr": "sum by (carrier) (n)"},
        {"record": "carrier:share:ratio", "expr": "k / n", "labels": {"slo": "y"}},
        {"alert": "None", "expr": "k > n"},
    ]
    of_rules(chain, instants, into)
    with serving(into) as address:
        url = f"{address}/api/v1/query?query=carrier:half:ratio&time={instants[-1] // 1000}"
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310
            [found] = json.load(answer)["data"]["result"]
    assert found["metric"]["slo"] == "y"
    assert found["value"][1] == "0.375"
