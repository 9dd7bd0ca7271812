"""A mistake of the user is one sentence on standard error, exit 1; wrong usage is exit 2."""

import os
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.processes import TOWER

NOWHERE = "127.0.0.1:1"
NO_BROKER = f"tower: No Kafka broker answers at {NOWHERE}: start it, or name another with"
EVENT = (
    b'{"kind":"delivered","order_id":"a","event_id":"1",'
    b'"occurred_at":"2026-01-01T00:00:00Z","source":"s"}\n'
)


@pytest.fixture
def ran(tower, tmp_path, monkeypatch):
    """A function that runs `tower` in an empty folder with no settings but a free port."""
    for name in ("BROKERS", "NAMESPACE", "CLOCK", "PARTITIONS", "RULES"):
        monkeypatch.delenv(f"TOWER_{name}", raising=False)
    monkeypatch.setenv("TOWER_METRICS_PORT", "0")
    monkeypatch.setenv("TOWER_CLAIMS", str(tmp_path / "claims.sqlite"))
    monkeypatch.chdir(tmp_path)
    return tower


@pytest.mark.parametrize(
    "command",
    [
        "dispatcher",
        "publish /dev/null",
        "report",
        "report --wait 2026-01-01T00:00:00Z",
        "dead-letters list",
        "dead-letters show order-events/0/1",
        "dead-letters replay --reason bad_json",
        "explain A-1",
    ],
)
def test_without_a_broker_a_command_says_so(ran, monkeypatch, command):
    monkeypatch.setenv("TOWER_BROKERS", NOWHERE)
    ended = ran(*command.split())
    assert ended.code == 1
    assert ended.err.startswith(NO_BROKER)
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_a_process_of_its_own_says_no_more_than_that():
    env = os.environ | {"TOWER_BROKERS": NOWHERE, "TOWER_METRICS_PORT": "0"}
    ended = subprocess.run(
        [TOWER, "worker"], capture_output=True, text=True, check=False, env=env, timeout=50
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(NO_BROKER)
    assert (ended.stdout, ended.stderr.count("\n")) == ("", 1)


def test_without_a_broker_check_has_a_finding(ran, monkeypatch):
    monkeypatch.setenv("TOWER_BROKERS", NOWHERE)
    ended = ran("check")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.startswith(f"No Kafka broker answers at {NOWHERE}")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("replay nonexisting.jsonl", "nonexisting.jsonl"),
        ("replay nonexisting.jsonl.gz", "nonexisting.jsonl.gz"),
        ("replay /dev/null --rules nonexisting.yaml", "nonexisting.yaml"),
        ("import nonexisting.yaml table.csv", "nonexisting.yaml"),
        ("replay day.jsonl --report nowhere/report.json", "nowhere/report.json"),
        ("publish nonexisting.jsonl", "nonexisting.jsonl"),
        ("publish /dev/null --contacts nonexisting.jsonl", "nonexisting.jsonl"),
    ],
)
def test_a_file_that_is_not_there_is_named(ran, tmp_path, command, says):
    (tmp_path / "day.jsonl").write_bytes(EVENT)
    ended = ran(*command.split())
    assert ended.code == 1, ended.err
    assert ended.err.startswith("tower: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


@pytest.mark.parametrize("report", ["day.jsonl", "./day.jsonl", "symlink", "hardlink"])
def test_a_report_does_not_overwrite_what_is_read(ran, tmp_path, report):
    day = tmp_path / "day.jsonl"
    day.write_bytes(EVENT)
    (tmp_path / "symlink").symlink_to(day)
    (tmp_path / "hardlink").hardlink_to(day)
    ended = ran("replay", "day.jsonl", "--report", report)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "tower: The report would overwrite day.jsonl: name another file.\n"
    assert day.read_bytes() == EVENT


def test_a_report_does_not_overwrite_the_rules(ran, tmp_path):
    (tmp_path / "day.jsonl").write_bytes(EVENT)
    (tmp_path / "rules.yaml").write_text("schema: 1\n")
    ended = ran("replay", "day.jsonl", "--rules", "rules.yaml", "--report", "rules.yaml")
    assert ended.code == 1
    assert (tmp_path / "rules.yaml").read_text() == "schema: 1\n"


@pytest.mark.parametrize("out", ["map.yaml", "table.csv", "./table.csv", "hardlink"])
def test_an_import_does_not_overwrite_what_it_reads(ran, tmp_path, out):
    (tmp_path / "map.yaml").write_text("a: 1\n")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "hardlink").hardlink_to(tmp_path / "table.csv")
    ended = ran("import", "map.yaml", "table.csv", "--out", out)
    assert (ended.code, ended.out) == (1, "")
    name = "map.yaml" if out == "map.yaml" else "table.csv"
    assert ended.err == f"tower: The events would overwrite {name}: name another file.\n"
    assert (tmp_path / "map.yaml").read_text() == "a: 1\n"
    assert (tmp_path / "table.csv").read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--out s --truth s", "--out and --truth are both s"),
        ("--out s --contacts ./s", "--out and --contacts are both s"),
        ("--out o --truth s --contacts s", "--truth and --contacts are both s"),
        ("--truth -", "--out and --truth are both standard output"),
    ],
)
def test_what_is_simulated_goes_to_files_of_their_own(ran, tmp_path, words, says):
    ended = ran("simulate", "--orders", "1", "--couriers", "1", *words.split())
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"tower: {says}: name two files.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_dash_is_standard_output_and_no_file(ran, tmp_path):
    (tmp_path / "day.jsonl").write_bytes(EVENT)
    ended = ran("replay", "day.jsonl", "--predictions", "-", "--report", "report.json")
    assert ended.code == 0, ended.err
    assert (tmp_path / "report.json").exists()
    simulated = ran("simulate", "--orders", "1", "--couriers", "1", "--out", "-")
    assert simulated.out == ran("simulate", "--orders", "1", "--couriers", "1").out != ""
    examples = Path(__file__).parents[2] / "examples"
    words = ("import", examples / "flights.yaml", examples / "flights.csv")
    imported = ran(*words, "--out", "-")
    assert imported.code == 0, imported.err
    assert imported.out == ran(*words).out != ""
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    "command",
    ["replay - - --report x.json", "compare - -", "compare - - --rules shipped shipped",
     "scorecard - - --carrier a --month 2026-03 --into x"],
)  # fmt: skip
def test_standard_input_is_read_once(ran, tmp_path, command):
    ended = ran(*command.split())
    assert (ended.code, ended.out) == (2, "")
    assert "can be named once" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_an_instant_without_an_offset_is_told_how_to_be_one(ran, tmp_path):
    (tmp_path / "day.jsonl").write_bytes(EVENT)
    ended = ran("replay", "day.jsonl", "--as-of", "2026-03-03")
    assert ended.code == 2
    assert "e.g. 2026-03-03T00:00:00Z" in " ".join(ended.err.replace("│", " ").split())
    assert ran("replay", "day.jsonl", "--as-of", "2026-03-03T00:00:00Z").code == 0


@pytest.mark.parametrize(
    "command",
    [
        "nonsense",
        "replay /dev/null --predictions -",
        "worker extra",
        "publish",
        "publish /dev/null --rate fast",
        "publish /dev/null --rate 5 --speed 5",
        "publish /dev/null --pace-from 2026-01-01T00:00:00Z",
        "replay /dev/null --as-of yesterday",
        "replay /dev/null --as-of 2026-01-01T00:00:00",
        "report --wait soon",
        "report --timeout 5",
        "simulate --orders none",
        "simulate --start yesterday",
        "simulate --start 2026-01-01T00:00:00",
        "simulate --start 1999-01-01T00:00:00Z",
        "simulate --scenario nonsense",
        "dead-letters nonsense",
        "check --nonsense",
    ],
)
def test_wrong_usage_is_exit_2(ran, command):
    ended = ran(*command.split())
    assert ended.code == 2
    assert ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("PARTITIONS", "abc"),
        ("PARTITIONS", "65"),
        ("CLOCK", "sundial"),
        ("NAMESPACE", "Tower of Babel"),
        ("METRICS_PORT", "-1"),
        ("METRICS_PORT", "70000"),
        ("SESSION_TIMEOUT_SECONDS", "0"),
        ("SMTP_TLS", "perhaps"),
        ("BROKERS", ""),
        ("BROKERS", "kafka"),
        ("BROKERS", "kafka:port"),
        ("MAIL_FROM", "nobody"),
    ],
)
@pytest.mark.parametrize("command", ["worker", "dispatcher"])
def test_a_wrong_setting_is_named(ran, monkeypatch, command, setting, value):
    if command == "worker" and setting in {"SMTP_TLS", "MAIL_FROM"}:
        pytest.skip("no setting of a worker's")
    monkeypatch.setenv(f"TOWER_{setting}", value)
    ended = ran(command)
    assert ended.code == 1, ended.err
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("tower: ")
    assert f"TOWER_{setting}" in ended.err


@pytest.mark.parametrize("command", ["worker", "dispatcher", "publish", "report", "replay",
                                     "import", "simulate", "check", "demo", "explain",
                                     "dashboards", "dead-letters", "compare",
                                     "scorecard"])  # fmt: skip
def test_every_command_explains_itself_with_an_example(ran, command):
    ended = ran(command, "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "Example:" in ended.out
    assert f"tower {command}" in ended.out


@pytest.mark.parametrize("command", ["worker", "check"])
def test_help_says_where_the_settings_of_kafka_are_explained(ran, command):
    said = " ".join(ran(command, "--help").out.split())
    assert "TOWER_KAFKA_* (TLS, logins), TOWER_RACK, TOWER_INSTANCE: docs/scaling.md." in said


def test_tower_alone_lists_its_commands(ran):
    for words in ((), ("--help",), ("help",)):
        ended = ran(*words)
        assert (ended.code, ended.err) == (0, "")
        assert "dead-letters" in ended.out
        assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_the_version_is_told(ran):
    ended = ran("--version")
    assert (ended.code, ended.out) == (0, f"tower {version('tower')}\n")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("NAMESPACE", "Bad name", "'Bad name' is not a small letter followed by"),
        ("INSTANCE", "a b", "'a b' is not 1 to 200 letters"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_words(ran, monkeypatch, setting, value, says):
    monkeypatch.setenv(f"TOWER_{setting}", value)
    ended = ran("report")
    assert ended.code == 1
    assert f"The setting TOWER_{setting} is wrong: {says}" in ended.err


def test_short_help_is_help(ran):
    assert ran("report", "-h").out == ran("report", "--help").out != ""
