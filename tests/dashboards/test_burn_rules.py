"""The arithmetic of budgets, and what every recorded series and alert must have."""

from pathlib import Path

import promql_parser as promql
import pytest

from dashboards import links, rules, slo
from tests.dashboards.board_queries import selectors

ROOT = Path(__file__).parents[2]


def rules_of(rule_groups, kind):
    return [rule for group in rule_groups for rule in group["rules"] if kind in rule]


def test_factors_spend_the_chosen_share_of_a_week():
    # 5 % of 168 h in 1 h: 8.4; 15 % in 6 h: 4.2; 2/7 in a day: 2; 3/7 in three days: 1.
    assert [burn.factor for burn in slo.BURNS] == [8.4, 4.2, 2, 1]


@pytest.mark.parametrize("objective", [0.5, 0.8, 0.85, 0.9, 0.95, 0.99])
def test_every_objective_can_be_burnt(objective):
    assert all(slo.threshold(burn.factor, objective) < 1 for burn in slo.BURNS)


def test_the_threshold_is_the_factor_below_the_ceiling():
    assert slo.threshold(8.4, 0.95) == pytest.approx(0.42)
    assert slo.threshold(8.4, 0.85) == 0.9


def test_short_windows_are_shorter_and_every_window_is_recorded(rule_groups):
    recorded = {rule["record"] for rule in rules_of(rule_groups, "record")}
    for burn in slo.BURNS:
        assert slo.HOURS[burn.short] < slo.HOURS[burn.long]
        assert {
            f"carrier:tower_missed:ratio{window}" for window in (burn.long, burn.short)
        } <= recorded


def test_rules_name_only_series_and_labels_that_exist(rule_groups, known_metrics):
    for rule in (rule for group in rule_groups for rule in group["rules"]):
        for selector, _ in selectors(rule["expr"]):
            assert selector.name in known_metrics, rule
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known_metrics[selector.name], rule


def test_counters_are_increased_before_they_are_summed(rule_groups):
    for rule in rules_of(rule_groups, "record"):
        for selector, above in selectors(rule["expr"]):
            if selector.name.endswith("_total"):
                assert isinstance(above[-2], promql.Call)
                assert above[-2].func.name == "increase"


def test_recorded_series_are_named_level_metric_operation(rule_groups):
    for rule in rules_of(rule_groups, "record"):
        level, metric, operation = rule["record"].split(":")
        assert level in {"carrier", "carrier_kpi_window"}
        assert metric.startswith("tower_")
        assert operation


def test_every_alert_says_what_and_where_to_read_on(rule_groups):
    alerts = rules_of(rule_groups, "alert")
    assert {alert["alert"] for alert in alerts} == {"CarrierOnTimeBudgetBurn", "TowerAbsent"}
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert "{{" not in alert["annotations"]["summary"]
        assert "{{" in alert["annotations"]["description"]
        assert "for" in alert
        assert not any("{{" in value for value in alert["labels"].values())


def test_every_alert_has_a_runbook_of_its_name(rule_groups):
    for alert in rules_of(rule_groups, "alert"):
        name = alert["annotations"]["runbook_url"].rsplit("/", 1)[1]
        assert name == f"{alert['alert']}.md"
        text = (ROOT / "docs/runbooks" / name).read_text()
        assert text.splitlines()[0] == f"# {alert['alert']}"
        assert alert["expr"].strip() not in text


def test_runbooks_can_be_published_elsewhere():
    assert links.runbook("TowerAbsent", "https://wiki.example/") == (
        "https://wiki.example/TowerAbsent.md"
    )
    [absent] = [r for r in rules.groups("https://w.example")[-1]["rules"] if r["for"] == "2m"][
        1:
    ]
    assert absent["annotations"]["runbook_url"] == "https://w.example/TowerAbsent.md"
