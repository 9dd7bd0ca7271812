"""The kill switch: what a stop covers, what a start takes back, and what a log adds up to."""

from functools import reduce

import pytest

from models.notices import NoticeSwitch
from streams.dispatch.decide import Known, Moment, Suppress, Wait, decide
from streams.dispatch.stops import NEVER_STOPPED, decode, is_stopped, switched
from tests.dispatch.given import at, command, contact

FJORD, OTHER = "Fjord Post", "nordpost"
DELAY = "delay_predicted"


def made(stopped, carrier=None, kind=None):
    return NoticeSwitch(
        carrier=carrier, kind=kind, stopped=stopped, by="ann", why="wrong ETAs", at=at(13)
    )


@pytest.mark.parametrize(
    ("switches", "holds"),
    [
        ([], False),
        ([made(True)], True),
        ([made(True, FJORD)], True),
        ([made(True, OTHER)], False),
        ([made(True, kind=DELAY)], True),
        ([made(True, kind="near")], False),
        ([made(True, FJORD, DELAY)], True),
        ([made(True, FJORD, "near")], False),
        ([made(True, OTHER, DELAY)], False),
        ([made(True), made(False)], False),
        ([made(True, FJORD), made(True, kind=DELAY), made(False, FJORD)], True),
        ([made(True), made(False, FJORD)], True),  # what was stopped under other words stays
        ([made(True, FJORD), made(True, kind=DELAY), made(False)], False),
        ([made(False, FJORD)], False),
    ],
)
def test_what_is_stopped(switches, holds):
    assert is_stopped(command(), reduce(switched, switches, NEVER_STOPPED)) is holds


def test_what_is_stopped_is_not_said_even_in_quiet_hours_and_ends_go_before():
    stops = switched(NEVER_STOPPED, made(True))
    for hour, minute in ((13, 21), (13, 25)):
        now = Moment(at(hour, minute), 0, stops=stops)
        assert decide(command(), contact(), Known(), now) == Suppress("stopped")
        assert decide(command(), contact(), Known(ended=True), now) == Suppress("superseded")
    behind = Moment(at(13, 21), 0, current=False, stops=stops)
    assert decide(command(), contact(), Known(), behind) == Wait(None)


@pytest.mark.parametrize("raw", [None, b"", b"{}", b"[]", b'{"stopped": true}', b"\xff"])
def test_a_record_that_is_no_switch_is_none(raw):
    assert decode(raw) is None


def test_a_switch_can_be_read_again():
    assert decode(made(True, FJORD).model_dump_json().encode()) == made(True, FJORD)
