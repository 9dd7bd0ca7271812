"""The protocol equals the batch oracle in every history, and each rule left out does not."""

import re
from pathlib import Path

import pytest

from .events import Copy, Event
from .mutants import MUTANTS
from .oracle import judge
from .world import World

HISTORIES = 150
BOUND = 400  # histories within which every mutant must have been caught


def test_the_full_protocol_equals_the_oracle():
    assert {seed: found for seed in range(HISTORIES) if (found := World(seed).run())} == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_full_protocol_equals_the_oracle_in_many_histories():
    seeds = range(10_000, 11_500)
    assert {seed: found for seed in seeds if (found := World(seed).run())} == {}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_without_a_rule_the_oracle_objects(mutant: str):
    assert any(World(seed, mutant).run() for seed in range(BOUND)), MUTANTS[mutant]


def test_the_protocol_page_knows_every_rule_and_what_it_is_worth():
    page = Path(__file__).parents[2].joinpath("docs", "protocol.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (\d+) \|$", page, re.MULTILINE)
    assert {mutant: rule for mutant, rule, _ in rows} == MUTANTS
    assert all(int(differ) > 0 for _, _, differ in rows)


def _copy(received: int, kind: str, at: int, text: str = "", number: int = 0) -> Copy:
    return Copy(received, Event(f"{kind}{at}", kind, at, text, number))


PROMISE = _copy(10, "promise", 10, "a", 50)  # frozen from 50 + 20 + 1 on, cell a/0


@pytest.mark.parametrize(
    ("received", "frozen"),
    [(70, "on_time"), (71, "late")],
    ids=["evidence of the last instant counts", "a moment later only restates"],
)
def test_a_verdict_freezes_on_what_was_received_up_to_maturity(received: int, frozen: str):
    cells, facts = judge({"o": [PROMISE, _copy(received, "done", 45)]}, 90)
    assert cells["a/0"]["r_on_time"] == 1
    assert cells["a/0"][frozen] == 1
    assert ("o", "frozen", 71, frozen, 0) in facts


def test_an_order_is_due_from_the_first_late_instant():
    assert "due" not in judge({"o": [PROMISE]}, 50)[0]["a/0"]
    assert judge({"o": [PROMISE]}, 51)[0]["a/0"]["late"] == 1


def test_evidence_beyond_the_next_cut_waits_for_the_clock():
    cells, _ = judge({"o": [PROMISE, _copy(71, "done", 45)]}, 60)
    assert cells["~parked"] == {"parked": 1}
    assert cells["a/0"]["late"] == 1


def test_a_promise_withdrawn_into_the_past_freezes_at_once():
    change = _copy(65, "change", 49, number=20)  # the end was 20: mature long ago
    _, facts = judge({"o": [PROMISE, change]}, 66)
    assert ("o", "frozen", 66, "late", 0) in facts


def test_an_ended_order_closes_and_its_stub_refuses_by_receive_order():
    done = _copy(48, "done", 48)  # frozen at 71, closed at 48 + 30 = 78
    scan = _copy(95, "scan", 95)
    copies = [PROMISE, done, scan]
    assert judge({"o": copies}, 95)[0]["~parked"] == {"parked": 1}
    cells, facts = judge({"o": copies}, 96)
    assert cells["~refused"] == {"order_closed": 1}
    assert ("o", "closed", 78) in facts
    reused = _copy(90, "promise", 90, "b", 130)  # 42 after the last life event
    cells, _ = judge({"o": [*copies, reused]}, 96)
    assert "~refused" not in cells
    assert cells["b/2"] | {"accepted": 2, "open": 1} == cells["b/2"]
    assert cells["a/0"]["orders"] == 1


def test_a_promise_after_the_gap_ends_a_living_order():
    late = _copy(50, "promise", 50, "b", 90)  # exactly 40 after the first
    assert judge({"o": [PROMISE, late]}, 50)[0]["a/0"]["open"] == 1
    cells, facts = judge({"o": [PROMISE, late]}, 51)
    assert cells["a/0"]["ended_silent"] == 1
    assert cells["a/0"]["late"] == 1  # 51 is past its end
    assert cells["b/1"]["open"] == 1
    assert ("o", "closed", 51) in facts
    early = late._replace(event=late.event._replace(at=49))
    assert "b/1" not in judge({"o": [PROMISE, early]}, 51)[0]


def test_the_least_copy_is_the_event():
    other = Copy(9, PROMISE.event._replace(number=70))
    cells, _ = judge({"o": [PROMISE, other]}, 20)
    assert cells == {
        "a/1": {"accepted": 1, "duplicate": 1, "conflict": 1, "orders": 1, "open": 1}
    }
