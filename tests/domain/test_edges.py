"""The table of edge cases, row by row: given these events, these numbers (kpis 2.11).

Rows about erasure and the dispatcher's quiet hours stand with the dispatcher's tests; what a
row says of the accountable view and of groups is in `test_accountable.py` and `test_groups.py`.
"""

import random

import pytest

from models.rules import Rules
from streams import topics
from tests.domain.given import (
    DAYS,
    HOUR,
    MS,
    deviation,
    first_attempt,
    kpi,
    outcome,
    replayed,
    report,
)
from tests.story import (
    arrived,
    at_depot,
    changed,
    delivered,
    eta,
    event,
    failed,
    in_transit,
    out,
    picked_up,
    promised,
    turned,
    withdrawn,
)

# The window of most rows: 14:00 to 18:00, five and nine hours after the story's zero.
AFTERNOON = (300, 540)
TOMORROW = DAYS


def test_edge_01_before_the_window_is_early_and_not_on_time():
    found = kpi(promised(0, window=AFTERNOON), delivered(280))
    assert (outcome(found), first_attempt(found)) == ("early", "success")
    assert found["delivery_time"]["accuracy"]["k"] == 0
    assert found["delivery_time"]["otd"]["k"] == 1


@pytest.mark.parametrize(
    ("minute", "expected"), [(286, "on_time"), (285, "on_time"), (285 - MS, "early")]
)
def test_edge_02_a_quarter_of_an_hour_too_soon_is_tolerated(minute, expected):
    assert outcome(kpi(promised(0, window=AFTERNOON), delivered(minute))) == expected


@pytest.mark.parametrize(("minute", "expected"), [(540, "on_time"), (540 + MS, "late")])
def test_edge_03_the_last_moment_of_the_window_is_on_time(minute, expected):
    found = kpi(promised(0, window=AFTERNOON), delivered(minute))
    assert (outcome(found), first_attempt(found)) == (expected, "success")


def test_edge_04_a_day_before_the_promised_day_is_on_time_and_an_early_day():
    found = kpi(promised(0, date=TOMORROW, timezone="Europe/Berlin"), delivered(180))
    assert (outcome(found), first_attempt(found)) == ("on_time", "success")
    assert found["delivery_time"]["early_days"] == 1


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-04T04:59:00Z", "on_time"),
        ("2026-03-04T04:59:59.999Z", "on_time"),
        ("2026-03-04T05:00:00Z", "late"),
    ],
)
def test_edge_05_the_promised_day_is_the_local_day_of_the_destination(when, expected):
    # New York is five hours behind UTC: 3 March ends there at 05:00 on the fourth.
    found = kpi(promised(0, date=180, timezone="America/New_York"), delivered(when))
    assert outcome(found) == expected


def test_edge_06_a_time_without_zone_that_is_late_in_one_of_them_is_indeterminate():
    # 17:30 UTC is in the window, 17:30 in New York is 22:30 UTC.
    order = promised(0, window=AFTERNOON, timezone="America/New_York")
    scan = delivered(510, time_quality="assumed", observed=TOMORROW)
    found = kpi(order, scan)
    assert (outcome(found), first_attempt(found)) == ("indeterminate", "success")
    assert found["delivery_time"]["due"] == 0


def test_edge_07_a_local_time_written_as_utc_is_read_as_local():
    # The window ends at 18:00 UTC; 18:30 in Berlin is 17:30 UTC.
    order = promised(0, window=AFTERNOON, timezone="Europe/Berlin")
    assert outcome(kpi(order, delivered(570, time_quality="local_as_z"))) == "on_time"
    assert outcome(kpi(order, delivered(570))) == "late"


def test_edge_08_a_native_midnight_is_an_instant():
    order = promised(0, instant="2026-03-04T00:00:00Z")
    assert outcome(kpi(order, delivered("2026-03-04T00:15:00Z"))) == "on_time"
    assert outcome(kpi(order, delivered("2026-03-04T12:00:00Z"))) == "late"


def test_edge_09_a_promise_the_carrier_moved_and_kept_is_late():
    found = kpi(
        promised(0, date=180),
        changed(60, date=180 + DAYS, by="carrier"),
        delivered(DAYS + 60),
    )
    assert outcome(found) == "late"
    assert found["promise"]["changed_by_carrier"] == 1
    assert found["promise"]["slack_median"] == pytest.approx(86_400, rel=0.01)


def test_edge_10_a_promise_the_consignee_moved_in_time_counts():
    found = kpi(
        promised(0, window=AFTERNOON),
        changed(120, window=(300 + 3 * DAYS, 540 + 3 * DAYS)),
        delivered(400 + 3 * DAYS),
    )
    assert (outcome(found), first_attempt(found)) == ("on_time", "success")


def test_edge_11_a_promise_the_consignee_moved_after_the_first_attempt_does_not():
    found = kpi(
        promised(0, window=AFTERNOON),
        out(240),
        failed(330, "not_home"),
        changed(340, window=(300 + DAYS, 540 + DAYS)),
        delivered(400 + DAYS),
    )
    assert (outcome(found), first_attempt(found)) == ("late", "not_home")


def test_edge_12_not_home_in_the_window_and_delivered_next_day_is_late():
    found = kpi(
        promised(0, window=AFTERNOON),
        out(240),
        failed(330, "not_home"),
        out(TOMORROW),
        delivered(TOMORROW + 60),
    )
    assert (outcome(found), first_attempt(found)) == ("late", "not_home")
    assert found["first_attempt"]["implicit_failures"] == 0


def test_edge_13_a_scan_far_from_the_address_is_a_failed_attempt_in_the_raw_view():
    found = kpi(
        promised(0, window=AFTERNOON, destination={"lat": 52.52, "lon": 13.40}),
        out(240),
        failed(330, "not_home", position={"lat": 52.54, "lon": 13.40, "accuracy_m": 10.0}),
    )
    assert (outcome(found), first_attempt(found)) == ("late", "not_home")


def test_edge_14_two_scans_of_one_visit_are_one_attempt():
    replay = replayed(promised(0, window=AFTERNOON), out(240), failed(330), failed(350))
    assert len(replay.orders.order("A-1").track.attempts.visits) == 1
    found = replay.report()["total"]
    assert found["first_attempt"]["concluded"] == 1
    assert found["first_attempt"]["reasons"] == {"not_home": 1}


def test_edge_15_out_for_delivery_again_after_a_day_says_the_first_attempt_failed():
    found = kpi(
        promised(0, window=(300 + DAYS, 540 + DAYS)),
        out(60),
        out(60 + DAYS + MS),
        delivered(400 + DAYS),
    )
    assert (outcome(found), first_attempt(found)) == ("on_time", "unknown")
    assert found["first_attempt"]["implicit_failures"] == 1


def test_edge_16_back_at_the_depot_without_reaching_the_door_is_no_attempt():
    found = kpi(promised(0, window=AFTERNOON), out(240), at_depot(600))
    assert (outcome(found), first_attempt(found)) == ("late", None)
    assert found["first_attempt"]["no_attempt_return"] == 1


def test_edge_17_a_neighbour_the_consignee_agreed_to_is_a_success():
    found = kpi(
        promised(0, window=AFTERNOON), out(240), delivered(400, "neighbour", consented=True)
    )
    assert (outcome(found), first_attempt(found)) == ("on_time", "success")


def test_edge_18_a_neighbour_nobody_asked_for_fails_the_attempt_and_not_the_time():
    events = promised(0, window=AFTERNOON), out(240), delivered(400, "neighbour")
    found = kpi(*events)
    assert (outcome(found), first_attempt(found)) == ("on_time", "diverted")
    switched = Rules.model_validate({"carriers": {"nordpost": {"neighbour_counts": True}}})
    assert first_attempt(kpi(*events, rules=switched)) == "success"


def test_edge_19_a_promised_locker_is_handed_over_at_the_deposit():
    found = kpi(
        promised(0, window=AFTERNOON),
        delivered(400, "locker", consented=True),
        delivered(400 + DAYS, "consignee"),
    )
    assert (outcome(found), first_attempt(found)) == ("on_time", "success")
    assert deviation(found, "promise_window") == 0


def test_edge_20_left_at_a_pick_up_point_is_a_failed_attempt_until_it_is_collected():
    way = promised(0, window=AFTERNOON), out(240), turned("available_for_pickup", 400)
    found = kpi(*way)
    assert (outcome(found), first_attempt(found)) == ("late", "unknown")
    assert found["first_attempt"]["implicit_failures"] == 1
    found = kpi(*way, delivered(400 + DAYS, "pickup_point"))
    assert (outcome(found), first_attempt(found)) == ("late", "unknown")
    found = kpi(*way, turned("held", 400 + DAYS, "pickup_unclaimed"))
    assert outcome(found) == "failed"


def test_edge_21_refused_at_the_door_is_failed():
    found = kpi(promised(0, window=AFTERNOON), out(240), failed(400, "refused"))
    assert (outcome(found), first_attempt(found)) == ("failed", "refused")


def test_edge_22_cancelled_before_the_vehicle_left_is_excluded():
    found = kpi(promised(0, window=AFTERNOON), turned("cancelled", 200, by="consignee"))
    assert (outcome(found), first_attempt(found)) == ("excluded", None)


def test_edge_23_cancelled_by_the_merchant_on_the_way_is_excluded_and_counted():
    found = kpi(
        promised(0, window=AFTERNOON), out(240), turned("cancelled", 300, by="merchant")
    )
    assert (outcome(found), first_attempt(found)) == ("excluded", None)
    assert (found["orders"], found["delivery_time"]["due"]) == (1, 0)


def test_edge_24_a_lost_parcel_is_late_at_the_deadline_and_failed_when_it_is_said():
    way = promised(0, window=AFTERNOON), picked_up(60)
    lost = turned("lost", 2 * DAYS)
    assert outcome(kpi(*way, lost, as_of=540)) is None
    assert outcome(kpi(*way, lost, as_of=540 + MS)) == "late"  # no event, only time
    assert outcome(kpi(*way, lost, as_of=2 * DAYS)) == "failed"


def test_edge_25_a_return_parcel_has_a_cohort_of_its_own():
    found = report(promised(0, window=AFTERNOON, direction="return"), delivered(400))
    assert (found["total"]["orders"], found["carriers"]) == (0, {})
    assert found["by"] == {"service": {}, "region": {}}
    assert found["returns"]["orders"] == 1
    assert outcome(found["returns"]) == "on_time"


def test_edge_26_the_senders_receipt_of_a_returned_parcel_is_no_handover():
    found = kpi(
        promised(0, window=AFTERNOON),
        out(240),
        failed(330),
        out(DAYS),
        failed(DAYS + 60),
        turned("returning", DAYS + 120),
        turned("returned", 3 * DAYS),
        delivered(3 * DAYS + 1),
    )
    assert (outcome(found), first_attempt(found)) == ("failed", "not_home")
    assert (found["open"], found["eta_deviation"]["promise"]["n"]) == (0, 0)


def test_edge_27_a_scan_three_days_late_clears_the_verdict():
    events = promised(0, window=AFTERNOON), delivered(400, observed=400 + 3 * DAYS)
    before, after = kpi(*events, as_of=2 * DAYS), kpi(*events)
    assert (outcome(before), before["overdue"]) == ("late", 1)
    assert (outcome(after), after["overdue"]) == ("on_time", 0)
    assert first_attempt(after) == "success"


def test_edge_28_a_scan_after_maturity_changes_only_what_is_restated():
    events = promised(0, window=AFTERNOON), delivered(400, observed=540 + 7 * DAYS + MS)
    found = kpi(*events, as_of=9 * DAYS)
    assert (outcome(found), outcome(found, "restated")) == ("late", "on_time")
    assert first_attempt(found) == "success"


def test_edge_28_a_scan_after_the_row_has_ended_is_a_correction():
    scan = delivered(400, observed=540 + 90 * DAYS)
    replay = replayed(promised(0, window=AFTERNOON), scan, as_of=100 * DAYS)
    found = replay.report()
    assert found["events"]["rejected"] == {"order_closed": 1}
    assert outcome(found["total"], "restated") == "late"
    assert found["total"]["ended_silent"] == 1
    facts = [value for topic, _, value in replay.out.messages if topic == topics.ORDER_FACTS]
    assert [b'"correction"' in value for value in facts].count(True) == 1


def test_edge_29_what_remains_after_a_withdrawal_is_judged_anew():
    scan = delivered(400)
    found = kpi(promised(0, window=AFTERNOON), out(240), scan, withdrawn(420, scan))
    assert (outcome(found), first_attempt(found)) == ("late", None)
    assert (found["open"], found["delivery_time"]["delivered_then_changed"]) == (1, 0)


def test_edge_30_out_for_delivery_the_day_after_a_delivery_opens_the_order_again():
    found = kpi(promised(0, window=AFTERNOON), out(240), delivered(400), out(TOMORROW))
    assert (outcome(found), first_attempt(found)) == ("late", "unknown")
    assert found["delivery_time"]["delivered_then_changed"] == 1
    assert found["open"] == 1


def test_edge_31_five_copies_in_any_order_are_one():
    events = [
        promised(0, window=AFTERNOON),
        out(240),
        eta(250, 390),
        failed(330),
        delivered(400),
    ]
    once = report(*events)
    many = events * 5
    random.Random(31).shuffle(many)  # noqa: S311 - an order, not a secret
    shuffled = report(*many)
    assert shuffled["events"] == once["events"] | {"read": 25, "duplicate": 20}
    assert {**shuffled, "events": None} == {**once, "events": None}


def test_edge_32_parcels_of_one_purchase_are_judged_each_for_itself():
    one = promised(0, window=AFTERNOON, group_id="G"), delivered(400)
    other = (
        promised(0, window=AFTERNOON, group_id="G", order="A-2"),
        delivered(600, order="A-2"),
    )
    time = kpi(*one, *other)["delivery_time"]
    assert (time["on_time"], time["late"]) == (1, 1)
    otif = report(*one, *other)["groups"]["otif"]
    assert (otif["k"], otif["n"]) == (0, 1)


def test_edge_33_the_eta_in_force_an_hour_before_is_the_one_that_counts():
    # Handed over at 16:40. Nine ETAs, the last two minutes before; at 15:40 the one said at
    # 15:30 is in force (16:30, ten minutes short), two hours before that of 14:30 (16:10).
    said = [(260, 420), (300, 425), (330, 430), (390, 450), (405, 455), (420, 457),
            (440, 458), (450, 459), (458, 460)]  # fmt: skip
    found = kpi(
        promised(0, window=AFTERNOON),
        out(240),
        *(eta(when, expected) for when, expected in said),
        delivered(460),
    )
    assert deviation(found, "t60") == 10 * 60
    assert deviation(found, "t120") == 30 * 60
    assert deviation(found, "t30") == 2 * 60 + 60  # said at 16:00: 16:37
    assert deviation(found, "t15") == 2 * 60  # said at 16:20: 16:38
    assert deviation(found, "ofd") == 40 * 60


def test_edge_34_without_an_eta_in_time_a_horizon_is_missing():
    found = kpi(promised(0, window=AFTERNOON), eta(371, 395), delivered(400))
    assert [deviation(found, name) for name in ("t120", "t60", "t30")] == [None] * 3
    assert found["eta_deviation"]["t30"]["coverage"]["n"] == 1
    assert deviation(found, "t15") == 5 * 60


def test_edge_35_a_clock_that_runs_ahead_is_not_believed():
    # Written 18:20, received 17:40: the handover was at 17:40.
    found = kpi(promised(0, window=AFTERNOON), delivered(560, observed=520))
    assert outcome(found) == "on_time"
    assert deviation(found, "promise") == (520 - 420) * 60


@pytest.mark.parametrize(
    ("day", "when", "expected"),
    [
        # 29 March has no 02:30 in Berlin: the day closes at 03:30 summer time, 01:30 UTC.
        ("2026-03-29", "2026-03-29T01:29:59.999Z", "on_time"),
        ("2026-03-29", "2026-03-29T01:30:00Z", "late"),
        # 25 October has two: the first is 00:30 UTC.
        ("2026-10-25", "2026-10-25T00:29:59.999Z", "on_time"),
        ("2026-10-25", "2026-10-25T00:30:00Z", "late"),
    ],
)
def test_edge_36_on_the_nights_of_clock_changes_the_earliest_valid_end_counts(
    day, when, expected
):
    rules = Rules.model_validate({"defaults": {"day_end": "02:30"}})
    order = promised("2026-03-01T00:00:00Z", date=f"{day}T12:00:00Z", timezone="Europe/Berlin")
    found = kpi(order, delivered(when), as_of="2026-10-30T00:00:00Z", rules=rules)
    assert outcome(found) == expected


def test_edge_37_and_38_a_hold_does_not_stop_the_clock_of_the_raw_view():
    for reason in ("customs_delay", None):
        found = kpi(
            promised(0, window=AFTERNOON),
            turned("held", 100, reason),
            in_transit(100 + 5 * DAYS),
            delivered(200 + 5 * DAYS),
        )
        assert outcome(found) == "late"


def test_edge_39_handed_to_the_carrier_too_late_is_late_all_the_same():
    found = kpi(promised(0, window=AFTERNOON), picked_up(500), delivered(600))
    assert outcome(found) == "late"


def test_edge_40_an_intervention_is_no_life_event_and_moves_no_verdict():
    step = event("intervention_made", 290, action="rerouted", by="desk")
    found = kpi(promised(0, window=AFTERNOON), eta(280, 600), step, delivered(500))
    assert outcome(found) == "on_time"
    assert kpi(step)["orders"] == 0


@pytest.mark.parametrize(("said_at", "predicted"), [(529, 1), (541, 0)])
def test_edge_41_after_the_deadline_nothing_is_predicted(said_at, predicted):
    # The ETA is held for ten minutes before anybody is told.
    replay = replayed(
        promised(0, window=AFTERNOON), out(240), eta(said_at, 700), arrived(690), delivered(700)
    )
    facts = [value for topic, _, value in replay.out.messages if topic == topics.ORDER_FACTS]
    assert [b"delay_predicted" in value for value in facts].count(True) == predicted
    assert replay.report()["total"]["notices"]["requested"] == predicted


def test_edge_42_the_report_names_the_rules_it_was_made_with():
    strict = Rules.model_validate({"defaults": {"early_minutes": 0}})
    events = promised(0, window=AFTERNOON), delivered(290)
    assert outcome(kpi(*events)) == "on_time"
    assert outcome(kpi(*events, rules=strict)) == "early"
    assert report(*events)["rules"] != report(*events, rules=strict)["rules"]


def test_edge_45_an_id_used_again_four_months_later_is_another_order():
    found = kpi(
        promised(0, window=AFTERNOON),
        delivered(400),
        promised(120 * DAYS, window=(120 * DAYS + 60, 120 * DAYS + 120)),
        delivered(120 * DAYS + 2 * HOUR + MS),
        as_of=130 * DAYS,
    )
    time = found["delivery_time"]
    assert (found["orders"], time["on_time"], time["late"]) == (2, 1, 1)
