"""The rules file that ships and the page about it say what the models say."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from models.rules import (
    CarrierRules,
    GraceMinutes,
    NoticeKinds,
    NoticePolicy,
    Retention,
    Rules,
    Tolerances,
)
from models.sla import Calendar, SlaRule, Target
from streams.domain.judgement import Judgement, rules_id
from streams.rules import load, read

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy/rules.yaml"
PAGE = (ROOT / "docs/rules.md").read_text()
PARTS = (Rules, Tolerances, CarrierRules, Retention, NoticePolicy, Calendar, Target, SlaRule)


def test_the_file_that_ships_is_what_holds_without_one():
    assert load(SHIPPED) == Rules()
    assert rules_id(load(SHIPPED)) == rules_id(Rules())


def test_it_says_every_default_aloud():
    parts = {"defaults": Tolerances, "retention": Retention, "notices": NoticePolicy}
    places = [("schema",), ("carriers",), ("sla",)]
    places += [(name, key) for name, part in parts.items() for key in part.model_fields]
    places += [("notices", "kinds", key) for key in NoticeKinds.model_fields]
    places += [("defaults", "grace_minutes", key) for key in GraceMinutes.model_fields]
    file = read(SHIPPED)
    assert [place for place in places if file.line(*place) is None] == []


def test_its_examples_are_rules(tmp_path):
    text = SHIPPED.read_text().replace("carriers: {}\n", "").replace("sla: []\n", "")
    path = tmp_path / "rules.yaml"
    path.write_text(re.sub(r"(?m)^# (?=(carriers|calendars|sla):|  )", "", text))
    found = load(path)
    assert (list(found.carriers), [each.name for each in found.sla]) == (
        ["nordpost"], ["nordpost next day"],
    )  # fmt: skip


def test_the_example_of_the_page_is_a_rules_file(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    found = load(path)
    levels = Judgement(found).levels
    assert levels is not None
    scope = levels.of("nordpost", "express", "north")
    assert [[each.rule.name for each in metric] for metric in scope] == [
        ["parcel 2025", "parcel 2026"], ["express north"], ["pick-up"], ["answer"],
    ]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_the_page_names_every_key(part: type[BaseModel]):
    keys = re.findall(r"`(?:target\.)?([a-z_]+)(?:\.NAME)?(?:: true)?`", PAGE)
    names = {field.alias or name for name, field in part.model_fields.items()}
    assert names - set(keys) == set()
