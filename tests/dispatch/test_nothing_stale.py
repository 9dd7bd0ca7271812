"""Planner and decision together: whatever comes in whatever order, nothing stale is sent.

A day of an order and of its customer's wishes is drawn; what the planner asks for waits as long
as it happens to, and is decided when somebody looks. The sink takes all that may be sent.
"""

from datetime import datetime
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import millis
from models.notices import NoticeCommand, NoticeSuperseded
from streams.dispatch.consent import answered
from streams.dispatch.decide import Known, Moment, Send, decide
from tests.dispatch.given import contact
from tests.domain.given import at
from tests.domain.test_happenings import ALL
from tests.domain.test_notices import END, PROMISED, Desk
from tests.story import delivered, eta, failed, moment, out, turned

WARNINGS = {"delay_predicted", "delay_worse"}
AFTER = {"delivered", "feedback_request"}
EVENTS = st.sampled_from([
    *(partial(eta, expected=END + late) for late in (60, 200, -60)),
    out, failed, delivered, partial(turned, "cancelled"), partial(turned, "lost"),
])  # fmt: skip
WISHES = st.sampled_from(["stop", "start", "mute", "unmute"])


class Dispatcher:
    """What a dispatcher knows of one order, and its sink: (command, when it was sent)."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.contact = contact(
            customer_id="C-7", quiet_hours={"start": "19:00", "end": "20:00"}
        )
        self.settled: set[str] = set()
        self.sent: list[tuple[NoticeCommand, int, bool]] = []

    def look(self, minute: float) -> None:
        """Decide everything that waits; what is put off is decided at the next look."""
        asked = self.desk.asked
        for number, each in enumerate(asked):
            if not isinstance(each, NoticeCommand) or each.notice_id in self.settled:
                continue
            since = asked[number + 1 :]
            known = Known(
                ended=any(isinstance(later, NoticeSuperseded) for later in since),
                later=frozenset(x.kind for x in since if isinstance(x, NoticeCommand)),
                told=any(sent.kind in WARNINGS for sent, _, _ in self.sent),
                attempts=1,  # tried before: what follows must hold without the guard of age
            )
            decision = decide(each, self.contact, known, Moment(at(minute), 0))
            if isinstance(decision, Send):
                self.settled.add(each.notice_id)
                self.sent.append((each, at(minute), self.desk.order.track.open))

    def wish(self, minute: float, what: str) -> None:
        if what in {"mute", "unmute"}:
            muted = ("delay_worse", "near") if what == "mute" else ()
            self.contact = self.contact.model_copy(update={"muted": muted})
        else:
            now = datetime.fromisoformat(moment(minute))
            self.contact = answered(self.contact, "email", what, now) or self.contact


@st.composite
def stories(draw: Any) -> list[tuple[int, str, Any]]:
    minutes = sorted(draw(st.sets(st.integers(10, 900), min_size=3, max_size=18)))
    kinds = st.sampled_from(["event", "event", "look", "look", "wish"])
    found = []
    for minute in minutes:
        kind = draw(kinds)
        what = {"event": EVENTS, "wish": WISHES, "look": st.none()}[kind]
        found.append((minute, kind, draw(what)))
    return found


@settings(max_examples=150, deadline=None)
@given(story=stories())
def test_nothing_stale_is_sent(story):
    desk = Desk(PROMISED, judgement=ALL)
    dispatcher = Dispatcher(desk)
    for minute, kind, what in story:
        before = len(dispatcher.sent)
        match kind:
            case "event":
                desk.tell(what(minute))
            case "wish":
                dispatcher.wish(minute, what)
            case _:
                desk.wait(minute)
                dispatcher.look(minute)
        for command, when, was_open in dispatcher.sent[before:]:
            # Of an order that has ended its end alone is told, and of an open one never an end.
            assert (command.kind in AFTER) is not was_open
            assert when < command.expires_at
            assert (
                not millis(datetime.fromisoformat("2026-03-03T19:00:00+01:00"))
                <= when
                < (millis(datetime.fromisoformat("2026-03-03T20:00:00+01:00")))
            )
            assert command.kind not in (dispatcher.contact.muted or ())
            last = (dispatcher.contact.consents or (None,))[-1]
            assert last is None or last.given
    names = [command.notice_id for command, _, _ in dispatcher.sent]
    assert len(set(names)) == len(names)
