"""When an orders fold looks at an order again though nothing was heard of it.

Minutes after nine; the promise is the window 14:00 to 18:00, so that an ETA of 18:15 (minute
555) is late enough to be told, ten minutes after it was heard.
"""

import json
from typing import Any

import pytest

from models.rules import Rules
from streams import orderrows, topics
from streams.clocks import TICK, origin_header
from streams.codec import Rejected, decode_order
from streams.domain.judgement import Judgement
from streams.engine.api import Record
from streams.engine.rows import PartitionRows
from streams.engine.writer import Outbox
from streams.orders import OrdersFold
from tests.domain.given import at
from tests.story import delivered, eta, out, promised

UPSTREAM = "order-events/0"
PROMISED = promised(0, window=(300, 540), timezone="Europe/Berlin")


class Inbox:
    """An inbox of one upstream, and the fold of it."""

    def __init__(self) -> None:
        self.fold = OrdersFold(0, [UPSTREAM], Judgement(Rules()))
        self.rows = PartitionRows({}, -1)
        self.fold.recover(None, self.rows, {})
        self._next = 0

    def hear(self, minute: float, *events: dict[str, Any]) -> None:
        """Let events arrive at a minute, however long ago they happened."""
        for event in events:
            decoded = decode_order(json.dumps(event).encode())
            assert not isinstance(decoded, Rejected)
            headers = (
                ("received_at", b"%d" % at(minute)),
                ("origin", origin_header(UPSTREAM, self._next)),
            )
            self._fold(event["order_id"].encode(), decoded.canonical, headers)

    def tick(self, minute: float, *, caught_up: bool = True) -> tuple[list[Any], int]:
        """Move the clock; return the notices asked for (kind, minute), and the rows put."""
        self.rows.take()
        value = json.dumps({UPSTREAM: at(minute)}).encode()
        out = self._fold(None, value, (*TICK, ("caught_up", b"1" if caught_up else b"0")))
        commands = [
            json.loads(value) for (_, value, _), _ in out.get(topics.NOTICE_COMMANDS, ())
        ]
        told = [
            (each["kind"], (each["decided_at"] - at(0)) / 60_000)
            for each in commands
            if "decided_at" in each
        ]
        return told, self.rows.changed()

    def _fold(self, key: bytes | None, value: bytes, headers: Any) -> dict[str, Any]:
        outbox = Outbox()
        self.fold.fold([Record(self._next, 0, key, value, headers)], outbox)
        self._next += 1
        return outbox.take()


def test_nobody_who_was_told_nothing_is_looked_at_to_be_told_that_all_is_well():
    inbox = Inbox()
    inbox.tick(-600)
    inbox.hear(250, PROMISED, out(200), eta(249, 500))
    for minute in (255, 261, 539):
        assert inbox.tick(minute) == ([], 0)


def test_a_hold_that_ends_within_a_leap_of_the_clock_is_not_missed():
    inbox = Inbox()
    inbox.hear(230, PROMISED, out(200))
    inbox.tick(240)
    inbox.hear(249, eta(250, 600))  # a clock a minute ahead: in force from 250 on
    assert inbox.tick(400) == ([("delay_predicted", 260)], 1)


def test_a_plan_that_waits_is_made_when_nobody_lags_behind():
    inbox = Inbox()
    inbox.hear(250, PROMISED, out(200), eta(249, 600))
    assert inbox.tick(300, caught_up=False) == ([], 0)
    assert inbox.tick(400, caught_up=False) == ([], 0)
    assert inbox.tick(410) == ([], 1)  # late enough from now on
    assert inbox.tick(420) == ([("delay_predicted", 420)], 1)


def test_an_order_that_ended_in_a_backlog_has_no_plan_that_waits():
    inbox = Inbox()
    inbox.hear(250, PROMISED, out(200), eta(249, 600), delivered(250))
    assert inbox.tick(300, caught_up=False) == ([], 0)
    assert inbox.tick(310) == ([], 0)
    inbox.hear(320, promised(0, order_id="A-2", window=(300, 540)))
    assert inbox.tick(330) == ([], 0)


@pytest.mark.parametrize("caught_up", [False, True])
def test_one_leap_of_the_clock_fills_no_memory(monkeypatch, caught_up):
    monkeypatch.setattr(orderrows, "CACHED_ROWS", 2)
    monkeypatch.setattr(orderrows, "CROWD", 1)
    inbox = Inbox()
    inbox.tick(240, caught_up=caught_up)
    for number in range(20):
        inbox.hear(250, promised(0, order_id=f"A-{number}", window=(300, 540)))
    decoded: list[int] = []
    monkeypatch.setattr(
        inbox.fold, "_changed_at", _noting(inbox.fold._changed_at, inbox.fold, decoded)
    )
    _, rows = inbox.tick(600)
    assert rows == 20
    # silent at 17:00 if the plan did not wait, then late at 18:00
    assert len(decoded) == (40 if caught_up else 20)
    assert max(decoded) <= 2 + 1 + 1


def _noting(change: Any, fold: OrdersFold, decoded: list[int]) -> Any:
    """Return a change of a row that notes how many are in memory then."""

    def changed(*given: Any) -> None:
        change(*given)
        decoded.append(sum(1 for _ in fold.rows.decoded()))

    return changed
