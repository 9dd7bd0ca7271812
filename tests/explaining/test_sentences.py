"""What an explanation says, word for word, and by hand: rules, times, faults, attempts.

Minutes count as in `test_five_questions`, from Tuesday 2026-03-03 09:00 UTC.
"""

import pytest

from tests import story as tell
from tests.explaining.test_explain import explained
from tests.explaining.test_five_questions import (
    CASES,
    DAY,
    EARLY,
    IN_TIME,
    WINDOW,
    changes,
    with_zone,
)

START = "the start of the promised window (less the minutes allowed)"
CLOSE = "the end of the promised window"
FAILED = "an order that ended without a handover has failed"

# The sentence of a rule says its outcome: the same line of the page, other words.
RULES_SAY = {
    "twelve minutes late": (
        "a handover after the end of the promised window is late",
        "a handover after the end of the promised window is late",
    ),
    "five minutes too early": (
        f"a handover before {START} is early",
        f"a handover before {START} is early",
    ),
    "it never came": (
        "an order that was not handed over when its deadline passed is late",
        "an order that was not handed over when its deadline passed is late",
    ),
    "not at home": (
        "a handover after the end of the promised window is late",
        f"a first attempt neither before {START} nor after {CLOSE} is on time",
    ),
    "refused": (
        FAILED,
        "an order that ended without a handover is excluded if the reason is not the carrier's",
    ),
    "damaged on the way": (
        FAILED,
        f"{FAILED} if the reason is the carrier's",
    ),
    "an attempt that was made elsewhere": (
        FAILED,
        f"{FAILED}, whatever the reason, if its first attempt is not believed",
    ),
}


@pytest.mark.parametrize("name", RULES_SAY)
def test_a_rule_is_a_sentence_with_its_outcome(name):
    verdict = explained(WINDOW, *CASES[name][0], as_of=3 * DAY)["verdict"]
    views = (verdict["frozen"], verdict["accountable"]["frozen"])
    assert tuple(view["rule_says"] for view in views) == RULES_SAY[name]


def test_every_rule_says_the_outcome_it_led_to():
    for name, (events, *_) in CASES.items():
        verdict = explained(with_zone(name), *events, as_of=3 * DAY)["verdict"]
        for view in (verdict["frozen"], verdict["accountable"]["frozen"]):
            assert view["outcome"].replace("_", " ") in view["rule_says"], name


def test_what_would_have_been_enough_is_not_cut_short():
    # promised for minute 60 with 15 minutes of grace: until 75. Handed over two days, 1 hour,
    # 3 minutes and 7 seconds after minute 75
    late = 75 + 2 * DAY + 60 + 3 + 7 / 60
    told = explained(tell.promised(0, instant=60), tell.delivered(late), as_of=4 * DAY)
    assert changes(told["verdict"]["frozen"]) == [(
        "on time had it been handed over 2 d 1 h 3 min 7 s earlier, "
        f"by Tue 2026-03-03 10:15 +00:00 and not before {EARLY}"
    )]  # fmt: skip


def test_a_promised_day_ends_before_midnight():
    # the day ends at minute 900, 00:00 of Wednesday; handed over at 10:00 of it
    told = explained(
        tell.promised(0, date="2026-03-03T08:00:00Z", timezone="UTC"),
        tell.delivered(900 + 600), as_of=4 * DAY,
    )  # fmt: skip
    assert changes(told["verdict"]["frozen"]) == [(
        "on time had it been handed over more than 10 h earlier, before midnight, "
        "Wed 2026-03-04 00:00 +00:00"
    )]  # fmt: skip
    # handed over at 22:30, an hour and a half before: late from midnight on
    told = explained(
        tell.promised(0, date="2026-03-03T08:00:00Z", timezone="UTC"),
        tell.delivered(900 - 90), as_of=4 * DAY,
    )  # fmt: skip
    assert changes(told["verdict"]["frozen"]) == [(
        "late had it been handed over 1 h 30 min later, from midnight, "
        "Wed 2026-03-04 00:00 +00:00"
    )]  # fmt: skip


def test_nobody_is_at_home_to_a_parcel_that_was_lost():
    told = explained(WINDOW, tell.out(70), tell.turned("lost", 400), as_of=3 * DAY)
    for view in (told["verdict"]["frozen"], told["verdict"]["accountable"]["frozen"]):
        assert changes(view) == [
            f"on time had it been handed over {IN_TIME}",
            "late without lost of Tue 2026-03-03 15:40 +00:00",
        ]


def test_a_delivery_that_was_taken_back_stands_without_what_took_it_back():
    # delivered at minute 150 inside the window, out again 2 h later, delivered after it
    events = tell.out(70), tell.delivered(150), tell.out(270), tell.delivered(330)
    for view in ("frozen", "restated"):
        told = explained(WINDOW, *events, as_of=3 * DAY)["verdict"]
        assert changes(told[view])[0] == (
            "on time without out for delivery of Tue 2026-03-03 13:30 +00:00"
        )
    without = explained(WINDOW, *events[:2], events[3], as_of=3 * DAY)["verdict"]
    assert without["frozen"]["outcome"] == "on_time"
