"""What an explanation says, word for word, and by hand: rules, times, faults, attempts.

Minutes count as in `test_five_questions`, from Tuesday 2026-03-03 09:00 UTC.
"""

import pytest

from streams.cli.explained import pages
from tests import story as tell
from tests.domain.given import MS
from tests.explaining.test_explain import explained, flags
from tests.explaining.test_five_questions import (
    CASES,
    DAY,
    EARLY,
    IN_TIME,
    WINDOW,
    changes,
    ids,
    with_zone,
)

START = "the start of the promised window (less the minutes allowed)"
EXCLUDED = "an excluded order counts neither for nor against the carrier"
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


MOVED = tell.changed(10, window=(500, 560), by="carrier", reason="capacity")
BACK = tell.out(270)
# why the carrier answers for it, and whose fault it is by which step
WHY = {
    "not at home": (
        ("on time: by the first attempt, attempt failed Tue 2026-03-03 10:40 +00:00, which was "
        "inside the promised window"),
        "the reason that was given decides whose fault it is",
    ),
    "refused": (
        f"excluded: refused is the consignee's; {EXCLUDED}",
        "the reason that was given decides whose fault it is",
    ),
    "held by customs over the deadline": (
        f"excluded: held over the deadline, and customs delay is an authority's; {EXCLUDED}",
        "a hold with a code over the deadline decides whose fault it is",
    ),
    "twelve minutes late": (
        "late: as above, since the handover was the first attempt",
        "what nobody explained is the carrier's fault",
    ),
    "it never came": ("late: as above", "what nobody explained is the carrier's fault"),
    "damaged on the way": (
        "failed: damaged is the carrier's",
        "what was lost or damaged is the carrier's fault, unless another reason was given",
    ),
    "an attempt that was made elsewhere": (
        ("failed: the first attempt is not believed: recorded far from the door, 1,668 m (at "
        "most 150 m are believed)"),
        "a first attempt that evidence speaks against is the carrier's fault",
    ),
    "another day, after nobody was at home": (
        f"excluded: after a failed first attempt the consignee wished another time; {EXCLUDED}",
        "the reason that was given decides whose fault it is",
    ),
    "sent back without a word": (
        "failed: no reason was given, which counts as the carrier's",
        "what nobody explained is the carrier's fault",
    ),
    "five minutes too early": (
        "early: as above, since the handover was the first attempt",
        "too early is the carrier's fault",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WHY)
def test_between_the_views_stands_why_they_differ(name):
    events = [tell.turned("returned", 100)] if name not in CASES else CASES[name][0]
    told = explained(WINDOW, *events, as_of=3 * DAY)
    why, step = WHY[name]
    assert told["verdict"]["accountable"]["frozen"]["why"] == why
    assert told["verdict"]["fault"]["rule_says"] == step
    page = " ".join(pages(told).split())
    assert f"What the carrier answers for {why}" in page
    assert f"rule: {step} (docs/kpis.md, Accountable view, Fault)" in page


def test_a_promise_that_the_carrier_moved_itself_is_no_excuse():
    fault = explained(WINDOW, MOVED, tell.delivered(520), as_of=3 * DAY)["verdict"]["fault"]
    assert fault["says"] == (
        "the carrier: it moved the promise itself (capacity), which does not count"
    )
    assert ids(fault["evidence"]) == ["promise_changed", "delivered"]
    # said by the consignee, and too late to count, it is nobody's explanation
    wish = tell.changed(190, window=(500, 560))
    fault = explained(WINDOW, wish, tell.delivered(520), as_of=3 * DAY)["verdict"]["fault"]
    assert fault["says"] == "the carrier: no reason was given, which counts as the carrier's"


def test_a_reason_that_is_no_code_explains_nothing():
    events = (
        tell.out(70),
        tell.failed(100, "moonlight"),
        tell.out(DAY),
        tell.delivered(DAY + 60),
    )
    fault = explained(WINDOW, *events, as_of=3 * DAY)["verdict"]["fault"]
    assert fault["says"] == "the carrier: the reason that was given (moonlight) is no code"
    assert ids(fault["evidence"]) == ["attempt_failed"]


def test_a_void_delivery_names_what_took_it_back():
    # delivered at 11:30, out for delivery again at 13:30, two hours after it
    events = tell.out(70), tell.delivered(150), BACK, tell.delivered(330)
    told = explained(WINDOW, *events, as_of=3 * DAY)
    void = (
        "the delivery of Tue 2026-03-03 11:30 +00:00 was void: out for delivery "
        "Tue 2026-03-03 13:30 +00:00 came an hour or more after it"
    )
    back = "taken back by out for delivery Tue 2026-03-03 13:30 +00:00"
    assert told["verdict"]["fault"]["says"] == f"the carrier: {void}"
    assert told["verdict"]["accountable"]["frozen"]["why"] == (
        f"late: by the handover, since the first attempt is not believed: {void}"
    )
    assert flags(told, "delivered") == [[back], ["the handover"]]
    first, second = told["attempts"]
    assert (first["says"], first["notes"]) == (
        "failed: the delivery was void (carrier)", [back],
    )  # fmt: skip
    assert (second["says"], second["notes"]) == ("handed over", [])
    # returned takes a delivery back at any time
    told = explained(WINDOW, *events[:2], tell.turned("returned", 160), as_of=3 * DAY)
    assert told["verdict"]["fault"]["says"].endswith(
        "was void: returned Tue 2026-03-03 11:40 +00:00 came after it"
    )


def test_an_attempt_says_what_it_is_worth():
    elsewhere = explained(WINDOW, *CASES["an attempt that was made elsewhere"][0])
    assert elsewhere["attempts"][0]["says"] == "failed: not home (consignee)"
    assert elsewhere["attempts"][0]["notes"] == ["not believed: 1,668 m from the door"]
    lost = explained(WINDOW, tell.out(70), tell.turned("lost", 400))
    assert lost["attempts"][0]["says"] == "failed: lost (carrier)"
    assert lost["attempts"][0]["notes"] == ["nobody reported it: lost proves it"]
    held = explained(WINDOW, tell.out(70), tell.turned("held", 100))
    assert held["attempts"][0]["says"] == "failed: no reason given (carrier)"


def test_a_neighbour_whom_nobody_agreed_to_is_no_first_attempt_but_in_time():
    told = explained(WINDOW, tell.out(70), tell.delivered(150, to="neighbour"), as_of=3 * DAY)
    assert told["attempts"][0]["notes"] == [
        "counts as a failed first attempt, not against the time: no consent was given"
    ]
    assert told["verdict"]["accountable"]["frozen"]["outcome"] == "on_time"
    used = {each["rule"]: each for each in told["rules_used"]}["defaults.neighbour_counts"]
    assert (used["value"], used["says"]) == (
        False,
        "a neighbour without consent is a failed attempt; the time of the handover counts",
    )
    agreed = tell.delivered(150, to="neighbour", consented=True)
    told = explained(WINDOW, tell.out(70), agreed, as_of=3 * DAY)
    assert told["attempts"][0]["notes"] == []
    assert "defaults.neighbour_counts" not in {each["rule"] for each in told["rules_used"]}


def test_the_headline_measures_what_it_is_about():
    # early: the window opens at minute 60, handed over at 40
    events, *_ = CASES["five minutes too early"]
    assert explained(WINDOW, *events, as_of=3 * DAY)["verdict"]["frozen"]["why"] == (
        "early: handed over Tue 2026-03-03 09:40 +00:00, 20 min before the promised start "
        "Tue 2026-03-03 10:00 +00:00 (15 min are allowed)"
    )
    # failed: the reason, not how long before the end
    events, *_ = CASES["refused"]
    assert explained(WINDOW, *events, as_of=3 * DAY)["verdict"]["frozen"]["why"] == (
        "failed: attempt failed Tue 2026-03-03 10:40 +00:00: refused, and no handover after it"
    )
    # excluded: the cancellation decided, also if it was returned after that
    events, *_ = CASES["called off by the customer"]
    told = explained(WINDOW, *events, tell.turned("returned", 300), as_of=3 * DAY)
    assert told["verdict"]["frozen"]["why"] == (
        "excluded: cancelled Tue 2026-03-03 10:40 +00:00, 1 h 20 min before the promised end "
        "Tue 2026-03-03 12:00 +00:00 (no grace)"
    )


def test_a_boundary_of_thousandths_is_told_as_it_is():
    # promised for a thousandth of a second before 10:00: early before 9:44:59.999
    told = explained(
        tell.promised(0, instant="2026-03-03T09:59:59.999Z"), tell.delivered(40), as_of=DAY
    )
    # from 9:40 to 9:44:59.999
    assert changes(told["verdict"]["frozen"]) == [
        (
            "on time had it been handed over 4 min 59 s 999 ms later, "
            "from Tue 2026-03-03 09:44:59.999 +00:00"
        )
    ]


# the window with its tolerances, from both sides to a thousandth of a second: 45 to 180
@pytest.mark.parametrize(
    ("minute", "outcome"),
    [(45 - MS, "early"), (45, "on_time"), (180, "on_time"), (180 + MS, "late")],
)
def test_the_bounds_that_are_told_are_those_of_the_verdict(minute, outcome):
    assert IN_TIME in changes(
        explained(WINDOW, tell.delivered(192), as_of=3 * DAY)["verdict"]["frozen"]
    )[0]  # fmt: skip
    told = explained(WINDOW, tell.delivered(minute), as_of=3 * DAY)
    assert told["verdict"]["frozen"]["outcome"] == outcome
