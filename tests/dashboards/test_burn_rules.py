"""The arithmetic of budgets, and what every recorded series and alert must have."""

from dataclasses import replace
from pathlib import Path

import promql_parser as promql
import pytest

from dashboards import budgets, links, render, rules, slo
from streams.rulechecks import OBJECTIVES
from tests.dashboards.board_queries import selectors


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


@pytest.mark.parametrize("each", slo.SLOS, ids=lambda each: each.name)
def test_an_objective_of_ours_lets_every_alert_of_its_fire(each):
    assert all(burn.factor * (1 - each.objective) < 0.9 for burn in each.burns)


@pytest.mark.parametrize("objective", [0.85, 1.0])
def test_an_objective_whose_factor_is_impossible_is_refused(objective):
    # 8.4 x 0.15 = 1.26: no carrier can miss that much; of 1 there is nothing to burn.
    with pytest.raises(ValueError, match="lower the factor"):
        replace(slo.SLOS[0], objective=objective)


def test_a_carriers_own_objectives_are_looked_at():
    assert not list(slo.findings({"on_time": 0.5, "first_attempt": 0.99}))
    # Of 0.1 even the slowest alert would need nine of ten missed, as it always would.
    assert list(slo.findings({"on_time": 0.1, "first_attempt": 1.0})) == [
        "on_time of 0.1 leaves no budget that an alert could watch",
        "first_attempt of 1 leaves no budget that an alert could watch",
    ]


def test_a_rules_file_names_the_objectives_there_are():
    assert {each.name for each in slo.SLOS if each.scope == "carrier"} == {*OBJECTIVES}


def test_a_carrier_is_small_if_its_own_page_hardly_ever_opens():
    assert slo.SMALL_DUE == 1400  # 50 in six hours, for a week


def test_short_windows_are_shorter_and_every_window_is_recorded(rule_groups):
    recorded = {rule["record"] for rule in rules_of(rule_groups, "record")}
    for burn in slo.BURNS:
        assert slo.HOURS[burn.short] < slo.HOURS[burn.long]
        assert {budgets.share(window) for window in (burn.long, burn.short)} <= recorded


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
        assert level in {"tower", "carrier_slo", "carrier_kpi_window"}
        assert metric.startswith("tower_")
        assert operation


def test_every_alert_says_what_and_where_to_read_on(rule_groups):
    alerts = rules_of(rule_groups, "alert")
    assert len({alert["alert"] for alert in alerts}) == 22
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket", "none"}
        assert alert["labels"]["scope"] in {"carrier", "tower"}
        assert "{{" not in alert["annotations"]["summary"]
        assert "{{" in alert["annotations"]["description"]
        assert "for" in alert
        assert not any("{{" in value for value in alert["labels"].values())


def test_an_alert_about_a_carrier_names_it_and_opens_its_board(rule_groups):
    for alert in rules_of(rule_groups, "alert"):
        said = alert["annotations"]
        named = alert["labels"]["scope"] == "carrier"
        assert ("{{ $labels.carrier }}" in said["description"]) == named
        assert (
            "?var-carrier={{ $labels.carrier | urlquery }}" in said["dashboard_url"]
        ) == named


def test_what_carriers_do_is_no_news_while_history_is_read(rule_groups):
    for alert in rules_of(rule_groups, "alert"):
        if alert["labels"]["scope"] == "carrier":
            assert alert["expr"].endswith(f"unless on () {budgets.REREADING}\n"), alert


def test_every_board_an_alert_opens_is_there(rule_groups):
    boards = {Path(name).stem for name in render.files() if "dashboards" in name}
    for alert in rules_of(rule_groups, "alert"):
        uid = alert["annotations"]["dashboard_url"].removeprefix(f"{links.GRAFANA}/d/")
        assert uid.split("?")[0] in boards


def test_places_can_be_elsewhere():
    at = links.Places("https://wiki.example/", "https://boards.example/")
    assert at.runbook("TowerAbsent") == "https://wiki.example/TowerAbsent.md"
    assert at.board("tower-risk") == "https://boards.example/d/tower-risk"
    said = [each["annotations"] for each in rules.groups(at)[-1]["rules"]]
    assert all(each["runbook_url"].startswith("https://wiki.example/") for each in said)
    assert all(each["dashboard_url"].startswith("https://boards.example/d/") for each in said)
