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

# A failed attempt, decided in the evening's last minute and worth saying for a day.
NIGHT = {
    "kind": "attempt_failed", "cause": "happened", "eta": None, "decided_at": at(20, 59),
    "expires_at": at(20, 59, day=25),
}  # fmt: skip

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
    "opted out of the channel": (
        {}, {"consents": [{"channel": "email", "given": False, "at": "2026-11-24T10:00:00Z",
                           "source": "shop"}]},
        Known(), NOW, Suppress("opt_out"),
    ),
    "in the usual quiet hours, and too old afterwards": (
        {"decided_at": at(21), "expires_at": at(22)}, {}, Known(), Moment(at(21), WALL),
        Suppress("quiet_hours"),
    ),
    "in quiet hours, and still news in the morning": (
        NIGHT, {}, Known(), Moment(at(22), WALL), Wait(None, tower=at(8, day=25)),
    ),
    "in the evening's last minute": (
        NIGHT, {}, Known(), Moment(at(21) - 1, WALL), ANN,
    ),
    "released in the morning": (NIGHT, {}, Known(), Moment(at(8, day=25), WALL), ANN),
    "ten minutes after the release": (
        NIGHT, {}, Known(), Moment(at(8, 10, day=25) + 1, WALL), Suppress("stale_replay"),
    ),
    "ended in the night": (
        NIGHT, {}, Known(ended=True), Moment(at(8, day=25), WALL), Suppress("superseded"),
    ),
    "muted in the night": (
        NIGHT, {"muted": ("attempt_failed",)}, Known(), Moment(at(8, day=25), WALL),
        Suppress("muted"),
    ),
    "where the customer is it is still day": (
        NIGHT, {"timezone": "America/New_York"}, Known(), Moment(at(21, 5), WALL), ANN,
    ),
    "the customer's own quiet hours": (
        {}, {"quiet_hours": {"start": "13:00", "end": "13:30"}}, Known(), NOW,
        Wait(None, tower=at(13, 30)),
    ),
    "no quiet hours": (
        NIGHT, {"quiet_hours": {"start": "00:00", "end": "00:00"}}, Known(),
        Moment(at(21, 5), WALL), ANN,
    ),
    "before any tick the command's time counts": (
        NIGHT, {}, Known(), Moment(None, WALL), ANN,
    ),
    "no contact, but not read up": ({}, None, Known(), BEHIND, Wait(None)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_decision(case):
    changes, reachable, known, moment, expected = CASES[case]
    who = None if reachable is None else contact(**reachable)
    assert decide(command(**changes), who, known, moment) == expected
