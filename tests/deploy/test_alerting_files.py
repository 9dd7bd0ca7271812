"""Prometheus, its rules and Alertmanager as their own programs read them."""

import re
from pathlib import Path

import pytest
import yaml

from dashboards import rules, slo
from tests.deploy.tools import output, tool

DEPLOY = Path(__file__).parents[2] / "deploy"
ROUTES = DEPLOY / "alertmanager/alertmanager.yml"


@pytest.fixture
def promtool():
    return tool("promtool", "prometheus")


@pytest.fixture
def amtool():
    return tool("amtool", "prometheus-alertmanager")


def test_the_scrape_file_is_valid(promtool):
    assert "SUCCESS" in output(
        promtool, "check", "config", "--lint=all", DEPLOY / "prometheus/prometheus.yml"
    )


def test_the_rules_are_valid_and_without_findings(promtool):
    rules = sorted(DEPLOY.glob("prometheus/rules/*.yml"))
    assert "SUCCESS" in output(promtool, "check", "rules", "--lint=all", "--lint-fatal", *rules)


@pytest.mark.slow
def test_the_rules_say_what_their_tests_expect(promtool):
    tests = sorted(DEPLOY.glob("prometheus/tests/*.yml"))
    assert "SUCCESS" in output(promtool, "test", "rules", *tests)


def test_every_alert_is_tested_with_its_whole_text_and_a_not_yet():
    expected, quiet = set(), set()
    for path in DEPLOY.glob("prometheus/tests/*.yml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for row in test.get("alert_rule_test", []):
                for alert in row["exp_alerts"]:
                    assert set(alert["exp_annotations"]) == {
                        "summary",
                        "description",
                        "runbook_url",
                        "dashboard_url",
                    }
                    expected.add(row["alertname"])
                if not row["exp_alerts"]:
                    quiet.add(row["alertname"])
    alerts = {
        rule["alert"]
        for path in DEPLOY.glob("prometheus/rules/*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert expected == alerts
    assert quiet == alerts - {"Watchdog"}  # it always barks


def test_the_routes_are_valid(amtool):
    assert "SUCCESS" in output(amtool, "check-config", ROUTES)


CARRIERS_PAGE = ("alertname=CarrierOnTimeBudgetBurn", "severity=page", "scope=carrier")


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (("alertname=Watchdog", "severity=none"), "heartbeat"),
        (("alertname=TowerReplayInProgress", "severity=none"), "nobody"),
        (("alertname=TowerAbsent", "severity=page", "scope=tower"), "tower,page"),
        # By day the page, by night the mail: which of the two, the hours decide.
        (CARRIERS_PAGE, "tower,page,ticket"),
        (("alertname=X", "severity=ticket", "scope=carrier"), "tower,ticket"),
        (("alertname=X", "severity=ticket", "hours=operating"), "tower,ticket"),
        (("alertname=SomethingNew",), "ticket"),
    ],
)
def test_an_alert_reaches_its_receivers(amtool, labels, receivers):
    asked = (amtool, "config", "routes", "test", "--config.file", ROUTES)
    said = output(*asked, "--verify.receivers", receivers, *labels)
    assert receivers in said.splitlines()[-1] or receivers in said.split()
    output(*asked, "--verify.receivers", "somebody", *labels, code=1)


def test_each_hour_has_one_receiver_of_a_carriers_page():
    of_page = [
        route
        for route in yaml.safe_load(ROUTES.read_text())["route"]["routes"]
        if 'scope = "carrier"' in route["matchers"]
    ]
    day, night = of_page
    assert day["receiver"] == "page"
    assert day["active_time_intervals"] == night["mute_time_intervals"] == ["deliveries"]
    # A route that is not active takes its alerts all the same.
    assert day["continue"] is True


def test_what_holds_back_and_what_is_held_back_are_alerts_that_exist():
    alerts = {
        rule["alert"]: rule["labels"]
        for group in rules.groups()
        for rule in group["rules"]
        if "alert" in rule
    }
    for inhibition in yaml.safe_load(ROUTES.read_text())["inhibit_rules"]:
        for matcher in (*inhibition["source_matchers"], *inhibition["target_matchers"]):
            label, _, pattern = re.fullmatch(r'(\w+) (=~?) "(.+)"', matcher).groups()
            if label == "alertname":
                for each in pattern.split("|"):
                    assert any(re.fullmatch(each, name) for name in alerts), each


def test_a_carriers_page_is_sent_within_two_minutes_of_the_burn():
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["global"]
    [group] = [each for each in rules.groups() if each["name"] == "tower-budgets"]
    routes = yaml.safe_load(ROUTES.read_text())["route"]["routes"]
    [page] = [
        each for each in routes if each.get("active_time_intervals") and each.get("continue")
    ]
    waits = (
        config["scrape_interval"],  # until it is seen
        group["interval"],  # until it is judged
        slo.PAGES[0].lasting,
        page["group_wait"],
    )
    assert sum(int(wait.removesuffix("s")) for wait in waits) <= 120
