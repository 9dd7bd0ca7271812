"""The accountable view line by line, both sides of every boundary (kpis 2.4, 2.12)."""

from typing import Any

import pytest

from models.rules import Rules
from streams.domain.accountable import fault, judge_accountable
from streams.domain.verdicts import judge
from tests.domain.given import (
    DAYS,
    HOUR,
    JUDGEMENT,
    MS,
    WEEK_LATER,
    first_attempt,
    kpi,
    order_of,
    outcome,
)
from tests.story import (
    arrived,
    at_depot,
    changed,
    decided,
    delivered,
    failed,
    in_transit,
    out,
    picked_up,
    promised,
    released,
    turned,
    withdrawn,
)

Event = dict[str, Any]

# 14:00 to 18:00; a quarter of an hour before it is tolerated, nothing after it.
START, END = 300, 540
DOOR = {"lat": 52.52, "lon": 13.40}
FAR = {"lat": 52.54, "lon": 13.40, "accuracy_m": 10.0}  # 2,224 m north of the door
MADE = promised(0, window=(START, END), destination=DOOR)
NEVER_THERE = failed(330, "not_home", position=FAR)
TOMORROW = delivered(400 + DAYS)


def both(*events: Event, **how: Any) -> tuple[str | None, str | None]:
    """Return the raw and the accountable outcome of the one order."""
    found = kpi(*events, **how)
    return outcome(found), outcome(found, "accountable")


def owed(*events: Event, **how: Any) -> str | None:
    """Return the accountable outcome."""
    return both(*events, **how)[1]


def attempts_owed(*events: Event) -> tuple[int, int]:
    """Return concluded and succeeded of the accountable first attempts."""
    part = kpi(*events)["first_attempt"]["accountable"]
    assert part["success"]["k"] == part["succeeded"]
    assert part["success"]["n"] == part["concluded"]
    return part["concluded"], part["succeeded"]


def blamed(*events: Event) -> tuple[str, ...] | None:
    """Return party, rule and kinds of the events that say so, a week after the promise."""
    order = order_of(events)
    assert order.promise is not None
    clock = order.promise.late_from + WEEK_LATER
    verdict = judge(order.track, order.promise, clock, JUDGEMENT)
    found = fault(order.track, order.promise, verdict, order.presence)
    if found is None:
        return None
    return found.party, found.rule, *(each.event.kind for each in found.because)


def names(*events: Event) -> tuple[tuple[str, str], ...]:
    return tuple((each["source"], each["event_id"]) for each in events)


# -- the rows of the table of edge cases -----------------------------------------------------


def test_edge_11_moved_after_a_failed_attempt_is_excluded_unless_that_is_suspect():
    moved = changed(340, window=(START + DAYS, END + DAYS))
    assert both(MADE, failed(330), moved, TOMORROW) == ("late", "excluded")
    assert both(MADE, NEVER_THERE, moved, TOMORROW) == ("late", "late")


def test_edge_12_not_home_in_the_window_is_on_time_by_the_first_attempt():
    events = MADE, out(240), failed(330), out(DAYS), TOMORROW
    assert both(*events) == ("late", "on_time")
    assert first_attempt(kpi(*events)) == "not_home"
    assert attempts_owed(*events) == (0, 0)


def test_edge_13_a_scan_two_kilometres_away_is_charged_to_the_carrier():
    events = MADE, out(240), NEVER_THERE
    found = kpi(*events)
    assert both(*events) == ("late", "late")
    assert found["first_attempt"]["suspect"] == 1
    assert attempts_owed(*events) == (1, 0)
    assert blamed(*events) == ("carrier", "recorded far from the door", "attempt_failed")


def test_edge_21_refused_at_the_door_is_excluded():
    events = MADE, out(240), failed(400, "refused")
    assert both(*events) == ("failed", "excluded")
    assert attempts_owed(*events) == (0, 0)
    assert blamed(*events) == ("consignee", "refused", "attempt_failed")


def test_edge_37_held_by_customs_over_the_deadline_is_excluded():
    held, free = turned("held", 200, "customs_delay"), released(5 * DAYS)
    events = MADE, held, free, out(5 * DAYS + 10), delivered(5 * DAYS + 60)
    assert both(*events) == ("late", "excluded")
    assert blamed(*events) == ("authority", "held: customs_delay", "held")


def test_edge_38_held_without_a_code_is_late():
    events = MADE, turned("held", 200), released(5 * DAYS), delivered(5 * DAYS + 60)
    assert both(*events) == ("late", "late")
    assert blamed(*events) == ("carrier", "unknown")


def test_edge_39_handed_over_too_late_by_the_shipper_is_its_fault_and_late():
    late = turned("held", 200, "late_handover")
    events = MADE, late, picked_up(600), TOMORROW
    assert both(*events) == ("late", "late")  # only consignee and authority stop the clock
    assert blamed(*events) == ("shipper", "held: late_handover", "held")


# -- 1: no promise, to come, decided, cancelled in time --------------------------------------


def test_1_without_a_promise_it_is_excluded():
    assert both(promised(0), failed(330), delivered(400)) == ("excluded", "excluded")
    order = order_of([promised(0)])
    verdict = judge_accountable(order.track, None, 0, JUDGEMENT, {})
    assert (verdict.outcome, verdict.rule) == ("excluded", "no promise")


@pytest.mark.parametrize(("clock", "expected"), [(END, None), (END + MS, "on_time")])
def test_1_before_the_deadline_there_is_none(clock, expected):
    assert owed(MADE, delivered(400), as_of=clock) == expected


@pytest.mark.parametrize(
    ("minute", "by", "expected"),
    [
        (END - MS, "consignee", "excluded"),
        (END, "consignee", "late"),
        (END - MS, "carrier", "failed"),
        (END, "carrier", "failed"),
    ],
)
def test_1_cancelled_in_time_but_never_by_the_carrier(minute, by, expected):
    assert both(MADE, turned("cancelled", minute, by=by)) == (expected, expected)


@pytest.mark.parametrize("verdict", ["on_time", "early", "late", "failed", "excluded"])
def test_1_what_was_decided_holds_in_both_views(verdict):
    events = MADE, turned("lost", 600), decided(700, "late"), decided(800, verdict)
    assert both(*events) == (verdict, verdict)


def test_1_what_is_decided_after_the_freeze_is_only_restated():
    late = decided(END + 7 * DAYS + MS, "on_time")
    in_time = decided(END + 7 * DAYS, "on_time")
    for said, frozen in ((late, "late"), (in_time, "on_time")):
        found = kpi(MADE, said, as_of=8 * DAYS)["delivery_time"]
        assert found["accountable"][frozen] == 1
        assert found["restated"]["accountable"]["on_time"] == 1


# -- 2: ended without a handover -------------------------------------------------------------

PARTIES = {
    "not_home": "consignee",
    "incorrect_data": "shipper",
    "documents": "authority",
    "weather": "force_majeure",
    "missorted": "carrier",
    "gremlins": "carrier",  # no code of ours
}


@pytest.mark.parametrize(("reason", "party"), PARTIES.items())
def test_2_the_reason_of_the_failing_event_decides(reason, party):
    expected = "failed" if party == "carrier" else "excluded"
    for kind in ("returning", "returned", "lost", "damaged"):
        events = MADE, failed(330, "missorted"), turned(kind, 600, reason)
        assert both(*events) == ("failed", expected)
    found = blamed(MADE, turned("lost", 600, reason))
    assert found is not None
    assert found[0] == party


@pytest.mark.parametrize(("reason", "party"), PARTIES.items())
def test_2_else_that_of_the_last_failed_attempt(reason, party):
    events = (
        MADE,
        failed(330, "missorted"),
        failed(330 + DAYS, reason),
        turned("returning", 600 + DAYS),
    )
    assert both(*events) == ("failed", "failed" if party == "carrier" else "excluded")


def test_2_lost_and_damaged_are_the_carriers_as_they_stand():
    for kind in ("lost", "damaged"):
        assert owed(MADE, failed(330, "not_home"), turned(kind, 600)) == "failed"
        assert blamed(MADE, failed(330), turned(kind, 600)) == ("carrier", kind, kind)
    assert owed(MADE, turned("returned", 600)) == "failed"  # nobody said why


def test_2_a_first_attempt_that_is_not_believed_takes_the_excuse_away():
    assert owed(MADE, NEVER_THERE, failed(330 + DAYS, "refused")) == "failed"
    assert owed(MADE, failed(330), failed(330 + DAYS, "refused")) == "excluded"
    # The refusal itself, recorded far away.
    assert owed(MADE, failed(330, "refused", position=FAR)) == "failed"


def test_2_the_first_event_that_failed_it_decides():
    assert owed(MADE, turned("lost", 600, "weather"), turned("damaged", 700)) == "excluded"
    assert owed(MADE, turned("damaged", 600), turned("lost", 700, "weather")) == "failed"


def test_2_the_carrier_calls_off_and_has_no_excuse_unless_it_had_failed_before():
    off = turned("cancelled", 600, by="carrier")
    assert owed(MADE, failed(330, "not_home"), off) == "failed"
    assert owed(MADE, failed(330, "refused"), off) == "excluded"


def test_2_a_late_cancellation_does_not_end_it():
    # Raw late; by the first attempt it was there in time.
    assert both(MADE, failed(330), turned("cancelled", 600)) == ("late", "on_time")
    assert both(MADE, turned("cancelled", 600, "consignee_cancelled")) == ("late", "late")


def test_2_a_handover_makes_up_for_what_failed_before():
    assert both(MADE, turned("lost", 350), delivered(400)) == ("on_time", "on_time")


def test_2_returned_to_sender_after_a_void_delivery_is_the_carriers():
    # The voided delivery is a suspect attempt (L5), so no reason excuses it.
    events = MADE, delivered(400), turned("returned", 2 * DAYS, "refused")
    found = kpi(*events)
    assert both(*events) == ("failed", "failed")
    assert found["first_attempt"]["suspect"] == 1
    assert attempts_owed(*events) == (1, 0)


# -- 3: holds, and wishes after a failed attempt ---------------------------------------------


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("not_home", "excluded"),
        ("customs_delay", "excluded"),
        ("packaging", "late"),
        ("weather", "late"),
        ("capacity", "late"),
        ("gremlins", "late"),
        (None, "late"),
    ],
)
def test_3_consignee_and_authority_stop_the_clock(reason, expected):
    events = MADE, turned("held", 200, reason), released(END + 10), TOMORROW
    assert both(*events) == ("late", expected)


@pytest.mark.parametrize(
    ("began", "ended", "expected"),
    [
        (END - MS, END, "excluded"),
        (END - MS, END - MS, "late"),  # began and ended at once, before the deadline
        (END, END + 60, "late"),
        (-60 + MS, END, "excluded"),
        (200, END - MS, "late"),
        (200, None, "excluded"),
    ],
)
def test_3_a_hold_counts_that_covers_the_deadline(began, ended, expected):
    free = [] if ended is None else [released(ended)]
    assert owed(MADE, turned("held", began, "documents"), *free, TOMORROW) == expected


def test_3_the_deadline_of_a_hold_has_the_grace_and_the_promise_that_counts():
    rules = Rules.model_validate({"defaults": {"grace_minutes": {"window": 10}}})
    hold = turned("held", END + 5, "documents")
    assert owed(MADE, hold, TOMORROW, rules=rules) == "excluded"
    assert owed(MADE, hold, TOMORROW) == "late"
    moved = changed(100, window=(START + DAYS, END + DAYS))
    assert owed(MADE, moved, hold, delivered(600 + DAYS)) == "excluded"


@pytest.mark.parametrize(
    ("next_", "ends"),
    [
        (released(400), True),
        (in_transit(400), True),
        (at_depot(400), True),
        (out(400), True),
        (arrived(400), True),
        (turned("available_for_pickup", 400), True),
        (changed(400, window=(START, END), by="carrier"), False),
        (promised(400, window=(START, END), carrier="other"), False),
        (turned("held", 400), False),
        (turned("held", 400, "capacity"), False),
    ],
)
def test_3_what_touches_the_parcel_ends_a_hold_and_nothing_else(next_, ends):
    events = MADE, turned("held", 200, "documents"), next_, TOMORROW
    assert owed(*events) == ("late" if ends else "excluded")


def test_3_a_withdrawn_hold_never_was_and_a_second_one_counts_by_itself():
    hold = turned("held", 200, "documents")
    assert owed(MADE, hold, withdrawn(210, hold), TOMORROW) == "late"
    assert owed(MADE, hold, released(300), turned("held", 400, "documents")) == "excluded"


@pytest.mark.parametrize(
    ("attempt", "wish", "expected"),
    [
        # The attempt and the wish lie in the window and its tolerance, 13:45 to 18:00.
        (START - 15, END, "excluded"),
        (START - 15 - MS, END, "early"),
        (START, END + MS, "on_time"),
        (END, END + MS, "on_time"),
        (END - MS, END, "excluded"),
        # "After": not at the same moment, nor before.
        (400, 400 + MS, "excluded"),
        (400, 400, "on_time"),
    ],
)
def test_3_a_wish_after_a_failed_attempt_both_inside_the_window(attempt, wish, expected):
    moved = changed(wish, window=(START + DAYS, END + DAYS))
    assert both(MADE, failed(attempt), moved, TOMORROW) == ("late", expected)


def test_3_only_the_consignees_wish_excuses():
    for by in ("carrier", "merchant"):
        moved = changed(400, window=(START + DAYS, END + DAYS), by=by)
        assert owed(MADE, failed(330), moved, TOMORROW) == "on_time"


def test_3_a_wish_after_a_success_or_without_an_attempt_excuses_nothing():
    moved = changed(400, window=(START + DAYS, END + DAYS))
    assert owed(MADE, moved, TOMORROW) == "on_time"  # before any attempt it is the promise
    assert owed(MADE, failed(330), delivered(390), moved) == "on_time"


def test_3_the_window_is_the_original_one_also_where_a_wish_moved_it():
    wish = changed(100, window=(START + DAYS, END + DAYS))
    again = changed(400 + DAYS, window=(START + 2 * DAYS, END + 2 * DAYS))
    events = MADE, wish, failed(330 + DAYS), again, delivered(400 + 2 * DAYS)
    assert owed(*events) == "on_time"  # tried inside the second window, not the first


@pytest.mark.parametrize(
    ("promise", "attempt", "wish", "expected"),
    [
        # A day, in UTC: 00:00 to 24:00 is minute -540 to 900.
        ({"date": 300}, -540, 900 - MS, "excluded"),
        ({"date": 300}, -540 - MS, 0, "on_time"),
        ({"date": 300}, 0, 900, "on_time"),
        # An instant: a quarter of an hour on either side.
        ({"instant": 300}, 285, 315, "excluded"),
        ({"instant": 300}, 285 - MS, 315, "early"),
        ({"instant": 300}, 285, 315 + MS, "on_time"),
    ],
)
def test_3_inside_a_promised_day_or_instant(promise, attempt, wish, expected):
    made = promised(-2 * DAYS, **promise)
    moved = changed(wish, window=(START + 2 * DAYS, END + 2 * DAYS))
    assert owed(made, failed(attempt), moved, delivered(400 + 2 * DAYS)) == expected


def test_3_a_window_without_a_start_has_begun():
    made = promised(0) | {"promise": {"end": "2026-03-03T18:00:00Z", "precision": "window"}}
    moved = changed(20, window=(START + DAYS, END + DAYS))
    assert owed(made, failed(10), moved, TOMORROW) == "excluded"


# -- 4: the first attempt --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (START - 15 - MS, "early"),
        (START - 15, "on_time"),
        (END, "on_time"),
        (END + MS, "late"),
    ],
)
def test_4_the_first_attempt_against_the_window(minute, expected):
    assert owed(MADE, failed(minute), TOMORROW) == expected
    assert owed(MADE, failed(minute)) == expected  # whether or not a handover follows
    assert owed(MADE, delivered(minute)) == expected


def test_4_an_implicit_failure_is_an_attempt():
    events = MADE, out(240), turned("available_for_pickup", 400), delivered(400 + DAYS)
    assert both(*events) == ("late", "on_time")
    assert kpi(*events)["first_attempt"]["implicit_failures"] == 1


def test_4_the_promise_is_the_effective_one():
    moved = changed(100, window=(START + DAYS, END + DAYS))
    assert owed(MADE, moved, failed(330 + DAYS), delivered(400 + 2 * DAYS)) == "on_time"
    assert owed(MADE, failed(330 + DAYS), delivered(400 + 2 * DAYS)) == "late"


def test_4_a_visit_that_ended_well_counts_from_its_success():
    assert owed(MADE, failed(END - 1), delivered(END + 1)) == "late"


def test_4_a_diverted_handover_is_an_attempt_in_time():
    assert both(MADE, delivered(400, "neighbour")) == ("on_time", "on_time")


def test_4_a_day_early_is_an_early_day_in_the_accountable_view_too():
    found = kpi(promised(0, date=DAYS), failed(60), delivered(DAYS + 60))["delivery_time"]
    assert (found["early_days"], found["accountable"]["early_days"]) == (0, 1)
    assert (found["on_time"], found["accountable"]["on_time"]) == (1, 1)


def test_4_an_assumed_zone_leaves_the_handover_open_and_not_an_attempt():
    # 17:30 UTC is in the window, 17:30 in New York is 22:30 UTC.
    made = promised(0, window=(START, END), timezone="America/New_York")
    scan = delivered(510, time_quality="assumed", observed=DAYS)
    assert both(made, scan) == ("indeterminate", "indeterminate")
    assert both(made, failed(330), out(340), scan) == ("indeterminate", "on_time")
    missed = failed(510, time_quality="assumed", observed=DAYS)
    assert owed(made, missed, delivered(2 * DAYS)) == "on_time"


# -- 5: the handover, else late --------------------------------------------------------------


@pytest.mark.parametrize(
    ("minute", "expected"), [(END, "on_time"), (END + MS, "late"), (START - 16, "early")]
)
def test_5_after_a_suspect_attempt_the_handover_counts(minute, expected):
    far = failed(START - 200, position=FAR)
    assert owed(MADE, far, out(START - 190), delivered(minute)) == expected


def test_5_after_a_void_delivery_the_next_handover_counts():
    events = MADE, delivered(400), out(400 + HOUR), delivered(400 + DAYS)
    assert both(*events) == ("late", "late")
    events = MADE, delivered(310), out(310 + HOUR), delivered(END)
    assert both(*events) == ("on_time", "on_time")


def test_5_nothing_at_all_is_late():
    assert both(MADE) == ("late", "late")
    assert both(MADE, NEVER_THERE) == ("late", "late")


# -- first attempts --------------------------------------------------------------------------


@pytest.mark.parametrize(("reason", "party"), PARTIES.items())
def test_first_attempts_of_others_are_left_out(reason, party):
    expected = (1, 0) if party == "carrier" else (0, 0)
    assert attempts_owed(MADE, failed(330, reason)) == expected
    assert attempts_owed(MADE, failed(330, reason, position=FAR)) == (1, 0)


@pytest.mark.parametrize(("minute", "left_out"), [(START - 15, True), (START - 15 - MS, False)])
def test_p4_before_the_window_a_failure_is_the_carriers_whatever_its_reason(minute, left_out):
    assert attempts_owed(MADE, failed(minute)) == ((0, 0) if left_out else (1, 0))
    found = blamed(MADE, failed(minute))
    assert found is not None
    assert found[0] == ("consignee" if left_out else "carrier")


def test_p4_asks_the_attempt_that_gave_the_reason():
    found = blamed(MADE, failed(60), failed(400, "weather"), TOMORROW)
    assert found == ("force_majeure", "weather", "attempt_failed")


def test_p4_is_about_windows_with_a_start():
    for promise in ({"instant": START}, {"date": START + DAYS}, {}):
        assert attempts_owed(promised(0, **promise), failed(60)) == (0, 0)
    open_ = {"end": "2026-03-03T18:00:00Z", "precision": "window"}
    assert attempts_owed(promised(0) | {"promise": open_}, failed(60)) == (0, 0)


def test_successes_and_orders_without_an_attempt():
    assert attempts_owed(MADE, delivered(400)) == (1, 1)
    assert attempts_owed(MADE, failed(390), delivered(400)) == (1, 1)
    assert attempts_owed(MADE) == (0, 0)
    assert attempts_owed(MADE, delivered(400, "neighbour")) == (1, 0)  # diverted: the carrier's


# -- whose fault, and what it rests on -------------------------------------------------------


def test_nobody_is_at_fault_where_nothing_was_missed():
    assert blamed(MADE, delivered(400)) is None
    assert blamed(MADE, turned("cancelled", 100)) is None
    assert blamed(MADE, failed(330), delivered(340)) is None


def test_faults():
    assert blamed(MADE) == ("carrier", "unknown")
    early = blamed(MADE, delivered(200))
    assert early == ("carrier", "handed over, promise of precision window", "delivered")
    assert blamed(MADE, failed(330), TOMORROW) == ("consignee", "not_home", "attempt_failed")
    assert blamed(MADE, failed(330, "gremlins")) == ("carrier", "unknown", "attempt_failed")
    # Nobody home explains no visit that comes after the window, and a refusal is a refusal.
    for minute, party in ((END, "consignee"), (END + MS, "carrier")):
        found = blamed(MADE, failed(minute))
        assert found is not None
        assert found[0] == party
    assert blamed(MADE, failed(END + 60, "refused")) == (
        "consignee",
        "refused",
        "attempt_failed",
    )
    off = turned("cancelled", 600, by="carrier")
    assert blamed(MADE, off) == ("carrier", "unknown")
    # A hold over the deadline goes before the reason of an attempt, one that ended does not.
    for ended, party in ((END, "authority"), (END - 1, "consignee")):
        hold = turned("held", 350, "documents")
        found = blamed(MADE, failed(330), hold, released(ended), TOMORROW)
        assert found is not None
        assert found[0] == party


def verdict_of(*events: Event) -> tuple[str, tuple[tuple[str, str], ...]]:
    order = order_of(events)
    assert order.promise is not None
    clock = order.promise.late_from
    found = judge_accountable(order.track, order.promise, clock, JUDGEMENT, order.presence)
    return found.rule, found.evidence


def test_a_verdict_names_its_rule_and_the_events_that_decided():
    hold, scan, gone = turned("held", 200, "documents"), failed(330), turned("returned", 600)
    refused, wish = failed(330, "refused"), changed(340, window=(START + DAYS, END + DAYS))
    off, said = turned("cancelled", 700, by="carrier"), decided(800, "early")
    stop = turned("cancelled", 100)
    what = "returned, and no handover after it"
    expected: list[tuple[tuple[Event, ...], str, tuple[Event, ...]]] = [
        ((MADE,), "no handover when the deadline passed", ()),
        ((MADE, said), "decided in a dispute", (said,)),
        ((MADE, stop), "cancelled before the deadline", (stop,)),
        ((MADE, gone), f"{what}; unknown: the carrier's", (gone,)),
        ((MADE, scan, gone), f"{what}; not_home: the consignee's", (gone, scan)),
        ((MADE, refused),
            "attempt_failed, and no handover after it; refused: the consignee's", (refused,),
        ),
        ((MADE, NEVER_THERE, gone),
            f"{what}; the first attempt is not believed: recorded far from the door",
            (gone, NEVER_THERE),
        ),
        ((MADE, off), "called off by the carrier", (off,)),
        ((MADE, hold), "held over the deadline; documents: an authority's", (hold,)),
        ((MADE, scan, wish),
            "the consignee wished otherwise after a failed first attempt", (scan, wish),
        ),
        ((MADE, scan), "first attempt, promise of precision window", (scan,)),
        ((MADE, TOMORROW), "handed over, promise of precision window", (TOMORROW,)),
    ]  # fmt: skip
    for events, rule, because in expected:
        assert verdict_of(*events) == (rule, names(*because))
