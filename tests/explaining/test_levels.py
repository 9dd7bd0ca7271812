"""Service levels explained: the rule and its line, start, stops, deadline and state."""

import pytest

from models.rules import Rules
from streams.domain.judgement import Judgement
from streams.explaining import face_of
from streams.explaining.coming import next_look
from streams.explaining.levels import service_levels
from streams.rules import read
from tests.domain.given import at, order_of, replayed
from tests.story import delivered, failed, in_transit, out, picked_up, promised, turned

PROMISED = promised(0, window=(300, 540), timezone="Europe/Berlin")
FILE = """
calendars: {week: {}}
sla:
  - name: two days
    metric: handover
    target: {hours: 48}
"""


@pytest.fixture
def told(tmp_path):
    """A function from events and minutes to the explanation of their one service level."""
    path = tmp_path / "rules.yaml"
    path.write_text(FILE)
    file = read(path)

    def explain(*events, minute=9_000):
        order = order_of(events, Judgement(file.rules))
        levels = service_levels(
            order, at(minute), face_of(order), lambda number: file.line("sla", number)
        )
        (level,) = levels
        return level

    return explain


def test_everything_an_explanation_needs(told):
    found = told(PROMISED, turned("held", 60, "documents"), in_transit(180), delivered(3_001))
    assert found == {
        "rule": "two days",
        "line": 4,
        "metric": "handover",
        "view": "accountable",
        "severity": "major",
        "started_by": "order_promised",
        "started_at": "2026-03-03T10:00:00+01:00",
        "runs_from": "2026-03-03T10:00:00+01:00",
        "handed_in_late_at": None,
        "stops": [
            {
                "code": "documents",
                "from": "2026-03-03T11:00:00+01:00",
                "until": "2026-03-03T13:00:00+01:00",
            }
        ],
        # 48 hours and the two held: Thursday noon, 3,000 minutes after the start.
        "deadline": "2026-03-05T12:00:00+01:00",
        "derived": False,
        "ended_at": "2026-03-05T12:01:00+01:00",
        "elapsed": (3_001 - 120) * 60,
        "in_scope": True,
        "state": "resolved",
        "breached": True,
        "says": (
            "handed over Thu 2026-03-05 12:01 +01:00, 1 min after it was due"
            " Thu 2026-03-05 12:00 +01:00"
        ),
    }


@pytest.mark.parametrize(
    ("events", "minute", "state", "says"),
    [
        ([], 60, "none", "due Thu 2026-03-05 10:00 +01:00, in 1 d 23 h"),
        ([], 2_820, "at_risk", "due Thu 2026-03-05 10:00 +01:00, in 1 h"),
        ([], 2_940, "breached", "due Thu 2026-03-05 10:00 +01:00, and overdue by 1 h"),
        (
            [turned("held", 60, "customs_delay")],
            9_000,
            "none",
            "the clock stands: customs delay, and nobody has touched the parcel since",
        ),
        (
            [delivered(2_820)],
            9_000,
            "resolved",
            (
                "handed over Thu 2026-03-05 09:00 +01:00, 1 h before it was due"
                " Thu 2026-03-05 10:00 +01:00"
            ),
        ),
    ],
)
def test_how_a_service_level_stands_in_words(told, events, minute, state, says):
    found = told(PROMISED, *events, minute=minute)
    assert (found["state"], found["says"]) == (state, says)


def test_one_that_does_not_count_says_so(told):
    found = told(PROMISED, out(200), failed(300, "refused"))
    assert (found["in_scope"], found["breached"]) == (False, False)
    assert found["says"].startswith("not counted: the order ended in time without it")


DAY = {
    "calendars": {"week": {"timezone": "Europe/Berlin"}},
    "sla": [{
        "name": "next day", "metric": "handover",
        "target": {
            "business_days": 1, "cut_off": "17:00", "day_end": "20:00", "calendar": "week",
        },
    }],
}  # fmt: skip


@pytest.mark.parametrize(
    ("events", "minute", "says"),
    [
        # Ordered on Tuesday at 10:00 in Berlin, minute 0: due before Wednesday 20:00.
        (
            [delivered(2_040)],
            9_000,
            (
                "handed over Wed 2026-03-04 20:00 +01:00, just too late: due before"
                " Wed 2026-03-04 20:00 +01:00"
            ),
        ),
        ([], 2_040, "due before Wed 2026-03-04 20:00 +01:00, and overdue from now on"),
        # Picked up on Tuesday at 18:00: runs from Wednesday, due before Thursday 20:00.
        (
            [picked_up(480), delivered(3_420)],
            9_000,
            (
                "handed over Thu 2026-03-05 19:00 +01:00, 1 h before it was due"
                " Thu 2026-03-05 20:00 +01:00; handed in after the cut-off,"
                " Tue 2026-03-03 18:00 +01:00, so that the clock runs from"
                " Wed 2026-03-04 00:00 +01:00"
            ),
        ),
    ],
)
def test_the_end_of_a_day_and_a_clock_that_was_moved_in_words(events, minute, says):
    order = order_of([PROMISED, *events], Judgement(Rules.model_validate(DAY)))
    (level,) = service_levels(order, at(minute), face_of(order), lambda _: None)
    assert level["says"] == says


def test_what_is_done_at_the_last_good_moment_is_in_time(told):
    due = "Thu 2026-03-05 10:00 +01:00"
    assert told(PROMISED, delivered(2_880))["says"] == (
        f"handed over {due}, just in time: due {due}"
    )
    assert told(PROMISED, minute=2_880)["says"] == f"due {due}, just now"


def test_the_next_look_is_when_a_service_level_turns():
    rules = Rules.model_validate(
        {"sla": [{"name": "soon", "metric": "handover", "target": {"minutes": 100}}]}
    )
    replay = replayed(PROMISED, rules=rules, as_of=10)
    row = replay.orders.row("A-1")
    assert next_look(row, replay.as_of, face_of(row.order)) == {
        "at": "2026-03-03T11:20:00.001+01:00",
        "why": "a service level is at risk or broken from then on",
    }
