"""`tower compare`: what differs between reports, and what other rules change, by hand.

Minutes count from Tuesday 2026-03-03 09:00 UTC. Window of every order: minute 60 to 180.
"""

import json
import sys
from typing import NamedTuple

import pytest

from streams.cli.main import main
from streams.comparing import differences, fields
from tests import story as tell
from tests.domain.given import report
from tests.story import story


class Ended(NamedTuple):
    code: int
    out: str
    err: str


WINDOW = {"window": (60, 180), "carrier": "brisk"}
# B-1 comes 4 min late, B-2 9, B-3 in time; C-1 of another carrier 4 min late
EVENTS = (
    tell.promised(0, order="B-1", **WINDOW),
    tell.promised(0, order="B-2", **WINDOW),
    tell.promised(0, order="B-3", **WINDOW),
    tell.promised(0, order="C-1", window=(60, 180), carrier="calm"),
    tell.delivered(170, order="B-3"),
    tell.delivered(184, order="B-1"),
    tell.delivered(184, order="C-1"),
    tell.delivered(189, order="B-2"),
)
LENIENT = "schema: 1\ncarriers: {brisk: {grace_minutes: {window: 5, instant: 15, date: 0}}}\n"


@pytest.fixture
def ran(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "day.jsonl").write_bytes(b"\n".join(story(*EVENTS)))
    (tmp_path / "lenient.yaml").write_text(LENIENT)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["tower", *words])
        try:
            main()
            code = 0
        except SystemExit as error:
            code = error.code or 0
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return run


def written(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def test_equal_reports_are_exit_0_whatever_they_are_named(ran, tmp_path):
    one = report(*EVENTS)
    other = one | {"rules": "another", "as_of": "2027-01-01T00:00:00.000Z"}
    a, b = written(tmp_path / "a.json", one), written(tmp_path / "b.json", other)
    ended = ran("compare", a, b)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.endswith("Nothing differs.\n")
    assert "B  as of 2027-01-01T00:00:00.000Z, rules another" in ended.out
    assert json.loads(ran("compare", a, b, "--json").out)["differences"] == []


def test_reports_that_differ_are_exit_1_and_say_every_field(ran, tmp_path):
    one, other = report(*EVENTS[:4], EVENTS[4]), report(*EVENTS[:4])
    a, b = written(tmp_path / "a.json", one), written(tmp_path / "b.json", other)
    ended = ran("compare", a, b, "--json")
    assert ended.code == 1
    said = json.loads(ended.out)
    by_path = {tuple(each["path"]): each for each in said["differences"]}
    # B-3 is on time in A; in B nothing says so, and it is late
    assert by_path["total", "delivery_time", "on_time"] == {
        "path": ["total", "delivery_time", "on_time"], "a": 1, "b": 0, "change": -1,
    }  # fmt: skip
    accuracy = by_path["carriers", "brisk", "delivery_time", "accuracy"]
    assert (accuracy["a"]["k"], accuracy["a"]["n"], accuracy["b"]["k"]) == (1, 3, 0)
    assert accuracy["change"] == pytest.approx(-1 / 3)
    assert not any(path[:2] == ("carriers", "calm") for path in by_path)
    assert said["carriers"]["calm"]["due"] == {"a": 1, "b": 1}
    assert ended.err == f"tower: {len(by_path)} fields of the report differ.\n"
    assert next(iter(by_path))[0] == "total"


def test_what_one_side_does_not_have_is_absent_and_not_null(ran, tmp_path):
    one = report(*EVENTS)
    other = json.loads(json.dumps(one))
    del other["carriers"]["calm"]
    found = differences(one, other)
    assert found
    assert all(each["path"][:2] == ["carriers", "calm"] for each in found)
    assert all("a" in each and "b" not in each for each in found)
    a, b = written(tmp_path / "a.json", one), written(tmp_path / "b.json", other)
    assert "absent" in ran("compare", a, b).out
    # the line shown is the first of many, and says so
    assert f"and {len(found) - 1} more;" in ran("compare", a, b, "--first", "1").out


def test_a_ratio_is_one_field_and_carriers_may_have_dots(ran):
    part = {
        "a.b": {"r": {"value": 0.5, "k": 1, "n": 2, "low": 0.1, "high": 0.9}, "x": {"y": 2}}
    }
    assert [path for path, _ in fields(part)] == [("a.b", "r"), ("a.b", "x", "y")]


def test_fields_that_may_differ_can_be_left_out(ran, tmp_path):
    one = report(*EVENTS)
    other = json.loads(json.dumps(one))
    other["total"]["notices"]["requested"] = 7
    a, b = written(tmp_path / "a.json", one), written(tmp_path / "b.json", other)
    assert ran("compare", a, b).code == 1
    assert ran("compare", a, b, "--ignore", "notices").code == 0
    assert ran("compare", a, b, "--ignore", "notices.requested").code == 0
    assert ran("compare", a, b, "--ignore", "notices.sent").code == 1


def test_other_rules_turn_the_orders_they_turn(ran):
    ended = ran(
        "compare", "--rules", "shipped", "lenient.yaml", "day.jsonl", "--json",
        "--as-of", "2026-03-04T00:00:00Z",
    )  # fmt: skip
    assert ended.code == 1
    said = json.loads(ended.out)
    # 5 minutes of grace for brisk: B-1 (4 min late) turns, B-2 (9) and calm's C-1 do not
    turned = [{"from": "late", "to": "on_time", "orders": 1, "first": ["B-1"]}]
    assert said["orders"]["delivery_time"] == said["orders"]["restated"] == turned
    assert said["orders"]["first_attempt"] == []
    on_time = said["carriers"]["brisk"]["on_time"]
    assert [on_time[side]["k"] for side in "ab"] == [1, 2]
    assert [on_time[side]["n"] for side in "ab"] == [3, 3]
    assert said["carriers"]["calm"]["on_time"]["a"] == said["carriers"]["calm"]["on_time"]["b"]
    assert said["a"]["rules"] != said["b"]["rules"]
    assert "delivery_time of 1 orders" in ended.err


def test_other_rules_as_a_table(ran):
    ended = ran("compare", "--rules", "shipped", "lenient.yaml", "day.jsonl")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "late on time 1 B-1" in lines
    assert "on time 33.3 % (1 of 3) 66.7 % (2 of 3) +33.3 points" in lines


def test_rules_that_change_nothing_here_are_exit_0(ran, tmp_path):
    (tmp_path / "same.yaml").write_text(
        "schema: 1\ncarriers: {nobody: {grace_minutes: {window: 5, instant: 15, date: 0}}}\n"
    )
    ended = ran("compare", "day.jsonl", "--rules", "shipped", "same.yaml")
    assert (ended.code, ended.err) == (0, "")


def test_an_order_that_ended_long_ago_is_compared_too(ran, tmp_path):
    # 37 days after the handover its row is closed; the verdict of each side is still told
    ended = ran(
        "compare", "--rules", "shipped", "lenient.yaml", "day.jsonl", "--json",
        "--as-of", "2026-06-01T00:00:00Z",
    )  # fmt: skip
    turned = [{"from": "late", "to": "on_time", "orders": 1, "first": ["B-1"]}]
    assert json.loads(ended.out)["orders"]["delivery_time"] == turned


def test_service_levels_and_what_the_carrier_answers_for_are_asked_too(ran, tmp_path):
    # B-1 comes 184 min after its promise: within 4 hours, not within 3
    for name, hours in (("a.yaml", 4), ("b.yaml", 3)):
        said = {"name": "fast", "carrier": "brisk", "metric": "handover", "view": "raw"}
        level = said | {"target": {"hours": hours}}
        (tmp_path / name).write_text(json.dumps({"schema": 1, "sla": [level]}))  # is YAML too
    found = ran("compare", "--rules", "a.yaml", "b.yaml", "day.jsonl", "--json")
    said = json.loads(found.out)
    # promised at 0; B-1 at 184 and B-2 at 189 break three hours, B-3 at 170 does not
    assert said["orders"]["sla"] == [
        {"from": "0", "to": "1", "orders": 2, "first": ["B-1", "B-2"]}
    ]
    assert said["total"]["sla_breached"] == {"a": 0, "b": 2}
    lenient = ran("compare", "--rules", "shipped", "lenient.yaml", "day.jsonl", "--json")
    assert json.loads(lenient.out)["orders"]["accountable"] == [
        {"from": "late", "to": "on_time", "orders": 1, "first": ["B-1"]}
    ]


def test_longer_grace_asks_for_fewer_notices(ran, tmp_path):
    late = (
        tell.promised(0, order="D-1", **WINDOW), tell.out(60, order="D-1"),
        tell.eta(70, 196, order="D-1"), tell.delivered(195, order="D-1"),
    )  # fmt: skip
    (tmp_path / "day.jsonl").write_bytes(b"\n".join(story(*late)))
    (tmp_path / "b.yaml").write_text(
        "schema: 1\ncarriers: {brisk: {grace_minutes: {window: 30, instant: 15, date: 0}}}\n"
    )
    found = ran("compare", "--rules", "shipped", "b.yaml", "day.jsonl", "--json")
    # 16 min beyond the last good moment, held 10 min, is told; 14 min before it is not
    assert json.loads(found.out)["orders"]["notices"] == [
        {"from": "1", "to": "0", "orders": 1, "first": ["D-1"]}
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a.json missing.json", "missing.json could not be read"),
        ("a.json day.jsonl", "day.jsonl is no report"),
        ("a.json lenient.yaml", "lenient.yaml is no report: it is not JSON"),
        ("--rules shipped missing.yaml day.jsonl", "missing.yaml could not be read"),
        ("--rules shipped lenient.yaml a.json", "is an event of the contract"),
    ],
)
def test_a_mistake_is_one_sentence(ran, tmp_path, words, says):
    written(tmp_path / "a.json", report(*EVENTS))
    ended = ran("compare", *words.split())
    assert ended.code == 1
    assert ended.err.startswith("tower: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


def test_lists_beside_the_kpis_are_compared_too(ran, tmp_path):
    one = report(*EVENTS) | {"couriers": {"calm": {"ranking": [1]}}}
    other = one | {"couriers": {"calm": {"ranking": [1, 2]}}}
    a, b = written(tmp_path / "a.json", one), written(tmp_path / "b.json", other)
    ended = ran("compare", a, b)
    assert ended.err == "tower: 1 fields of the report differ.\n"
    line = next(each for each in ended.out.splitlines() if "ranking" in each)
    assert line.split() == ["couriers.calm.ranking", "list", "of", "1", "list", "of", "2"]


RATIO = {"value": 0.5, "k": 1, "n": 2, "low": 0.1, "high": 0.9}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("total", "orders"), "many", "total.orders is no number or share"),
        (("total", "orders"), True, "total.orders is no number or share"),
        (("total", "orders"), [1], "total.orders is no number or share"),
        (("total",), [1], "total holds no names and values"),
        (("carriers",), [1], "carriers holds no names and values"),
        (("carriers", "calm"), 5, "carriers.calm holds no names and values"),
        (
            ("total", "delivery_time", "accuracy"),
            {"value": 0.5},
            "total.delivery_time.accuracy is no number or share",
        ),
        (
            ("carriers", "calm", "first_attempt", "success"),
            RATIO | {"value": None},
            "carriers.calm.first_attempt.success is no number or share",
        ),
        (("total", "late"), RATIO | {"n": "2"}, "total.late is no number or share"),
        (("as_of",), 5, "as_of is no text"),
        (("rules",), None, "rules is no text"),
        (("schema",), 9, "its schema is 9, not 1"),
    ],
)
def test_a_report_that_is_malformed_is_refused_in_a_sentence(ran, tmp_path, path, value, says):
    good = report(*EVENTS)
    odd = json.loads(json.dumps(good))
    part = odd
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    a, b = written(tmp_path / "a.json", good), written(tmp_path / "b.json", odd)
    for files in ((a, b), (b, a), (b, b)):
        ended = ran("compare", *files)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            f"tower: The file {b} is no report that can be compared: {says}.\n"
        )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_finite_number_is_in_no_report(ran, tmp_path, number):
    text = json.dumps(report(*EVENTS) | {"more": {"x": "here"}}).replace('"here"', number)
    (tmp_path / "a.json").write_text(text)
    ended = ran("compare", "a.json", "a.json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "tower: The file a.json is no report that can be compared: more.x is no number or"
        " share.\n"
    )


def test_a_file_of_brackets_is_no_report(ran, tmp_path):
    (tmp_path / "a.json").write_text("[" * 100_000)
    ended = ran("compare", "a.json", "a.json")
    assert ended.err == "tower: The file a.json is no report: it is not JSON.\n"


@pytest.mark.parametrize("words", ["a.json", "a b c", "a b --as-of 2026-01-01T00:00:00Z"])
def test_wrong_usage_is_exit_2(ran, words):
    assert ran("compare", *words.split()).code == 2
