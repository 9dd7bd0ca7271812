"""The verdict of a run sees what it is to see: each thing that is wrong, and nothing else."""

import json
from collections import Counter
from pathlib import Path

import pytest

from models.letters import DeadLetter, Reason
from tests import story
from tests.crash.oracle import Told, expect, last_words
from tests.crash.plan import plan_of
from tests.crash.run import Outcome
from tests.crash.verdict import (
    SOURCES,
    Facts,
    Topics,
    findings_of_last_words,
    findings_of_letters,
    findings_of_progress,
)

LOG = "order-log"


def fact(id_: str, **fields: object) -> bytes:
    return json.dumps({"fact_id": id_, "kind": "delivery_outcome"} | fields).encode()


def told(*bodies: bytes) -> Told:
    made = Told()
    for body in bodies:
        made.add(body)
    return made


def letter(offset: int, raw: bytes, detail: str = "") -> bytes:
    made = DeadLetter(
        reason=Reason.BAD_JSON, detail=detail, topic="order-events", partition=1,
        offset=offset, received_at=0, raw=raw,
    )  # fmt: skip
    return made.model_dump_json().encode()


def test_facts_are_lost_foreign_repeated_or_contradicted() -> None:
    a, b, c, d = (fact(id_, outcome="late") for id_ in "abcd")
    other = fact("b", outcome="on_time")
    wanted = {"a": a, "b": b, "c": c}
    found = Facts.compared(told(a, b, a, other, d), wanted)
    assert found == Facts(lost=["c"], foreign=["d"], repeated=["a", "b"], contradicted=["b"])
    assert Facts.compared(told(c, b, a, a), wanted) == Facts([], [], ["a"], [])


def test_only_a_repeat_alike_is_no_finding() -> None:
    outcome = Outcome(plan_of(1, ["kill"]))
    outcome.facts = Facts(lost=[], foreign=[], repeated=["a"], contradicted=[])
    assert outcome.findings == []
    outcome.kpi = ["total/orders: live 1, replayed 2"]
    outcome.facts = Facts(lost=["c"], foreign=["d"], repeated=["a"], contradicted=["b"])
    assert [each.split(":")[0] for each in outcome.findings] == [
        "KPI total/orders", "a lost fact", "a fact of nothing", "a fact told in two ways",
    ]  # fmt: skip


def test_the_last_word_about_a_subject_counts() -> None:
    said = [
        fact("A-1/1/outcome/1", outcome="on_time"),
        fact("A-1/1/outcome/2", outcome="late"),
        fact("A-1/1/deviation/1", kind="eta_deviation", deviations={"ofd": 3}),
        fact("A-1/1/notice/n/sent", kind="notice_settled"),
    ]
    late = {("A-1/1/outcome", "delivery_outcome"): ("late",)}
    both = late | {("A-1/1/deviation", "eta_deviation"): ()}
    assert last_words(said) == both
    assert findings_of_last_words(said, both) == []
    assert findings_of_last_words(said, late) == []  # of the deviation nothing is left
    [wrong] = findings_of_last_words(said[:1] + said[2:], both)
    assert "told ('on_time',), replayed ('late',)" in wrong
    [wrong] = findings_of_last_words(said[:2], both)
    assert "told None, replayed ()" in wrong


def test_what_is_true_in_the_end_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "feed.jsonl"
    lines = story.story(
        story.promised(0, window=(60, 180), order="late"),
        story.out(60, order="late"),
        story.delivered(190, order="late"),
        story.promised(0, window=(60, 180), order="good"),
        story.out(61, order="good"),
        story.failed(145, order="good", reason="not_home"),  # they came back within the visit
        story.delivered(150, order="good"),
        story.promised(0, window=(60, 900), order="coming"),
    )
    file.write_bytes(b"".join(line + b"\n" for line in [*lines, b"{"]))
    expected = expect(file)
    assert expected.lines == 9
    assert expected.letters == Counter({("order-events", "bad_json", b"{"): 1})
    assert expected.verdicts == {
        ("late/1/outcome", "delivery_outcome"): ("late",),
        ("good/1/outcome", "delivery_outcome"): ("on_time",),
        **{(f"{one}/1/attempt", "attempt_concluded"): (True, None) for one in ("late", "good")},
        **{(f"{one}/1/deviation", "eta_deviation"): () for one in ("late", "good")},
    }


def test_letters_are_the_ones_of_the_file() -> None:
    wanted = Counter({("order-events", "bad_json", b"{"): 2})
    place, other = b"order-events/1/7", b"order-events/1/9"
    good = {place: {letter(7, b"{"): 3}, other: {letter(9, b"{"): 1}}
    assert findings_of_letters(good, wanted) == []
    [missing] = findings_of_letters({place: good[place]}, wanted)
    assert missing.startswith("no letter: order-events bad_json")
    [foreign] = findings_of_letters(good | {b"order-events/1/8": {letter(8, b"x"): 1}}, wanted)
    assert foreign.startswith("a letter for nothing: ")
    two = {place: {letter(7, b"{"): 1, letter(7, b"{", "again"): 1}, other: good[other]}
    assert findings_of_letters(two, wanted) == ["two letters of order-events/1/7 differ"]
    [elsewhere] = findings_of_letters({place: {letter(8, b"{"): 1}, other: good[other]}, wanted)
    assert elsewhere == "the letter of order-events/1/7 says another place"


def at(committed: int, row: int, end: int = 10, policy: str = "compact") -> Topics:
    place = (LOG, 0)
    return Topics(
        ends={place: end}, committed={place: committed}, applied={place: row},
        cleanup={SOURCES[LOG]: policy},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "underway", "ended"),
    [
        (at(10, 9), 0, 0),
        (at(8, 9), 0, 1),  # not yet committed
        (at(9, 7), 1, 2),  # committed beyond its partition row
        (at(10, 9, end=11), 0, 1),
        (at(10, 9, policy="delete"), 0, 1),
        (Topics(ends={(LOG, 0): 1}), 0, 1),
    ],
)
def test_commits_follow_partition_rows_and_reach_the_end(
    found: Topics, underway: int, ended: int
) -> None:
    assert len(findings_of_progress(found, ended=False)) == underway
    assert len(findings_of_progress(found, ended=True)) == ended
