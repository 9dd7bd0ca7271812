"""`tower dashboards`: the committed files are what the code writes, byte for byte."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboards import render
from streams.cli.dashboards import app
from streams.errors import TowerError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(render.files()))
def test_the_committed_file_is_current(name):
    committed = (ROOT / "deploy" / name).read_text()
    assert committed == render.files()[name], "run make generate and commit the result"


def test_nothing_is_committed_that_nobody_generates():
    kept = {*ROOT.glob("deploy/grafana/dashboards/*"), *ROOT.glob("deploy/prometheus/rules/*")}
    assert kept == {ROOT / "deploy" / name for name in render.files()}


def test_the_text_is_the_same_every_time():
    assert render.files() == render.files()


def test_the_command_writes_and_then_finds_nothing_to_change(tmp_path):
    first = CliRunner().invoke(app, ["--into", str(tmp_path)])
    assert first.exit_code == 0
    assert first.output.endswith("8 files, 8 changed.\n")
    board = json.loads((tmp_path / "grafana/dashboards/tower-overview.json").read_text())
    assert board["title"] == "Tower / Overview"
    again = CliRunner().invoke(app, ["--into", str(tmp_path)])
    assert again.output == "8 files, 0 changed.\n"


def test_the_address_of_runbooks_is_the_user_s(tmp_path):
    given = ["--runbooks", "https://wiki.example", "--grafana", "https://boards.example/"]
    CliRunner().invoke(app, ["--into", str(tmp_path), *given])
    text = (tmp_path / render.RULES / "alerts.yml").read_text()
    assert "https://wiki.example/TowerAbsent.md" in text
    assert "https://boards.example/d/tower-pipeline" in text


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["--into", str(tmp_path / "file")])
    assert isinstance(result.exception, TowerError)
    assert "cannot be written" in str(result.exception)
