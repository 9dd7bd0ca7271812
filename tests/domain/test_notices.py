"""When a customer is told: thresholds, holds, cooldown, cap, silence; and what never happens.

Minutes after nine; the promise is the window 14:00 to 18:00, so that an ETA of 18:15 (minute
555) is the first that is late enough, and one before 18:05 (545) good enough again.
"""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.notices import NoticeCommand, NoticeReceipt
from models.rules import Rules
from streams import topics
from streams.domain import notices
from streams.domain.contribution import contribution
from streams.domain.judgement import Judgement
from streams.domain.ledger import Ledger, settle
from streams.domain.order import NEVER, Order
from streams.domain.prediction import look
from tests.domain.given import DAYS, JUDGEMENT, MS, arrivals, at, replayed
from tests.story import (
    changed,
    delivered,
    eta,
    in_transit,
    out,
    picked_up,
    promised,
    turned,
    withdrawn,
)

PROMISED = promised(0, window=(300, 540), customer_id="C-7", timezone="Europe/Berlin")
END = 540


class Desk:
    """One order and its ledger, looked at as the fold looks: at events and when due."""

    def __init__(self, *events: dict[str, Any], judgement: Judgement = JUDGEMENT) -> None:
        self.order = Order(judgement)
        self.ledger = Ledger()
        self.commands: list[NoticeCommand] = []
        self.asked: list[notices.Asked] = []
        self.now = at(-600)
        for event in events:
            self.tell(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Let an event arrive when it happens."""
        (arrived,) = arrivals(event)
        self._wait_until(arrived.received_at)  # what falls due then comes first
        self.now = arrived.received_at
        self.order.add(arrived)
        self._plan()

    def wait(self, until: float) -> list[tuple[str, float]]:
        """Let time pass; return what was asked for so far, with the minute of each."""
        self._wait_until(at(until))
        return [(each.kind, (each.decided_at - at(0)) / 60_000) for each in self.commands]

    def settle(self, result: str = "sent", which: int = -1) -> None:
        """Let the dispatcher report what became of a notice."""
        command = self.commands[which]
        receipt = NoticeReceipt(
            notice_id=command.notice_id, order_id="A-1", kind=command.kind,
            version=command.version, result=result, eta=command.eta, at=self.now,
        )  # fmt: skip
        assert settle(self.ledger, receipt)
        self._plan()

    def _wait_until(self, until: int) -> None:
        while (due := notices.next_look(self.ledger, self.order, self.now)) <= until:
            assert due > self.now
            self.now = due
            self._plan()
        self.now = max(self.now, until)

    def _plan(self) -> None:
        asked = notices.plan(self.ledger, self.order, "A-1", self.now)
        self.asked += asked
        self.commands += [each for each in asked if isinstance(each, NoticeCommand)]


def on_the_way(*events: dict[str, Any]) -> Desk:
    return Desk(PROMISED, out(200), *events)


@pytest.mark.parametrize(
    ("expected", "told"),
    [(555, [("delay_predicted", 260)]), (555 - MS, []), (545, []), (500, [])],
)
def test_enter_at_a_quarter_of_an_hour_and_hold_for_ten_minutes(expected, told):
    assert on_the_way(eta(250, expected)).wait(END) == told


def test_what_is_good_again_within_the_hold_is_never_told():
    desk = on_the_way(eta(250, 600), eta(259, 544))
    assert desk.wait(END) == []


def test_between_the_thresholds_the_hold_goes_on():
    desk = on_the_way(eta(250, 600), eta(255, 545))  # five minutes late: not below `leave`
    assert desk.wait(END) == [("delay_predicted", 260)]


def test_a_hold_that_was_left_begins_anew():
    desk = on_the_way(eta(250, 600), eta(255, 500), eta(258, 600))
    assert desk.wait(END) == [("delay_predicted", 268)]


@pytest.mark.parametrize(("said_at", "told"), [(530, 1), (530 + 2 * MS, 0)])
def test_the_first_notice_comes_before_the_deadline_or_not_at_all(said_at, told):
    # Held for ten minutes; the window ends at minute 540, late from a millisecond after.
    assert len(on_the_way(eta(said_at, 700)).wait(900)) == told


@pytest.mark.parametrize(("worse", "told"), [(615, 2), (615 - MS, 1)])
def test_worse_is_a_quarter_of_an_hour_beyond_what_was_told(worse, told):
    desk = on_the_way(eta(250, 600), eta(300, worse))
    assert len(desk.wait(END)) == told


def test_worse_waits_for_the_cooldown():
    desk = on_the_way(eta(250, 600), eta(265, 640))
    assert desk.wait(END) == [("delay_predicted", 260), ("delay_worse", 290)]


def test_small_steps_add_up_against_what_was_told():
    desk = on_the_way(eta(250, 600), eta(300, 608), eta(310, 616))
    assert desk.wait(END)[1:] == [("delay_worse", 310)]


def test_cleared_after_ten_good_minutes_and_only_if_the_delay_was_delivered():
    desk = on_the_way(eta(250, 600))
    desk.wait(270)
    desk.settle()
    desk.tell(eta(300, 544))
    assert desk.wait(END)[1:] == [("delay_cleared", 310)]

    silent = on_the_way(eta(250, 600))
    silent.wait(270)
    silent.settle("failed")
    silent.tell(eta(300, 544))
    assert len(silent.wait(END)) == 1


def test_a_receipt_that_comes_late_lets_the_all_clear_out():
    desk = on_the_way(eta(250, 600), eta(300, 544))
    assert len(desk.wait(350)) == 1
    desk.settle()
    assert desk.wait(350)[1:] == [("delay_cleared", 350)]


def test_not_cleared_while_it_wavers():
    desk = on_the_way(eta(250, 600))
    desk.wait(270)
    desk.settle()
    desk.tell(eta(300, 544))
    desk.tell(eta(305, 550))
    desk.tell(eta(306, 544))
    assert desk.wait(END)[1:] == [("delay_cleared", 316)]


def test_nothing_is_cleared_after_the_deadline():
    # Four minutes late is within `leave`, and late all the same once the window has passed.
    desk = on_the_way(eta(450, 600))
    desk.wait(470)
    desk.settle()
    desk.tell(eta(535, 544))
    assert len(desk.wait(700)) == 1


def test_late_again_after_an_all_clear_waits_for_the_cooldown_and_is_told():
    desk = on_the_way(eta(250, 600))
    desk.wait(270)
    desk.settle()
    desk.tell(eta(300, 500))
    desk.tell(eta(312, 620))  # cleared at 310: hold until 322, cooldown until 340
    assert desk.wait(END) == [
        ("delay_predicted", 260), ("delay_cleared", 310), ("delay_predicted", 340),
    ]  # fmt: skip


def test_three_is_the_most():
    etas = [eta(250 + 40 * step, 600 + 30 * step) for step in range(7)]
    kinds = [kind for kind, _ in on_the_way(*etas).wait(900)]
    assert kinds == ["delay_predicted", "delay_worse", "delay_worse"]


def test_an_eta_that_falls_away_takes_its_hold_with_it():
    desk = on_the_way(eta(250, 600), changed(255, window=(900, 1_000)))
    assert desk.wait(890) == []


def test_an_eta_that_was_withdrawn_does_too():
    said = eta(250, 600)
    assert on_the_way(said, withdrawn(255, said)).wait(END) == []


def test_a_moved_promise_is_what_the_eta_is_held_against():
    desk = on_the_way(changed(240, window=(900, 1_000)), eta(250, 1_010))
    assert desk.wait(1_200) == []
    assert on_the_way(changed(240, window=(900, 1_000)), eta(250, 1_015)).wait(1_200) == [
        ("delay_predicted", 260)
    ]


def test_an_eta_from_a_clock_ahead_is_looked_at_when_it_is_in_force():
    desk = Desk(PROMISED, out(200))
    (arrived,) = arrivals(eta(251, 600, observed=250))
    desk.order.add(arrived)
    desk.now = at(250)
    desk._plan()
    assert desk.wait(END) == [("delay_predicted", 261)]


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (promised(0, window=(300, 540)), 480),
        (promised(0, instant=540), 480),
        # Noon in Berlin of the promised day is 11:00 UTC, in Tokyo 03:00 UTC.
        (promised(-540, date=180, timezone="Europe/Berlin"), 120),
        (promised(-540, date=180, timezone="Asia/Tokyo"), -360),
        (promised(-540, date="2026-03-03T12:00:00-05:00"), 480),  # as written: 17:00 UTC
    ],
)
def test_silence_is_a_delay_an_hour_before_the_end_or_at_local_noon(order, told):
    desk = Desk(order)
    assert desk.wait(told - MS) == []
    assert desk.wait(2_000) == [("delay_predicted", told)]
    assert desk.commands[0].cause == "silent"
    assert desk.commands[0].eta is None


def test_whoever_touched_the_parcel_broke_the_silence():
    assert Desk(PROMISED, picked_up(479)).wait(2_000) == []
    assert Desk(PROMISED, picked_up(480)).wait(2_000) == [("delay_predicted", 480)]


def test_words_do_not_break_the_silence_and_an_eta_is_better_than_guessing():
    moved = changed(100, window=(300, 540), by="carrier")
    assert Desk(PROMISED, moved).wait(2_000) == [("delay_predicted", 480)]
    assert Desk(PROMISED, eta(100, 500)).wait(2_000) == []


def test_after_silence_the_first_late_eta_is_news():
    desk = Desk(PROMISED, eta(515, 600))
    assert desk.wait(2_000) == [("delay_predicted", 480), ("delay_worse", 515)]
    assert [each.eta for each in desk.commands] == [None, at(600)]


@pytest.mark.parametrize(
    "ending",
    [delivered(255), turned("cancelled", 255), turned("lost", 255), turned("returning", 255)],
)
def test_an_order_that_has_ended_is_not_spoken_of(ending):
    assert on_the_way(eta(250, 600), ending).wait(END) == []


def test_without_a_promise_there_is_no_delay():
    assert Desk(promised(0), picked_up(10), eta(20, 900)).wait(3_000) == []
    assert notices.next_look(Ledger(), Desk(promised(0)).order, 0) == NEVER


def test_what_a_command_says():
    desk = on_the_way(eta(250, 600))
    desk.wait(300)
    (command,) = desk.commands
    assert command == NoticeCommand(
        notice_id="A-1/1/delay_predicted/1",
        order_id="A-1",
        kind="delay_predicted",
        version=1,
        cause="eta_after_promise",
        carrier="nordpost",
        customer_id="C-7",
        timezone="Europe/Berlin",
        promise_start=at(300),
        promise_end=at(540),
        eta=at(600),
        decided_at=at(260),
        expires_at=at(320),
    )


def test_a_command_expires_with_the_eta_it_speaks_of():
    desk = on_the_way(eta(520, 556))
    desk.wait(540)
    assert desk.commands[0].expires_at == at(556)
    # At least a minute is left: the ETA had passed when the delay was decided.
    rules = Rules.model_validate({"notices": {"hold_minutes": 40, "expire_minutes": 60}})
    slow = Desk(PROMISED, out(200), eta(500, 556), judgement=Judgement(rules))
    assert slow.wait(540) == [("delay_predicted", 540)]
    assert slow.commands[0].expires_at == at(556)


def test_the_zone_of_the_mail_is_the_orders_or_the_carriers_or_utc():
    rules = Rules.model_validate({"carriers": {"nordpost": {"timezone": "Asia/Tokyo"}}})
    order = promised(0, window=(300, 540))
    for judgement, zone in ((JUDGEMENT, "UTC"), (Judgement(rules), "Asia/Tokyo")):
        desk = Desk(order, judgement=judgement)
        desk.wait(500)
        assert desk.commands[0].timezone == zone


def test_ids_follow_from_order_life_kind_and_version():
    desk = on_the_way(eta(250, 600), eta(300, 640))
    desk.wait(END)
    names = [each.notice_id for each in desk.commands]
    assert names == ["A-1/1/delay_predicted/1", "A-1/1/delay_worse/2"]
    desk = on_the_way(eta(250, 600))
    desk.ledger.life = 2
    desk.wait(END)
    assert desk.commands[0].notice_id == "A-1/2/delay_predicted/1"


# -- receipts --------------------------------------------------------------------------------


def receipt(**told: Any) -> NoticeReceipt:
    base = NoticeReceipt(
        notice_id="A-1/1/delay_predicted/1", order_id="A-1", kind="delay_predicted",
        version=1, result="sent", eta=at(600), at=at(300),
    )  # fmt: skip
    return base.model_copy(update=told)


def test_every_notice_asked_for_has_one_end():
    desk = on_the_way(eta(250, 600), eta(300, 640), eta(340, 700))
    desk.wait(END)
    assert desk.ledger.measures() == {"notices.requested": 3, "notices.waiting": 3}
    desk.settle("sent", 0)
    desk.settle("failed", 1)
    settle(
        desk.ledger,
        receipt(notice_id=desk.commands[2].notice_id, result="suppressed", reason="muted"),
    )
    assert desk.ledger.measures() == {
        "notices.requested": 3, "notices.sent": 1, "notices.failed": 1,
        "notices.suppressed.muted": 1,
    }  # fmt: skip


def test_a_receipt_teaches_also_what_the_order_does_not_remember():
    ledger = Ledger()
    assert settle(ledger, receipt(version=2, notice_id="A-1/1/delay_worse/2"))
    assert (ledger.version, ledger.delivered, ledger.accepted_eta) == (2, True, at(600))
    assert ledger.measures() == {"notices.requested": 1, "notices.sent": 1}


def test_what_was_told_last_is_held_against_the_handover():
    desk = on_the_way(eta(250, 600))
    desk.wait(270)
    for told in (None, "sent"):
        if told:
            desk.settle(told)
        desk.tell(delivered(610 if told is None else 611))
        counted = contribution(desk.order, at(900), desk.ledger)
        found = {name: n for cell in counted.values() for name, n in cell.items()}
        assert found.get("eta.notified.late") == (None if told is None else 10 * 60_000)


def test_a_repeated_receipt_is_no_news():
    ledger = Ledger()
    assert settle(ledger, receipt())
    assert not settle(ledger, receipt())
    assert settle(ledger, receipt(result="suppressed", reason=None))
    assert ledger.measures() == {"notices.requested": 1, "notices.suppressed.unknown": 1}


# -- in the fold -----------------------------------------------------------------------------


def sent(*events: dict[str, Any], **how: Any) -> list[bytes]:
    replay = replayed(*events, **how)
    return [
        value
        for topic, _, value in replay.out.messages
        if topic == topics.NOTICE_COMMANDS and value is not None and b'"tick"' not in value
    ]


def test_an_order_that_ends_takes_back_what_is_on_its_way_once():
    found = sent(PROMISED, out(200), eta(250, 600), delivered(300), delivered(301))
    assert [b"delay_predicted" in found[0], b"superseded" in found[1], len(found)] == [1, 1, 2]


def test_an_order_nobody_was_told_of_takes_nothing_back():
    assert sent(PROMISED, out(200), delivered(300)) == []


def test_replay_and_live_ask_at_the_same_moment():
    # No event falls on the moment of the notice: only time passes.
    found = sent(PROMISED, out(200), eta(250, 600), as_of=260)
    assert len(found) == 1
    assert sent(PROMISED, out(200), eta(250, 600), as_of=260 - MS) == []
    assert len(sent(promised(0, window=(300, 540)), as_of=480)) == 1


# -- whatever happens ------------------------------------------------------------------------


@st.composite
def days(draw: Any) -> list[dict[str, Any]]:
    """Draw a day of ETAs that waver, promises that move, and perhaps an end."""
    events: list[dict[str, Any]] = [PROMISED]
    if draw(st.booleans()):
        events.append(in_transit(100))
    for when in sorted(draw(st.sets(st.integers(150, 700), max_size=25))):
        late = draw(st.sampled_from((-60, 0, 4, 5, 14, 15, 20, 35, 50, 90, 200)))
        events.append(eta(when, END + late))
    if draw(st.integers(0, 3)) == 0:
        events.append(changed(draw(st.integers(150, 500)), window=(600, 800)))
    if draw(st.booleans()):
        when = draw(st.integers(150, 800))
        events.append(draw(st.sampled_from((delivered(when), turned("lost", when)))))
    return sorted(events, key=lambda each: each["occurred_at"])


@settings(max_examples=150, deadline=None)
@given(events=days(), receipts=st.lists(st.sampled_from(("sent", "failed", None)), max_size=3))
def test_never_more_than_three_never_two_in_a_cooldown_never_after_the_end(events, receipts):
    desk = Desk()
    answers = iter(receipts)
    for event in events:
        before = len(desk.commands)
        was_open = desk.order.track.open
        desk.tell(event)
        for number in range(before, len(desk.commands)):
            if answer := next(answers, None):
                desk.settle(answer, number)
        assert was_open or len(desk.commands) == before
    desk.wait(2 * DAYS)

    times = [each.decided_at for each in desk.commands]
    assert len(times) <= 3
    assert all(b - a >= 30 * 60_000 for a, b in itertools.pairwise(times))
    assert len({each.notice_id for each in desk.commands}) == len(times)
    assert [each.version for each in desk.commands] == [1, 2, 3][: len(times)]
    for each in desk.commands:
        assert each.expires_at > each.decided_at
        if each.kind == "delay_predicted":
            assert each.decided_at <= each.promise_end


@settings(max_examples=100, deadline=None)
@given(events=days(), minute=st.integers(0, 900))
def test_looking_more_often_than_asked_changes_nothing(events, minute):
    lazy, eager = Desk(), Desk()
    for event in events:
        lazy.tell(event)
        if at(minute) > eager.now and arrivals(event)[0].received_at > at(minute):
            eager._wait_until(at(minute))
            eager._plan()
        eager.tell(event)
    lazy.wait(DAYS)
    eager.wait(DAYS)
    assert eager.commands == lazy.commands


def test_an_outlook_says_what_it_rests_on():
    desk = on_the_way(eta(250, 600))
    promise = desk.order.promise
    assert promise is not None
    outlook = look(desk.order, promise, at(260))
    assert (outlook.lateness, outlook.silent) == (60 * 60_000, False)
    assert outlook.cause == "eta_after_promise"
    assert outlook._replace(eta=None).cause == "silent"
