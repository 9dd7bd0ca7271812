"""`tower scorecard`: the closed month, worked out by hand from a few orders.

Minutes count from Tuesday 2026-03-03 09:00 UTC. A window of every order of brisk ends at minute
180, 12:00. March 2026 ends on 2026-04-01T00:00Z; a day and 7 days later it is final.
"""

import csv
import io
import json
import re
from html.parser import HTMLParser
from random import Random

import pytest

from streams.feed import in_order_of_arrival
from streams.pacing import PublishOptions, schedule
from streams.rules import load
from streams.scorecard.folder import content_hash
from streams.scorecard.orders import as_csv
from tests import story as tell
from tests.domain.given import at
from tests.exporting.memory import Tower
from tests.story import story

FINAL = "2026-04-09T00:00:00Z"
WINDOW = {"window": (60, 180), "carrier": "brisk"}

EVENTS = (
    tell.promised(0, order="B-1", service="slot", **WINDOW),
    tell.delivered(170, order="B-1"),  # on time
    tell.promised(0, order="B-2", **WINDOW),
    tell.delivered(192, order="B-2"),  # 12 min late, nobody says why: the carrier
    tell.promised(0, order="B-3", **WINDOW),
    tell.out(60, order="B-3"),
    tell.failed(100, "not_home", order="B-3", event_id="nobody"),
    tell.out(1500, order="B-3"),
    tell.delivered(1560, order="B-3", event_id="tuesday"),  # late; first attempt in time
    tell.promised(0, order="R-1", direction="return", **WINDOW),
    tell.delivered(300, order="R-1"),
    tell.promised(0, order="C-1", window=(60, 180), carrier="calm"),
    tell.delivered(300, order="C-1"),
    tell.promised(0, order="=B-4", **WINDOW),  # nothing ever comes
)
# A courier said to have been at a door, whose positions of that day were elsewhere.
DOOR = {"lat": 52.5, "lon": 13.4}
AWAY = (
    tell.promised(0, order="B-5", destination=DOOR, **WINDOW),
    tell.out(60, order="B-5", courier_id="k-1"),
    tell.failed(100, "not_home", order="B-5", courier_id="k-1"),
    *(
        {
            "kind": "position_reported", "courier_id": "k-1", "carrier": "brisk",
            "source": "app", "event_id": f"fix-{minute}", "occurred_at": tell.moment(minute),
            "lat": 52.6, "lon": 13.4,
        }
        for minute in (98, 99, 101)
    ),
)  # fmt: skip


@pytest.fixture
def ran(tower, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "march.jsonl").write_bytes(b"\n".join(story(*EVENTS)))
    return tower


def made(ran, *more, file="march.jsonl", month="2026-03", carrier="brisk", into="card"):
    return ran(
        "scorecard", "--carrier", carrier, "--month", month, file, "--into", into,
        *(more or ("--as-of", FINAL)),
    )  # fmt: skip


def contents(folder):
    names = ("orders.csv", "scorecard.html", "scorecard.json")
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    return [(folder / name).read_bytes() for name in names]


def rows(folder):
    with (folder / "orders.csv").open(newline="") as file:
        return {row["order_id"]: row for row in csv.DictReader(file)}


def test_the_orders_of_the_month_with_both_verdicts_and_their_evidence(ran, tmp_path):
    ended = made(ran)
    assert (ended.code, ended.err) == (0, "")
    found = rows(tmp_path / "card")
    # returns and other carriers are not in it; a formula is made inert
    assert list(found) == ["'=B-4", "B-1", "B-2", "B-3"]
    one = found["B-1"]
    assert (one["outcome"], one["accountable"], one["lateness_seconds"]) == (
        "on_time", "on_time", "-600",
    )  # fmt: skip
    assert (one["service"], one["due_day"], one["life"]) == ("slot", "2026-03-03", "1")
    assert one["promise_end"] == "2026-03-03T12:00:00+00:00"
    assert one["fault"] == ""
    two = found["B-2"]
    assert (two["outcome"], two["accountable"], two["lateness_seconds"]) == (
        "late", "late", "720",
    )  # fmt: skip
    assert two["fault"] == "carrier"
    three = found["B-3"]
    # the customer was not at home inside the window: the carrier had come in time
    assert (three["outcome"], three["accountable"]) == ("late", "on_time")
    assert three["evidence"] == "carrier.hub/tuesday"
    assert three["accountable_evidence"] == "carrier.hub/nobody"
    assert (three["fault"], three["fault_evidence"]) == ("consignee", "carrier.hub/nobody")
    assert (three["first_attempt"], three["reason"], three["party"]) == (
        "failed", "not_home", "consignee",
    )  # fmt: skip
    never = found["'=B-4"]
    assert (never["outcome"], never["handover"], never["first_attempt"]) == ("late", "", "")


def test_the_numbers_are_those_of_the_orders(ran, tmp_path):
    made(ran)
    said = json.loads((tmp_path / "card/scorecard.json").read_text())
    found = rows(tmp_path / "card").values()
    assert (said["carrier"], said["month"], said["as_of"]) == ("brisk", "2026-03", FINAL)
    assert said["orders"] == said["kpi"]["orders"] == len(found) == 4
    raw, fair = said["kpi"]["delivery_time"], said["kpi"]["delivery_time"]["accountable"]
    for outcome in ("on_time", "early", "late", "failed", "indeterminate", "excluded"):
        assert raw[outcome] == sum(row["outcome"] == outcome for row in found)
        assert fair[outcome] == sum(row["accountable"] == outcome for row in found)
    assert (raw["accuracy"]["k"], fair["accuracy"]["k"]) == (1, 2)
    assert said["kpi"]["first_attempt"]["reasons"] == {"not_home": 1}
    assert said["by"]["service"]["slot"]["orders"] == 1
    assert said["by"]["service"]["unknown"]["orders"] == 3


def test_the_same_events_give_the_same_bytes_whenever_and_however_they_come(ran, tmp_path):
    made(ran)
    card = contents(tmp_path / "card")
    lines = story(*EVENTS)
    Random(7).shuffle(lines)  # noqa: S311 - another order of the file
    later = story(
        tell.feedback("2026-04-20T00:00:00Z", order="B-1", csat=1),
        tell.turned("returned", "2026-04-20T00:00:00Z", order="B-1"),
    )
    (tmp_path / "other.jsonl").write_bytes(b"\n".join([*lines, *lines[:3], *later]))
    made(ran, "--as-of", "2027-01-01T00:00:00Z", file="other.jsonl", into="other")
    again = contents(tmp_path / "other")
    assert again == card


def test_the_export_of_a_tower_gives_the_same_scorecard(ran, tmp_path):
    (tmp_path / "march.jsonl").write_bytes(b"\n".join(story(*EVENTS, *AWAY)))
    made(ran)
    assert rows(tmp_path / "card")["B-5"]["suspect"]
    later = tell.feedback("2026-04-20T00:00:00Z", order="B-1", csat=1)
    lines = story(*EVENTS, *AWAY, later)
    options = PublishOptions(tick_seconds=86_400, as_of=at("2026-05-01T00:00:00Z"))
    living = Tower(Random(3), load(None))  # noqa: S311
    living.live(schedule(in_order_of_arrival(lines), options))
    living.settle()
    living.export(tmp_path / "inbox.jsonl")
    ended = ran(
        "scorecard", "--carrier", "brisk", "--month", "2026-03", "inbox.jsonl",
        "--into", "exported",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    assert contents(tmp_path / "exported") == contents(tmp_path / "card")
    early = ran(
        "scorecard", "--carrier", "brisk", "--month", "2026-05", "inbox.jsonl", "--into", "x"
    )
    assert early.code == 1
    # May ends on June 1; the clock of the tower is the first of May
    assert "final from 2026-06-09T00:00:00Z on" in early.err
    assert "2026-05-01T00:00:00Z" in early.err


@pytest.mark.parametrize(
    ("month", "final"),
    [
        ("2026-03", FINAL),
        ("2026-02", "2026-03-09T00:00:00Z"),
        ("2025-12", "2026-01-09T00:00:00Z"),
    ],
)
def test_a_month_that_is_not_final_is_refused_with_its_day(ran, tmp_path, month, final):
    before = final.replace("T00:00:00Z", "T00:00:00+00:01")  # a minute before
    ended = made(ran, "--as-of", before, month=month)
    assert ended.code == 1
    assert ended.err.count("\n") == 1
    assert f"The month {month} of brisk is final from {final} on" in ended.err
    assert not (tmp_path / "card").exists()


def test_a_file_that_ends_too_early_is_refused_and_says_how_to_go_on(ran):
    ended = ran(
        "scorecard", "--carrier", "brisk", "--month", "2026-03", "march.jsonl", "--into", "card"
    )
    assert ended.code == 1
    assert "say --as-of INSTANT if the files are complete until then" in ended.err


def test_a_carriers_own_maturity_moves_the_day(ran, tmp_path):
    (tmp_path / "rules.yaml").write_text("schema: 1\ncarriers: {brisk: {maturity_days: 3}}\n")
    assert made(ran, "--rules", "rules.yaml", "--as-of", "2026-04-05T00:00:00Z").code == 0
    ended = made(ran, "--rules", "rules.yaml", "--as-of", "2026-04-04T23:59:59Z")
    assert "final from 2026-04-05T00:00:00Z on" in ended.err


def test_the_local_day_decides_the_month(ran, tmp_path):
    # 23:30 of March 31 in New York is April 1 in UTC
    events = story(tell.promised(
        0, instant="2026-04-01T03:30:00Z", timezone="America/New_York", carrier="brisk",
        order="N-1",
    ))  # fmt: skip
    (tmp_path / "late.jsonl").write_bytes(b"\n".join(events))
    made(ran, "--as-of", "2026-06-01T00:00:00Z", file="late.jsonl")
    assert rows(tmp_path / "card")["N-1"]["due_day"] == "2026-03-31"
    april = made(ran, "--as-of", "2026-06-01T00:00:00Z", file="late.jsonl", month="2026-04")
    assert "Nothing was promised for 2026-04 by brisk." in april.err


def test_what_was_received_after_maturity_does_not_count(ran, tmp_path):
    late = story(*EVENTS, tell.delivered(150, order="=B-4", observed=180 + 7 * 1440 + 1))
    (tmp_path / "late.jsonl").write_bytes(b"\n".join(late))
    made(ran, file="late.jsonl")
    row = rows(tmp_path / "card")["'=B-4"]
    assert (row["outcome"], row["handover"]) == ("late", "")
    said = json.loads((tmp_path / "card/scorecard.json").read_text())
    assert said["kpi"]["delivery_time"]["restated"]["on_time"] == 2


def test_a_check_passes_what_was_written_and_nothing_else(ran, tmp_path):
    ended = made(ran)
    found = re.search(r"sha256 ([0-9a-f]{64})\n", ended.out)[1]
    checked = ran("scorecard", "--check", "card")
    assert (checked.code, checked.err) == (0, "")
    assert found in checked.out
    card = tmp_path / "card"
    for name, was, becomes in (
        ("orders.csv", b",late,", b",on_time,"),
        ("scorecard.json", b'"late": 3', b'"late": 2'),
        ("scorecard.json", found[:8].encode(), b"00000000"),
    ):
        before = (card / name).read_bytes()
        assert was in before
        (card / name).write_bytes(before.replace(was, becomes, 1))
        wrong = ran("scorecard", "--check", "card")
        assert wrong.code == 1
        assert wrong.err.startswith("tower: card is not what was signed")
        (card / name).write_bytes(before)
    # written otherwise, the same content has the same hash
    said = json.loads((card / "scorecard.json").read_text())
    (card / "scorecard.json").write_text(json.dumps(said))
    assert ran("scorecard", "--check", "card").code == 0


def test_the_other_side_finds_the_same_from_its_own_events(ran, tmp_path):
    made(ran)
    as_of = ("--as-of", FINAL)
    assert ran("scorecard", "--check", "card", "march.jsonl", *as_of).code == 0
    (tmp_path / "less.jsonl").write_bytes(b"\n".join(story(*EVENTS[:1], *EVENTS[2:])))
    less = ran("scorecard", "--check", "card", "less.jsonl", *as_of)
    assert less.code == 1
    assert "The files give another scorecard" in less.err
    (tmp_path / "rules.yaml").write_text("schema: 1\ndefaults: {early_minutes: 5}\n")
    other = ran("scorecard", "--check", "card", "march.jsonl", *as_of, "--rules", "rules.yaml")
    assert other.code == 1
    assert "name their rules file with --rules" in other.err


def signed(numbers):
    """Return numbers with the hash that a folder with an empty orders.csv has."""
    return json.dumps(numbers | {"sha256": content_hash(numbers, b"")})


@pytest.mark.parametrize("files", ["", "march.jsonl"])
def test_a_check_says_that_the_page_is_not_part_of_it(ran, tmp_path, files):
    made(ran)
    (tmp_path / "card/scorecard.html").write_text("everything was on time")
    more = (files, "--as-of", FINAL) if files else ()
    ended = ran("scorecard", "--check", "card", *more)
    assert ended.code == 0
    assert "scorecard.html is made of them and was not checked" in ended.out


@pytest.mark.parametrize("name", ["orders.csv", "scorecard.json", "scorecard.html"])
def test_foreign_files_are_not_overwritten(ran, tmp_path, name):
    (tmp_path / "card").mkdir()
    (tmp_path / "card" / name).write_text("mine")
    ended = made(ran)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"tower: The scorecard would overwrite card/{name}, which is not of brisk 2026-03:"
        " name another folder.\n"
    )
    assert [path.read_text() for path in (tmp_path / "card").iterdir()] == ["mine"]


def test_another_carriers_scorecard_is_not_overwritten_its_own_is(ran, tmp_path):
    assert made(ran).code == 0
    card = contents(tmp_path / "card")
    other = made(ran, carrier="calm")
    assert other.code == 1
    assert "which is not of calm 2026-03" in other.err
    assert contents(tmp_path / "card") == card
    (tmp_path / "card/scorecard.html").unlink()
    assert made(ran).code == 0
    assert contents(tmp_path / "card") == card
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    assert made(ran, into="notes").code == 0
    assert (tmp_path / "notes/mine.txt").read_text() == "mine"


def test_a_file_of_no_events_is_said_to_be_that(ran, tmp_path):
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    ended = made(ran, file="table.csv")
    assert ended.code == 1
    assert ended.err.startswith(
        "tower: Nothing in table.csv is an event of the contract. 2 events read:"
    )


@pytest.mark.parametrize("month", ["9999-12", "0000-01", "2026-13", "2026-3", "1999-12", "x"])
def test_a_month_that_is_none_is_wrong_usage(ran, month):
    ended = made(ran, month=month)
    assert (ended.code, ended.out) == (2, "")
    assert f"'{month}' is no month" in ended.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--carrier b --month 2026-03 march.jsonl --into march.jsonl", "cannot be written"),
        ("--carrier nobody --month 2026-03 march.jsonl --into card", "some of brisk, calm."),
        ("--carrier brisk --month 2026-03 away.jsonl --into card", "could not be read"),
        ("--check nowhere", "nowhere is no scorecard"),
        ("--check odd", "it is not JSON"),
        ("--check other", "does not say whose it is"),
        ("--check list", "does not say whose it is"),
        ("--check far", "'9999-12' is no month"),
        ("--check deep", "it is not JSON"),
        ("--check surrogate", "its text is odd"),
    ],
)
def test_a_mistake_is_one_sentence(ran, tmp_path, words, says):
    whose = {"carrier": "brisk", "month": "2026-03", "rules": "r"}
    for name, text in (
        ("odd", "{"), ("other", "{}"), ("deep", "[" * 100_000),
        ("list", signed(whose | {"carrier": ["brisk"]})),
        ("far", signed(whose | {"month": "9999-12"})),
        ("surrogate", json.dumps(whose | {"carrier": "\ud800", "sha256": "x"})),
    ):  # fmt: skip
        (tmp_path / name).mkdir()
        (tmp_path / name / "scorecard.json").write_text(text)
        (tmp_path / name / "orders.csv").write_text("")
    more = () if "--check" in words else ("--as-of", FINAL)
    words = words.replace("--carrier b ", "--carrier brisk ")
    ended = ran("scorecard", *words.split(), *more)
    assert ended.code == 1, ended
    assert ended.err.startswith("tower: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


@pytest.mark.parametrize(
    "words", ["", "march.jsonl", "--check card --month 2026-03", "--carrier brisk march.jsonl"]
)
def test_wrong_usage_is_exit_2(ran, words):
    assert ran("scorecard", *words.split()).code == 2


def test_what_a_spreadsheet_would_run_is_text():
    line = {"order_id": "@SUM(A1)", "reason": "-x", "lateness_seconds": "-5"}
    written = next(csv.DictReader(io.StringIO(as_csv([line]))))
    assert written["order_id"] == "'@SUM(A1)"
    assert written["reason"] == "'-x"
    assert written["lateness_seconds"] == "-5"


class Page(HTMLParser):
    """What a page is made of: tags that must close, and their attributes."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_prints_needs_nothing_and_can_be_read_aloud(ran, tmp_path):
    evil = tell.promised(0, order="<script>alert(1)</script>", **WINDOW)
    (tmp_path / "evil.jsonl").write_bytes(b"\n".join(story(*EVENTS, evil)))
    made(ran, file="evil.jsonl")
    text = (tmp_path / "card/scorecard.html").read_text()
    page = Page(text)
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert "link" not in names
    assert not any({"src", "href", "style"} & attrs.keys() for _, attrs in page.tags)
    assert "url(" not in text
    assert "@media print" in text
    assert page.tags[0] == ("html", {"lang": "en"})
    assert names.count("h1") == names.count("main") == 1
    assert names.count("table") == names.count("caption")
    assert all("scope" in attrs for tag, attrs in page.tags if tag == "th")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {
        attrs["aria-labelledby"]
        for _, a in page.tags
        for attrs in [a]
        if "aria-labelledby" in a
    } <= set(ids)
    said = json.loads((tmp_path / "card/scorecard.json").read_text())
    words = " ".join(" ".join(page.words).split())
    assert said["sha256"] in words
    assert "carrier.hub/nobody" in words
    assert "4 of 5 orders; all of them are in orders.csv" in words
