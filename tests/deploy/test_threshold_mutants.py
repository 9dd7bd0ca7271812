"""Change a threshold of a rule, and its tests fail: each is pinned from both sides."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

import pytest
import yaml

from dashboards import rules
from tests.deploy.tools import tool

TESTS = Path(__file__).parents[2] / "deploy/prometheus/tests"
NUMBER = re.compile(r"(?<=[<>] )(0\.\d+|[1-9]\d*)\b|(?<=[<>]= )[1-9]\d*\b")
FILES = rules.files()

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]


def mutants():
    """Yield name, files of rules and tests, for each threshold doubled and halved."""
    tests = {path.name: yaml.safe_load(path.read_text()) for path in TESTS.glob("*.yml")}
    of_alerts = [rule for group in FILES["alerts"] for rule in group["rules"]]
    helpers = [rule for rule in of_alerts if "record" in rule]
    for rule in of_alerts:
        for expr in changed(rule["expr"]) if "alert" in rule else ():
            yield rule["alert"], [*helpers, rule | {"expr": expr}], about(tests, rule["alert"])
    budgets = [rule for group in FILES["budgets"] for rule in group["rules"]]
    on_time = [r for r in budgets if r.get("labels", {}).get("slo", "on_time") == "on_time"]
    page = next(rule for rule in on_time if rule.get("alert"))
    others = [rule for rule in on_time if "record" in rule]
    cases = [case for case in tests["budgets.yml"]["tests"] if case["name"].startswith(FIRST)]
    for expr in (*changed(page["expr"]), page["expr"].replace("8.4", "16.8")):
        yield page["alert"], [*helpers, *others, page | {"expr": expr}], hourly(cases)


FIRST = ("two of three", "a modest", "a strict", "a carrier that stops", "four small")


def changed(expr):
    """Yield an expression with each of its thresholds doubled and halved."""
    for found in NUMBER.finditer(expr):
        for factor in (2, 0.5):
            value = float(found[0]) * factor
            yield f"{expr[: found.start()]}{value:g}{expr[found.end() :]}"


def about(tests, alert):
    """Return the tests that say something of one alert, and of nothing else."""
    kept = []
    for file in tests.values():
        for case in file["tests"]:
            rows = [r for r in case.get("alert_rule_test", []) if r["alertname"] == alert]
            if rows:
                kept.append((file["evaluation_interval"], case | {"alert_rule_test": rows}))
    assert kept
    assert len({interval for interval, _ in kept}) == 1
    return kept


def hourly(cases):
    """Return tests with what they expect of the page of an hour alone."""
    return [
        (
            "2m",
            {
                **{key: case[key] for key in ("name", "interval", "input_series")},
                "alert_rule_test": [
                    row
                    | {
                        "exp_alerts": [
                            each
                            for each in row["exp_alerts"]
                            if each["exp_labels"]["window"] == "1h"
                        ]
                    }
                    for row in case["alert_rule_test"]
                ],
            },
        )
        for case in cases
    ]


def verdict(promtool, folder, chosen, cases):
    """Tell whether the tests pass with the rules."""
    folder.mkdir()
    group = {"name": "one", "interval": "30s", "rules": chosen}
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [group]}))
    whole = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": cases[0][0],
        "tests": [case for _, case in cases],
    }
    (folder / "tests.yml").write_text(yaml.safe_dump(whole))
    done = run(
        [promtool, "test", "rules", folder / "tests.yml"], capture_output=True, check=False
    )
    return done.returncode == 0


def test_no_changed_threshold_goes_unnoticed(tmp_path):
    promtool = tool("promtool", "prometheus")
    made = list(mutants())
    assert len({alert for alert, _, _ in made}) >= 14
    with ThreadPoolExecutor(2) as pool:
        passed = pool.map(
            lambda one: verdict(promtool, tmp_path / str(one[0]), *one[1][1:]), enumerate(made)
        )
        unnoticed = [
            (alert, chosen[-1]["expr"])
            for (alert, chosen, _), fine in zip(made, passed, strict=True)
            if fine
        ]
    assert unnoticed == []


def test_the_rules_as_they_are_pass_the_same_tests(tmp_path):
    promtool = tool("promtool", "prometheus")
    seen = {}
    originals = {
        rule["alert"]: rule
        for groups in FILES.values()
        for group in groups
        for rule in reversed(group["rules"])
        if "alert" in rule
    }
    for alert, chosen, cases in mutants():
        seen[alert] = [*chosen[:-1], originals[alert]], cases
    for alert, (chosen, cases) in seen.items():
        assert verdict(promtool, tmp_path / alert, chosen, cases), alert
