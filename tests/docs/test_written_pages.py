"""The pages that code writes are current, and define every number of a report, once."""

import re
from pathlib import Path

import pytest

from models.rules import Rules
from streams import pages
from streams.cellmetrics import KPIS
from streams.domain import lifecycle
from streams.domain.kpi.catalogue import KPI, numbers
from streams.domain.report import report
from streams.replay import Replay
from streams.simulate import DaySpec, day
from tests import story as tell
from tests.docs.defining import defined, undefined
from tests.story import story

ROOT = Path(__file__).parents[2]
RATIO = {"value", "k", "n", "low", "high"}


@pytest.fixture(scope="module")
def leaves():
    """The paths of a report of a simulated day; an open list that is empty ends in `none`."""
    worth = {"customer_id": "C", "value": {"amount": 20, "currency": "EUR"}}
    odd = [
        tell.promised(0, order="R-1", direction="return"),
        {"kind": "nonsense"},
        tell.promised(0, window=(60, 120), order="V-1", **worth),
        tell.delivered(90, order="V-1"),
        tell.promised(200, order="V-2", **worth),
        tell.in_transit(91 * 1_440, order="V-2"),
    ]
    level = {"name": "any", "metric": "handover", "target": {"hours": 24}}
    replay = Replay(Rules.model_validate({"sla": [level]}), predict=True)
    replay.run([*story(*day(DaySpec(seed=3, orders=60, couriers=3)).events), *story(*odd)])
    return set(paths(replay.report()))


def paths(part, path=""):
    if isinstance(part, dict) and part.keys() != RATIO:
        for name, inner in part.items() or [("none", None)]:
            yield from paths(inner, f"{path}.{name}".removeprefix("."))
    else:
        yield path


@pytest.mark.parametrize("page", ["docs/lifecycle.md", "docs/kpis.md"])
def test_the_page_is_current(page):
    assert (ROOT / page).read_text() == pages.files(ROOT)[ROOT / page], "run make generate"


def test_every_number_of_a_report_is_defined_once(leaves):
    found = undefined(sorted(leaves))
    total = [each for each in found if each.startswith("total.")]
    assert (total or found) == [], "define it in SECTIONS, then run make generate"


def test_every_definition_is_of_a_number_of_the_report(leaves):
    shown = {each.path for path in leaves for each in defined(path)}
    assert [each.path for each in numbers() if each.path not in shown] == []


def test_a_number_without_a_definition_is_named():
    assert undefined(["total.orders", "carriers.dpd.speed"]) == [
        "carriers.dpd.speed: no definitions in streams/domain/kpi/catalogue.py"
    ]


def test_all_blocks_of_a_report_are_one_kpi():
    empty = report({}, {}, 0, "none")
    assert set(paths(empty["total"])) == set(paths(empty["returns"]))
    for place in ("total", "returns", "carriers.dpd", "by.service.x", "by.region.north-1"):
        assert [each.path for each in defined(f"{place}.orders")] == [f"{KPI}.orders"]


def test_what_a_definition_names_exists():
    metrics = (ROOT / "docs/metrics.md").read_text()
    for each in numbers():
        assert (ROOT / each.file).exists(), each
        assert each.meaning, each
        assert each.formula, each
        for series in re.findall(r"tower_[a-z0-9_]+[a-z0-9]", each.metric):
            assert f"`{series}" in metrics, each


def test_every_headline_gauge_is_the_metric_of_a_number():
    named = {kpi for each in numbers() for kpi in re.findall(r'kpi="(\w+)"', each.metric)}
    assert named == set(KPIS)


def test_every_kind_has_its_line_in_the_order_of_a_life():
    lines = re.findall(r"(?m)^\| (\d+) \| `(\w+)` \|", pages.lifecycle_page())
    assert [(int(rank), kind) for rank, kind in lines] == [
        (rank, kind) for kind, rank in lifecycle.RANK.items()
    ]


def test_arrows_are_what_the_definitions_say():
    arrows = pages.transitions()
    # kpis 2.12 L4, L5: by hand
    assert arrows["handed_over", "going_back"] == ["returning", "returned"]
    assert arrows["handed_over", "out"] == ["out_for_delivery"]
    assert arrows["failed", "handed_over"] == ["delivered"]
    assert ("going_back", "handed_over") not in arrows
    assert "attempt_failed" in arrows["out", "under_way"]
    assert "refused as a reason" in arrows["out", "failed"]
    assert not any(kind == "eta_updated" for kinds in arrows.values() for kind in kinds)


def test_the_diagram_names_only_its_states():
    page = pages.lifecycle_page()
    states = set(re.findall(r'(?m)^    state "[^"]+" as (\w+)$', page))
    used = set(re.findall(r"(?m)^    (?:\[\*\]|(\w+)) --> (\w+): .+$", page))
    assert {name for pair in used for name in pair if name} == states


def test_making_the_pages_names_what_changed(tmp_path, monkeypatch, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/kpis.md").write_text(
        f"before\n{pages.BEGINS}\nold\n{pages.ENDS}\nafter\n"
    )
    monkeypatch.chdir(tmp_path)
    pages.main()
    assert capsys.readouterr().out == "docs/lifecycle.md\ndocs/kpis.md\n"
    text = (tmp_path / "docs/kpis.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{pages.ENDS}\nafter\n")
    assert "\nold\n" not in text
    pages.main()
    assert capsys.readouterr().out == ""
