"""What happened to a parcel is news once, while it is fresh, and of the kinds that are on.

Minutes after nine, as in `test_notices`.
"""

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.notices import LINES, NoticeCommand, NoticeSuperseded
from models.rules import NoticeKinds, Rules
from streams.domain.judgement import Judgement
from tests.domain.given import DAYS, arrivals, at
from tests.domain.test_notices import END, PROMISED, Desk
from tests.story import (
    asked,
    at_depot,
    changed,
    delivered,
    eta,
    failed,
    feedback,
    out,
    promised,
    turned,
    withdrawn,
)

ALL = Judgement(
    Rules.model_validate({"notices": {"kinds": dict.fromkeys(NoticeKinds.model_fields, True)}})
)


def told(*events: dict[str, Any], until: float = 2 * DAYS, judgement: Judgement = ALL) -> Any:
    return Desk(PROMISED, *events, judgement=judgement).wait(until)


def kinds(*events: dict[str, Any], **how: Any) -> list[str]:
    return [kind for kind, _ in told(*events, **how)]


def test_a_whole_life():
    found = told(out(200), eta(210, 500), failed(300), out(1_700), delivered(1_800))
    assert found == [
        ("out_for_delivery", 200), ("attempt_failed", 300),
        ("out_for_delivery", 1_700), ("delivered", 1_800), ("feedback_request", 1_860),
    ]  # fmt: skip


def test_by_default_only_what_the_customer_may_have_to_act_on():
    life = (out(200), failed(300), turned("available_for_pickup", 400), delivered(900))
    usual = Judgement(Rules())
    assert kinds(*life, judgement=usual) == ["attempt_failed", "available_for_pickup"]
    off = Judgement(Rules.model_validate({"notices": {"kinds": {"attempt_failed": False}}}))
    assert kinds(*life, judgement=off) == ["available_for_pickup"]


def test_near_is_a_quarter_of_an_hour_before_the_latest_eta_once_a_leg():
    assert told(out(200), eta(210, 300), until=400) == [
        ("out_for_delivery", 200), ("near", 285),
    ]  # fmt: skip
    # It moves away in time, and is near by the newer one only; not twice in the leg.
    moved = told(out(200), eta(210, 300), eta(280, 400), eta(390, 420), until=500)
    assert moved == [("out_for_delivery", 200), ("near", 385)]
    # An ETA that comes when its time has passed says nothing.
    assert kinds(out(200), eta(310, 305), until=400) == ["out_for_delivery"]


def test_nobody_is_near_who_is_not_out():
    assert kinds(eta(210, 300), until=400) == []
    assert kinds(out(200), at_depot(250), eta(260, 300), until=400) == ["out_for_delivery"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (failed(300, "not_home"), ["attempt_failed"]),
        (failed(300, "wrong_address_given"), ["action_needed"]),
        (turned("held", 300, reason="duties_unpaid"), ["action_needed"]),
        (turned("held", 300, reason="capacity"), []),
        (turned("held", 300), []),
        (turned("returning", 300, reason="refused"), []),  # nothing is left to do
    ],
)
def test_what_the_customer_can_do_something_about_is_called_so(event, expected):
    assert kinds(event, until=400) == expected


def test_the_reason_travels_and_one_that_is_no_code_is_unknown():
    desk = Desk(PROMISED, failed(300, "dog ate it"), judgement=ALL)
    assert [(each.cause, each.reason) for each in desk.commands] == [("happened", "unknown")]


def test_without_action_needed_a_failed_attempt_is_still_told():
    off = Judgement(Rules.model_validate({"notices": {"kinds": {"action_needed": False}}}))
    assert kinds(failed(300, "unpaid_cod"), judgement=off) == ["attempt_failed"]


def test_two_reports_of_one_visit_are_one_piece_of_news():
    assert kinds(failed(300), failed(320), until=400) == ["attempt_failed"]
    assert kinds(out(200), out(210), until=300) == ["out_for_delivery"]


def test_news_that_comes_ten_minutes_late_to_the_plan_is_none():
    for late, expected in ((10, 1), (10.1, 0)):
        desk = Desk(PROMISED, judgement=ALL)
        (arrived,) = arrivals(failed(300))
        desk.order.add(arrived)  # a backlog: nobody plans until it has been read
        desk.now = at(300 + late)
        desk._plan()
        assert len(desk.commands) == expected


def test_a_scan_that_comes_hours_after_it_happened_is_told_while_it_is_useful():
    for hours, expected in ((3, ["out_for_delivery"]), (5, [])):
        # Out for delivery is worth four hours, from when it happened.
        assert kinds(out(-100, observed=-100 + hours * 60), until=-99 + hours * 60) == expected


def test_an_order_without_a_promise_has_news_too():
    desk = Desk(promised(0, customer_id="C-7"), out(200), failed(300), judgement=ALL)
    assert [each.kind for each in desk.commands] == ["out_for_delivery", "attempt_failed"]
    assert desk.commands[0].promise_end is None


def test_what_goes_back_to_the_shop_is_no_news():
    back = promised(0, window=(300, 540), customer_id="C-7", direction="return")
    assert Desk(back, out(200), failed(300), judgement=ALL).wait(400) == []


def test_a_good_time_that_was_told_on_the_way_is_the_all_clear():
    desk = Desk(PROMISED, eta(100, 600), judgement=ALL)
    desk.wait(110)
    desk.settle()
    desk.tell(eta(195, 500))
    desk.tell(out(200))
    assert [kind for kind, _ in desk.wait(400)] == ["delay_predicted", "out_for_delivery"]


def test_feedback_is_asked_for_once_and_not_of_who_has_given_it():
    assert kinds(delivered(300)) == ["delivered", "feedback_request"]
    assert kinds(delivered(300), feedback(310, csat=5)) == ["delivered"]
    again = (delivered(300), out(500), delivered(600))
    assert kinds(*again).count("feedback_request") == 1
    assert kinds(turned("lost", 300)) == []


def test_what_an_end_was_told_by_is_taken_back_when_it_goes_on():
    desk = Desk(PROMISED, delivered(300), judgement=ALL)
    assert [each.kind for each in desk.commands] == ["delivered"]
    desk.tell(out(400))
    assert [each.kind for each in desk.commands[:2]] == ["delivered", "feedback_request"]
    assert isinstance(desk.asked[2], NoticeSuperseded)
    assert desk.asked[2].version == 2


def test_eight_is_the_most_in_all():
    days = range(0, 9 * DAYS, DAYS)
    visits = [each for day in days for each in (out(200 + day), failed(300 + day))]
    assert len(kinds(*visits, until=20 * DAYS)) == 8


def test_a_notice_is_worth_its_time():
    desk = Desk(PROMISED, out(200), eta(210, 300), failed(310), judgement=ALL)
    until = {each.kind: (each.expires_at - at(0)) / 60_000 for each in desk.commands}
    assert until == {
        "out_for_delivery": 200 + 4 * 60, "near": 300, "attempt_failed": 310 + 24 * 60,
    }  # fmt: skip


# -- whatever comes in whatever order ---------------------------------------------------------

MOVES = st.sampled_from(
    [
        *(partial(eta, expected=END + late) for late in (60, 200, -60)),
        *(
            partial(turned, kind)
            for kind in ("available_for_pickup", "cancelled", "lost", "held")
        ),
        *(partial(failed, reason=reason) for reason in ("not_home", "unpaid_cod", "refused")),
        *(out, at_depot, delivered, asked),
        partial(changed, window=(600, 800)),
        partial(feedback, csat=4),
    ]
)


@st.composite
def lives(draw: Any) -> list[dict[str, Any]]:
    minutes = sorted(draw(st.sets(st.integers(10, 900), max_size=14)))
    events = [draw(MOVES)(minute) for minute in minutes]
    if events and draw(st.integers(0, 4)) == 0:
        events.append(withdrawn(901, draw(st.sampled_from(events))))
    return [PROMISED, *events]


ENDS = {"delivered", "feedback_request"}


@settings(max_examples=200, deadline=None)
@given(events=lives(), wait=st.integers(0, 30))
def test_what_is_asked_is_true_when_it_is_asked_and_nothing_stays_asked_of_an_end(events, wait):
    desk = Desk(judgement=ALL)
    for event in events:
        before = len(desk.asked)
        was_open = desk.order.track.open
        desk.tell(event)
        for each in desk.asked[before:]:
            if isinstance(each, NoticeCommand):
                assert each.expires_at > each.decided_at
        # An end takes back, before anything else, all that was asked while it was open.
        if (
            was_open
            and not desk.order.track.open
            and any(isinstance(each, NoticeCommand) for each in desk.asked[:before])
        ):
            # What fell due in the same millisecond was asked before the end was known.
            news = desk.asked[before:]
            at = next(n for n, each in enumerate(news) if isinstance(each, NoticeSuperseded))
            assert ENDS.isdisjoint(each.kind for each in news[:at])
            assert ENDS.issuperset(each.kind for each in news[at + 1 :])
    desk.wait(900 + wait)
    assert desk.ledger.version == len(desk.commands) <= 8
    names = [each.notice_id for each in desk.commands]
    assert len(set(names)) == len(names)
    assert [each.version for each in desk.commands] == list(range(1, len(names) + 1))


def said(asked: list[Any]) -> list[NoticeCommand]:
    """Return what stands if all is read at once: later news of a line and ends take back."""
    standing: list[NoticeCommand] = []
    for each in asked:
        if isinstance(each, NoticeSuperseded):
            standing = []
        else:
            standing = [old for old in standing if each.kind not in LINES[old.kind]] + [each]
    return standing


@settings(max_examples=200, deadline=None)
@given(events=lives())
def test_what_stands_in_the_end_is_of_the_state_it_ended_in(events):
    desk = Desk(judgement=ALL)
    for event in events:
        desk.tell(event)
    left = {each.kind for each in said(desk.asked)}
    if desk.order.track.open:
        assert left.isdisjoint(ENDS)
    else:
        assert left <= ENDS
        assert not left or desk.order.track.handover is not None
