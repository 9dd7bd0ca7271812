"""Every rule of the decision, row by row."""

import pytest

from streams.dispatch.decide import (
    Ending,
    Known,
    Moment,
    Send,
    Suppress,
    Wait,
    decide,
)
from tests.dispatch.given import at, command, contact

WALL = 1_000_000
NOW = Moment(tower=at(13, 21), wall=WALL)
BEHIND = Moment(tower=at(13, 21), wall=WALL, current=False)
BO = [{"kind": "email", "address": "bo@example.org"}]
SMS = [{"kind": "sms", "address": "+4791234567"}]
ANN = Send(contact().channels)

CASES = {
    "a fresh command is sent": ({}, {}, Known(), NOW, ANN),
    "before any tick nothing is too old": ({}, {}, Known(), Moment(None, WALL), ANN),
    "the last millisecond": ({}, {}, Known(attempts=1), Moment(at(14, 20) - 1, WALL), ANN),
    "the first one after it": (
        {}, {}, Known(attempts=1), Moment(at(14, 20), WALL), Suppress("expired"),
    ),
    "ten minutes old": ({}, {}, Known(), Moment(at(13, 30), WALL), ANN),
    "older than ten minutes": (
        {}, {}, Known(), Moment(at(13, 30) + 1, WALL), Suppress("stale_replay"),
    ),
    "older, but it has been tried": (
        {}, {}, Known(attempts=1), Moment(at(13, 40), WALL), ANN,
    ),
    "older, but perhaps sent": ({}, {}, Known(doubtful=True), Moment(at(13, 40), WALL), ANN),
    "the order's ending came after it": (
        {}, {}, Known(ended=True), NOW, Suppress("superseded"),
    ),
    "the order ended later": (
        {}, {}, Known(ending=Ending(1, at(13, 21))), NOW, Suppress("superseded"),
    ),
    "the phase moved on": (
        {}, {}, Known(ending=Ending(2, at(13, 20))), NOW, Suppress("superseded"),
    ),
    "an ending of before": ({}, {}, Known(ending=Ending(1, at(13, 20))), NOW, ANN),
    "a newer command is there": (
        {}, {}, Known(later=frozenset({"delay_worse"})), NOW, Suppress("superseded"),
    ),
    "newer news of another line": ({}, {}, Known(later=frozenset({"near"})), NOW, ANN),
    "newer news that is muted": (
        {}, {"muted": ("delay_worse",)}, Known(later=frozenset({"delay_worse"})), NOW, ANN,
    ),
    "an ending counts also while behind": (
        {}, {}, Known(ending=Ending(2, 0)), BEHIND, Suppress("superseded"),
    ),
    "not yet read up": ({}, {}, Known(), BEHIND, Wait(None)),
    "not yet due": ({}, {}, Known(attempts=1, not_before=WALL + 1), NOW, Wait(WALL + 1)),
    "due": ({}, {}, Known(attempts=1, not_before=WALL), NOW, ANN),
    "all clear after an alarm": ({"kind": "delay_cleared"}, {}, Known(told=True), NOW, ANN),
    "all clear, alarm unknown here": ({"kind": "delay_cleared"}, {}, Known(), NOW, ANN),
    "all clear without an alarm": (
        {"kind": "delay_cleared"}, {}, Known(told=False), NOW, Suppress("not_told"),
    ),
    "nobody known": ({}, None, Known(), NOW, Suppress("no_contact")),
    "no e-mail address": ({}, {"channels": SMS}, Known(), NOW, Suppress("no_contact")),
    "the first e-mail address": (
        {},
        {"channels": [*SMS, *BO]},
        Known(), NOW, Send(contact(channels=BO).channels),
    ),
    "opted out": ({}, {"consent": False}, Known(), NOW, Suppress("opt_out")),
    "consented": ({}, {"consent": True}, Known(), NOW, ANN),
    "muted": ({}, {"muted": ("delay_predicted",)}, Known(), NOW, Suppress("muted")),
    "another kind muted": ({}, {"muted": ("delay_worse",)}, Known(), NOW, ANN),
    "no contact, but not read up": ({}, None, Known(), BEHIND, Wait(None)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_decision(case):
    changes, reachable, known, moment, expected = CASES[case]
    who = None if reachable is None else contact(**reachable)
    assert decide(command(**changes), who, known, moment) == expected
