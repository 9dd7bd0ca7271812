"""Facts: each change is said once, under an id a crash repeats, with a growing revision."""

from typing import Any

from models.facts import FACT, Correction, DeliveryOutcome, EtaDeviation, Fact
from streams import topics
from tests.domain.given import DAYS, at, replayed
from tests.story import (
    changed,
    delivered,
    eta,
    failed,
    feedback,
    out,
    picked_up,
    promised,
    turned,
    withdrawn,
)

PROMISED = promised(0, window=(300, 540))


def facts(*events: dict[str, Any], **how: Any) -> list[Fact]:
    replay = replayed(*events, **how)
    return [
        FACT.validate_json(value)
        for topic, _, value in replay.out.messages
        if topic == topics.ORDER_FACTS and value is not None
    ]


def outcomes(*events: dict[str, Any], **how: Any) -> list[tuple[str | None, str, int]]:
    return [
        (each.previous, each.outcome, each.revision)
        for each in facts(*events, **how)
        if isinstance(each, DeliveryOutcome)
    ]


def test_an_outcome_is_said_when_the_deadline_passes():
    scan = delivered(400)
    assert outcomes(PROMISED, scan, as_of=540) == []
    (fact,) = (
        each for each in facts(PROMISED, scan, as_of=600) if isinstance(each, DeliveryOutcome)
    )
    assert fact == DeliveryOutcome(
        fact_id="A-1/1/outcome/1",
        order_id="A-1",
        carrier="nordpost",
        at=at(600),
        rules=fact.rules,
        service="unknown",
        outcome="on_time",
        previous=None,
        revision=1,
        deadline=at(540),
        handover=at(400),
        rule="handed over, promise of precision window",
        accountable="on_time",
        accountable_rule="handed over, promise of precision window",
        fault=None,
        evidence=(("carrier.hub", scan["event_id"]),),
    )


def test_an_accountable_outcome_that_changes_is_news_of_its_own():
    # Late in either view when the day ends; then a visit of that day becomes known, and then
    # that it was made 2 km away. The raw outcome stays as it was.
    door, far = {"lat": 52.52, "lon": 13.4}, {"lat": 52.54, "lon": 13.4}
    made = promised(0, window=(300, 540), destination=door)
    visit = failed(400, position=door, observed=600)
    other = failed(390, "weather", position=far, observed=700)
    found = [
        (each.fact_id, each.outcome, each.accountable, each.fault, each.evidence)
        for each in facts(made, visit, other)
        if isinstance(each, DeliveryOutcome)
    ]
    source = "carrier.hub"
    assert found == [
        ("A-1/1/outcome/1", "late", "late", "carrier", ()),
        ("A-1/1/outcome/2", "late", "on_time", "consignee", ((source, visit["event_id"]),)),
        ("A-1/1/outcome/3", "late", "late", "carrier", ((source, other["event_id"]),)),
    ]
    attempts = [
        (each.reason, each.suspect, each.revision)
        for each in facts(made, visit, other)
        if each.kind == "attempt_concluded"
    ]
    assert attempts == [("not_home", False, 1), ("weather", True, 2)]


def test_an_attempt_is_told_again_when_it_is_no_longer_believed():
    door, far = {"lat": 52.52, "lon": 13.4}, {"lat": 52.54, "lon": 13.4}
    found = [
        (each.reason, each.suspect, each.revision)
        for each in facts(
            promised(0, window=(300, 540)),
            failed(400, position=far),
            promised(10, window=(300, 540), destination=door, observed=500),
        )
        if each.kind == "attempt_concluded"
    ]
    assert found == [("not_home", False, 1), ("not_home", True, 2)]


def test_a_verdict_that_changes_is_said_again_with_what_it_was():
    scan = delivered(400, observed=900)
    assert outcomes(PROMISED, picked_up(9), scan, withdrawn(1_000, scan)) == [
        (None, "late", 1), ("late", "on_time", 2), ("on_time", "late", 3),
    ]  # fmt: skip


def test_what_does_not_change_is_not_repeated():
    assert outcomes(PROMISED, picked_up(9), eta(700, 800), feedback(900, csat=1)) == [
        (None, "late", 1)
    ]


def test_without_a_promise_or_an_order_nothing_is_said():
    assert facts(picked_up(0), turned("held", 9)) == []
    assert facts(feedback(0, csat=5), eta(0, 9)) == []


def test_a_promise_that_moves_on_takes_the_word_back_only_when_it_is_due():
    moved = changed(500, window=(900, 1_000), observed=700)
    assert outcomes(PROMISED, moved, delivered(950)) == [
        (None, "late", 1), ("late", "on_time", 2),
    ]  # fmt: skip


def test_first_attempts_are_told_as_they_turn_out():
    found = [
        (each.fact_id, each.succeeded, each.reason, each.implicit)
        for each in facts(PROMISED, out(240), failed(400), delivered(410), out(600))
        if each.kind == "attempt_concluded"
    ]
    assert found == [
        ("A-1/1/attempt/1", False, "not_home", False),
        ("A-1/1/attempt/2", True, None, False),
        ("A-1/1/attempt/3", False, "not_home", False),
    ]


def test_deviations_are_told_at_the_handover():
    (fact,) = (
        each
        for each in facts(PROMISED, eta(200, 390), delivered(400), delivered(500))
        if isinstance(each, EtaDeviation)
    )
    minutes = {name: value / 60_000 for name, value in fact.deviations.items()}
    assert minutes == {
        "promise": -20, "promise_window": 0, "t120": 10, "t60": 10, "t30": 10, "t15": 10,
    }  # fmt: skip


def test_a_later_life_has_ids_of_its_own():
    again = promised(100 * DAYS, window=(100 * DAYS + 60, 100 * DAYS + 120))
    found = facts(PROMISED, delivered(400), again, as_of=102 * DAYS)
    names = [each.fact_id for each in found if each.kind == "delivery_outcome"]
    assert names == ["A-1/1/outcome/1", "A-1/2/outcome/1"]


def test_what_comes_for_a_closed_order_is_kept_as_a_correction():
    late = feedback(40 * DAYS, csat=2)
    (fact,) = (
        each
        for each in facts(PROMISED, delivered(400), late, as_of=50 * DAYS)
        if isinstance(each, Correction)
    )
    assert fact.fact_id == f"A-1/correction/tower.page/{late['event_id']}/{at(40 * DAYS)}"
    assert '"csat":2' in fact.event


def test_the_same_events_say_the_same_facts():
    events = PROMISED, out(240), eta(250, 600), failed(400), delivered(700)
    once = facts(*events)
    assert once == facts(*events)
    names = [each.fact_id for each in once]
    assert len(set(names)) == len(names)
    assert {each.rules for each in once} == {replayed().judgement.id}
