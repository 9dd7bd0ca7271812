"""Every alert has a page of its name that answers four questions with commands that exist."""

import importlib
import itertools
import json
import re
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from dashboards import render, rules
from streams.cli import main
from streams.config import Settings

ROOT = Path(__file__).parents[2]
RUNBOOKS = ROOT / "docs/runbooks"
QUESTIONS = [
    "What the customer feels",
    "How to tell",
    "What to do first",
    "How to know it is over",
]
ALERTS = {
    rule["alert"]: rule
    for group in rules.groups()
    for rule in group["rules"]
    if "alert" in rule
}
PAGES = {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
PANELS = {
    panel["title"]
    for path, text in render.files().items()
    if path.startswith("grafana/dashboards/")
    for panel in json.loads(text)["panels"]
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def quoted(text):
    """Return what a page quotes as code: words of a line and whole blocks."""
    return re.findall(r"`([^`]+)`", text)


def commands(text, program):
    """Return the words after a program's name, for each time a page calls it."""
    return [code.split()[1:] for code in quoted(text) if code.startswith(f"{program} ")]


def options_of(command):
    """Return every word that begins an option of a command or of one of its commands."""
    below = getattr(command, "commands", {})
    own = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)}
    return own.union(*(options_of(each) for each in below.values()))


def test_there_is_a_page_an_alert_and_no_other():
    assert PAGES.keys() - {"README"} == ALERTS.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_answers_the_four_questions_in_order(name):
    lines = PAGES[name].splitlines()
    assert lines[0] == f"# {name}"
    headings = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    assert [each for each in headings if each in QUESTIONS] == QUESTIONS
    for here, below in zip(lines, lines[2:], strict=False):
        assert not here.startswith("## ") or below.strip(), f"{here} says nothing"


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_does_not_repeat_the_alert(name):
    assert ALERTS[name]["expr"].strip() not in PAGES[name]
    assert ALERTS[name]["annotations"]["description"] not in PAGES[name]


def test_the_list_of_pages_says_whom_each_wakes():
    severities = {}
    for group in rules.groups():
        for rule in group["rules"]:
            if "alert" in rule:
                severities.setdefault(rule["alert"], set()).add(rule["labels"]["severity"])
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| ([a-z, ]+) \|", PAGES["README"], re.MULTILINE
    )
    assert {name: set(said.split(", ")) for name, _, said in rows} == severities
    assert all(name == target for name, target, _ in rows)


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_the_tower_on_a_page_exists(name):
    for word, *rest in commands(PAGES[name], "tower"):
        assert word in main.COMMANDS, word
        module = importlib.import_module(f"streams.cli.{main._module(word)}")
        command = get_command(module.app)
        known = options_of(command)
        assert {each for each in rest if each.startswith("--")} <= known, (word, rest)
        below = getattr(command, "commands", None)
        assert below is None or not rest or rest[0] in below, (word, rest)


@pytest.mark.parametrize("name", PAGES)
def test_every_service_and_setting_on_a_page_exists(name):
    for words in commands(PAGES[name], "docker"):
        assert words[0] == "compose"
        assert words[1] in {"ps", "logs", "restart", "up"}
        services = [
            each
            for before, each in itertools.pairwise(words[1:])
            if not each.startswith("--") and not before.startswith(("--tail", "--scale"))
        ]
        assert set(services) <= COMPOSE["services"].keys(), words
    known = {f"TOWER_{field.upper()}" for field in Settings.model_fields}
    for setting in re.findall(r"TOWER_[A-Z_]+", PAGES[name]):
        assert any(each.startswith(setting) for each in known), setting


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_panel_and_page_on_a_page_exists(name):
    described = (ROOT / "docs/metrics.md").read_text()
    for metric in re.findall(r"`(tower_\w+)`", PAGES[name]):
        assert f"`{metric}`" in described, metric
    for panel in re.findall(r"\*\*([^*]+)\*\*", PAGES[name]):
        assert panel in PANELS, panel
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES[name]):
        assert (RUNBOOKS / target).exists(), target
