"""The rendered board and rules, as Grafana and Prometheus read them."""

import json

import pytest
import yaml

from dashboards import render
from tests.dashboards.board_queries import METRICS

BOARDS = {
    name: json.loads(text)
    for name, text in render.files().items()
    if name.startswith("grafana/dashboards/")
}


@pytest.fixture(scope="session", params=BOARDS)
def board(request):
    """Return each board as Grafana reads it."""
    return BOARDS[request.param]


@pytest.fixture(scope="session")
def boards():
    """Return every board by its identifier."""
    return {each["uid"]: each for each in BOARDS.values()}


@pytest.fixture(scope="session")
def rule_groups():
    """Return the groups of rules as Prometheus reads them."""
    return [
        group
        for name, text in render.files().items()
        if name.startswith(render.RULES)
        for group in yaml.safe_load(text)["groups"]
    ]


@pytest.fixture(scope="session")
def known_metrics(rule_groups):
    """Return every series a query may name: metrics and recorded series, with their labels."""
    recorded = {}
    for rule in (rule for group in rule_groups for rule in group["rules"] if "record" in rule):
        level = rule["record"].split(":")[0]
        recorded[rule["record"]] = set(level.split("_"))
    return METRICS | recorded
