"""What surrounds the deviations of ETAs (kpis 2.5): shares, age, clocks, ranges, score, churn.

The order is handed over at minute 400 unless a test says otherwise.
"""

import pytest

from tests.domain.given import MS, kpi
from tests.story import changed, delivered, eta, failed, out, promised

PROMISED = promised(0, window=(300, 540))
END = delivered(400)
MINUTE = 60


def at_60(*events):
    return kpi(PROMISED, *events)["eta_deviation"]["t60"]


@pytest.mark.parametrize(
    ("late", "within", "beyond"),
    [
        (0, (1, 1, 1, 1), (0, 0)),
        (5, (1, 1, 1, 1), (0, 0)),
        (5 + MS, (0, 1, 1, 1), (0, 0)),
        (-10, (0, 1, 1, 1), (0, 0)),
        (-10 - MS, (0, 0, 1, 1), (0, 0)),
        (15, (0, 0, 1, 1), (0, 0)),
        (15 + MS, (0, 0, 0, 1), (0, 1)),
        (-15 - MS, (0, 0, 0, 1), (1, 0)),
        (-30, (0, 0, 0, 1), (1, 0)),
        (30 + MS, (0, 0, 0, 0), (0, 1)),
    ],
)
def test_limits_belong_to_the_share_within_them(late, within, beyond):
    found = at_60(eta(330, 400 - late), END)
    names = ("within_5min", "within_10min", "within_15min", "within_30min")
    assert tuple(found[name]["k"] for name in names) == within
    assert (found["earlier_than_15min"]["k"], found["later_than_15min"]["k"]) == beyond
    assert {found[name]["n"] for name in names} == {1}


def test_quantiles_of_absolute_values_are_of_nearest_rank():
    events = []
    for late in range(1, 21):  # the even ones early
        order = {"order": f"o-{late}"}
        signed = -late if late % 2 == 0 else late
        events += [
            promised(0, window=(300, 540), **order),
            eta(330, 400 - signed, **order),
            delivered(400, **order),
        ]
    found = kpi(*events)["eta_deviation"]["t60"]
    for name, minutes in (("p50_abs", 10), ("p80_abs", 16), ("p90_abs", 18), ("p95_abs", 19)):
        assert found[name] == pytest.approx(minutes * MINUTE, rel=0.01), name
    # 1 - 2 + 3 - ... - 20 is -10, and 1 + 2 + ... + 20 is 210.
    assert found["mean"] == -10 * MINUTE / 20
    assert found["mae"] == 210 * MINUTE / 20


@pytest.mark.parametrize(("said", "stale"), [(325, 0), (325 - MS, 1), (340, 0)])
def test_an_eta_is_stale_when_it_was_said_more_than_a_quarter_of_an_hour_before(said, stale):
    assert at_60(eta(said, 400), END)["stale"] == stale


# -- by the customer's clock -------------------------------------------------------------


def predicted(found):
    return {
        minutes: found["eta_deviation"][f"t{minutes}_predicted"]["mean"]
        for minutes in (120, 60, 30, 15)
    }


def test_a_horizon_is_entered_when_the_eta_in_force_first_says_so():
    # The first would have come within two hours at 280, but was replaced before.
    found = kpi(PROMISED, eta(100, 400), eta(250, 340), END)
    assert predicted(found) == dict.fromkeys((120, 60, 30, 15), 60 * MINUTE)
    part = found["eta_deviation"]
    # Within two hours as it was said, within one hour at 280: half an hour old by then.
    assert (part["t120_predicted"]["stale"], part["t60_predicted"]["stale"]) == (0, 1)
    assert part["t60"]["mean"] == 60 * MINUTE


def test_an_eta_that_slides_never_enters_the_short_horizons():
    found = kpi(PROMISED, eta(300, 380), eta(340, 420), eta(380, 460), END)
    assert predicted(found) == {120: 20 * MINUTE, 60: 20 * MINUTE, 30: None, 15: None}
    coverage = found["eta_deviation"]["t30_predicted"]["coverage"]
    assert (coverage["k"], coverage["n"]) == (0, 1)
    assert found["eta_deviation"]["t30"]["mean"] == -20 * MINUTE  # by the actual handover


def test_a_horizon_entered_at_the_handover_counts():
    assert predicted(kpi(PROMISED, eta(300, 415), END))[15] == -15 * MINUTE
    assert predicted(kpi(PROMISED, eta(300, 415 + MS), END))[15] is None


def test_a_consignees_change_begins_a_series_anew():
    moved = changed(200, window=(380, 420))
    found = kpi(PROMISED, eta(100, 210), moved, eta(250, 390), END)
    assert predicted(found) == {120: 10 * MINUTE, 60: 10 * MINUTE, 30: 10 * MINUTE, 15: 600}
    assert found["eta_quality"]["buckets"]["beyond"]["n"] == 1
    assert predicted(kpi(PROMISED, eta(100, 210), moved, END))[120] is None


def test_the_towers_own_have_both_clocks_too():
    found = kpi(PROMISED, eta(300, 390, by="tower"), END)
    assert found["eta_deviation_by"]["tower"]["t60_predicted"]["mean"] == 10 * MINUTE
    assert found["eta_deviation"]["t60_predicted"]["n"] == found["eta_quality"]["n"] == 0


# -- ranges ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "inside", "pinball"),
    [
        (390, 410, 1, 2 * MINUTE),  # 0.1 x 10 and 0.1 x 10
        (400, 420, 1, 2 * MINUTE),  # 0.1 x 0 and 0.1 x 20
        (380, 400, 1, 2 * MINUTE),
        (370, 390, 0, 12 * MINUTE),  # 0.1 x 30 and 0.9 x 10
        (405, 425, 0, 7 * MINUTE),  # 0.9 x 5 and 0.1 x 25
    ],
)
def test_a_range_is_held_against_the_handover(low, high, inside, pinball):
    said = eta(330, 400, eta_low=_text(low), eta_high=_text(high))
    found = at_60(said, END)["range"]
    assert (found["n"], found["coverage"]["k"], found["width"]) == (1, inside, 20 * MINUTE)
    assert found["pinball"] == pytest.approx(pinball)


def test_half_a_range_is_none():
    assert at_60(eta(330, 400, eta_low=_text(390)), END)["range"]["n"] == 0


def test_a_range_without_width_may_be_right():
    found = at_60(eta(330, 400, eta_low=_text(400), eta_high=_text(400)), END)["range"]
    assert (found["n"], found["coverage"]["k"], found["width"], found["pinball"]) == (
        1,
        1,
        0,
        0,
    )


def _text(minute):
    return eta(0, minute)["eta"]


# -- score, churn, censored --------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "late", "bucket", "good"),
    [
        (0, 5, "to_15min", 1),
        (15, 5, "to_15min", 1),
        (15, 5 + MS, "to_15min", 0),
        (15, -3, "to_15min", 1),
        (15, -3 - MS, "to_15min", 0),
        (15 + MS, 10, "to_30min", 1),
        (30, -5 - MS, "to_30min", 0),
        (60, 15, "to_60min", 1),
        (60, -10 - MS, "to_60min", 0),
        (120, 30, "to_120min", 1),
        (120, -15 - MS, "to_120min", 0),
        (120 + MS, 60, "beyond", 1),
        (300, -30 - MS, "beyond", 0),
    ],
)
def test_what_is_good_depends_on_how_far_the_handover_is(before, late, bucket, good):
    found = kpi(PROMISED, eta(400 - before, 400 - late), END)["eta_quality"]
    assert {name: each["n"] for name, each in found["buckets"].items() if each["n"]} == {
        bucket: 1
    }
    assert found["buckets"][bucket]["k"] == found["score"] == good


def test_the_score_is_the_unweighted_mean_of_the_buckets_that_have_any():
    said = eta(100, 390), eta(388, 400), eta(389, 420), eta(401, 500)
    found = kpi(PROMISED, *said, END)["eta_quality"]
    assert (
        found["buckets"]["to_15min"]["value"] == 0.5
    )  # one of two; one came too late to count
    assert found["buckets"]["beyond"]["value"] == 1
    assert (found["score"], found["n"]) == (0.75, 1)


def test_churn_is_the_way_over_the_distance():
    # 20 + 10 + 20 minutes of way from 380 to 410; the last two steps once on the vehicle.
    said = eta(100, 380), eta(200, 400), out(250), eta(260, 390), eta(300, 410)
    other = promised(0, order="B"), eta(300, 400, order="B"), delivered(400, order="B")
    found = kpi(PROMISED, *said, END, *other)["eta_quality"]
    assert found["churn"] == 50 / 30
    assert (found["n"], found["jumps_per_delivery"]) == (2, 0.5)  # ten minutes are no jump


def test_an_eta_that_comes_back_has_no_churn_to_speak_of():
    found = kpi(PROMISED, eta(100, 380), eta(200, 400), eta(300, 380), END)["eta_quality"]
    assert (found["churn"], found["jumps_per_delivery"]) == (None, 0)


@pytest.mark.parametrize(
    ("events", "censored", "n"),
    [
        ((eta(300, 390), failed(400)), 1, 0),
        ((eta(401, 500), failed(400)), 0, 0),
        ((eta(300, 390, by="tower"), failed(400)), 0, 0),
        ((eta(300, 390),), 0, 0),
        ((eta(300, 390), failed(400), out(600), delivered(700)), 0, 1),
    ],
)
def test_an_eta_that_met_a_failed_attempt_is_censored_until_a_handover(events, censored, n):
    found = kpi(PROMISED, *events)["eta_quality"]
    assert (found["censored"], found["n"]) == (censored, n)


def test_of_nothing_there_is_no_score():
    found = kpi(PROMISED, END)["eta_quality"]
    assert (found["score"], found["churn"], found["jumps_per_delivery"]) == (None, None, None)
