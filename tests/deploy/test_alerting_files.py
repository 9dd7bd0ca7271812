"""Prometheus, its rules and Alertmanager as their own programs read them."""

from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=TowerAbsent", "severity=page", "scope=tower"), "page"),
        (("alertname=CarrierOnTimeBudgetBurn", "severity=page", "scope=carrier"), "page"),
        (("alertname=CarrierOnTimeBudgetBurn", "severity=ticket", "scope=carrier"), "ticket"),
        (("alertname=SomethingNew",), "ticket"),
    ],
)
def test_an_alert_reaches_its_receiver(amtool, labels, receiver):
    said = output(
        *(amtool, "config", "routes", "test", "--config.file", ROUTES),
        *("--verify.receivers", receiver, *labels),
    )
    assert said.split()[0] == receiver
