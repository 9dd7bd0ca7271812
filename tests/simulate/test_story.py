"""The builders of tests/story.py say valid events, each under an id of its own."""

import pytest
from pydantic import TypeAdapter

from models.events import OrderEvent
from tests import story as told

EVENTS = [
    told.promised(window=(60, 180)),
    told.promised(date=180),
    told.promised(instant=180),
    told.promised(),
    told.changed(0, window=(90, 200)),
    told.picked_up(-30),
    told.in_transit(-20),
    told.at_depot(-10),
    told.out(0),
    told.eta(1, 130),
    told.arrived(120),
    told.failed(125, "not_home"),
    told.delivered(150, to="neighbour", consented=True),
    told.turned("held", 20, reason="customs_delay"),
    told.released(30),
    told.withdrawn(160, told.delivered(150)),
    told.feedback(200, csat=4),
    told.asked(100),
    told.decided(300, "on_time"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["kind"])
def test_a_builder_speaks_the_vocabulary(event):
    TypeAdapter(OrderEvent).validate_json(told.story(event)[0])


def test_the_same_sentence_is_the_same_event():
    assert told.failed(90) == told.failed(90)
    assert told.failed(90)["event_id"] != told.failed(91)["event_id"]
    assert told.failed(90, event_id="mine")["event_id"] == "mine"
    assert len({event["event_id"] for event in EVENTS}) == len(EVENTS)


def test_minutes_count_from_nine():
    assert told.moment(90) == "2026-03-03T10:30:00Z"
    assert told.delivered(0, observed=5)["observed_at"] == "2026-03-03T09:05:00Z"
