"""How predictions did: one score an order and horizon, worked out by hand."""

from datetime import datetime

import msgspec
import pytest

from models.base import millis
from models.rules import Rules
from streams.domain.forecast.predictor import Forecast
from streams.domain.kpi import predictions
from streams.domain.scoring.drift import MOST_BAD, WINDOW, Watch
from streams.domain.scoring.model import Model, probability
from streams.replay import Replay
from tests.story import (
    delivered,
    event,
    moment,
    out,
    promise,
    promised,
    story,
    turned,
)


class Says(Model):
    """A model that says what the region of an order is called, in percent; then learns."""

    def foresee(self, m, deadline, threshold):
        said, found = super().foresee(m, deadline, threshold)
        p = int(m.region.split("-")[0]) * 10_000
        return said, msgspec.structs.replace(
            found, p=p, base=self.base(m.carrier, m.service), low=m.end - 600_000, high=m.end
        )


def replayed(*events, as_of=None):
    replay = Replay(Rules(), predict=True)
    replay.model.__class__ = Says
    replay.run(story(*events), as_of)
    return replay


def section(*events, as_of=None):
    return replayed(*events, as_of=as_of).report()["total"]["predictions"]


def order(name, percent, handed, **told):
    """A window from nine to eleven promised at eight; handed over at a minute after nine."""
    return [
        promised(-60, window=(0, 120), order=name, region=f"{percent}-{name}", **told),
        delivered(handed, order=name),
    ]


def day():
    """Five orders, all on time but C and E: P(late) 10, 20, 80, 60, 40 percent."""
    return [
        *order("A", 10, 115), *order("B", 20, 116), *order("C", 80, 150),
        *order("D", 60, 100), *order("E", 40, 151),
    ]  # fmt: skip


def test_the_scores_of_a_day_are_as_by_hand():
    created = section(*day())["created"]
    # Off by 0.1, 0.2, 0.2, 0.6 and 0.6.
    assert created["brier"] == pytest.approx(0.81 / 5)
    # Nothing was known when all five were promised: q is a half.
    assert created["brier_reference"] == 0.25
    assert created["skill"] == pytest.approx(1 - 0.81 / 5 / 0.25)
    assert (created["n"], created["late"], created["threshold"]) == (5, 2, 0.5)
    # Alerts: C, which was late, and D, which was not.
    assert (created["precision"]["k"], created["precision"]["n"]) == (1, 2)
    assert (created["recall"]["k"], created["recall"]["n"]) == (1, 2)
    assert (created["false_alerts"]["k"], created["alerts_per_1000"]) == (1, 400.0)
    # C is above A, B, D; E above A, B and below D: 5 of 6 pairs.
    assert created["auc"] == pytest.approx(5 / 6)
    # From the top: C (1 of 1), D, E (2 of 3).
    assert created["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    # From eight to the first millisecond after eleven.
    assert created["lead_median"] == pytest.approx(3 * 3_600, rel=0.01)
    assert created["recall_30min"]["k"] == 1
    # Ranges from 10:50 to 11:00: A and B inside; D before, C and E after.
    assert (created["interval_coverage"]["k"], created["interval_coverage"]["n"]) == (2, 5)
    assert created["interval_width"] == 600.0
    # Five predictions, each the only one of its tenths; a bin's p is its middle.
    assert [(each["p"], each["observed"]) for each in created["calibration"]] == [
        (pytest.approx(p), late)
        for p, late in ((0.1005, 0), (0.2005, 0), (0.4005, 1), (0.6005, 0), (0.8005, 1))
    ]
    assert created["calibration_error"] == pytest.approx(
        (0.1005 + 0.2005 + 0.5995 + 0.6005 + 0.1995) / 5
    )


def test_an_order_counts_at_each_horizon_it_reached_open():
    found = section(*day())
    # d120 is at nine; A was handed over at 10:55, after d60 (ten) and d30 (10:30).
    assert {name: block["n"] for name, block in found.items()} == {
        "created": 5, "d120": 5, "d60": 5, "d30": 5
    }  # fmt: skip
    # D was handed over at 10:40, after 10:30; so all are open at d30.
    assert found["d30"]["lead_median"] == found["created"]["lead_median"]  # the first alert


def test_before_the_deadline_nothing_is_scored():
    assert "predictions" not in replayed(*day()[:2]).report()["total"]
    late_from = millis(datetime.fromisoformat(moment(120))) + 1
    scored = section(*day()[:2], as_of=late_from)
    assert scored["created"]["n"] == 1


def test_what_is_said_when_it_is_late_already_is_no_prediction():
    found = section(promised(-60, window=(0, 120), region="90-x"), out(130), delivered(140))
    assert set(found) == {"created", "d120", "d60", "d30"}


def test_cancelled_in_time_is_left_out_and_failed_is_late():
    found = section(
        promised(-60, window=(0, 120), order="A", region="90-x"),
        turned("cancelled", 10, by="consignee", order="A"),
        promised(-60, window=(0, 120), order="B", region="90-x"),
        turned("lost", 10, order="B"),
        promised(-60, window=(0, 120), order="C", region="90-x"),
        delivered(130, order="D"),
    )
    # C is late without a handover, B has failed; D is no order that was promised.
    assert (found["created"]["n"], found["created"]["late"]) == (2, 2)
    assert found["created"]["interval_coverage"]["n"] == 0


def test_a_wish_of_the_customer_leaves_what_was_said_before_unscored():
    found = section(
        promised(-60, window=(0, 120), region="90-x"),
        event("promise_changed", -30, promise=promise(window=(300, 420)), by="consignee"),
        delivered(425),
    )
    created = found["created"]
    assert (created["n"], created["rescheduled"]) == (0, 1)
    assert created["brier"] is None
    assert (found["d60"]["n"], found["d60"]["late"], found["d60"]["rescheduled"]) == (1, 1, 0)


def test_an_order_that_somebody_stepped_in_for_stands_apart():
    found = section(
        *order("A", 80, 100),
        event("intervention_made", 0, order="A", action="rerouted", by="support"),
        *order("B", 80, 150),
    )["created"]
    assert (found["n"], found["false_alerts"]["k"]) == (1, 0)
    both = found["with_intervened"]
    assert (both["n"], both["false_alerts"]["k"]) == (2, 1)


def test_the_base_rate_is_the_share_of_those_that_are_over():
    replay = replayed(
        *order("A", 50, 150),
        *order("B", 50, 151),
        promised(160, window=(170, 290), order="C", region="50-c"),
        delivered(200, order="C"),
        event("customer_asked", 400, order="C", topic="other"),
    )
    # Two late of two, and a prior of one late in two: 3 of 4.
    said = replay.orders.row("C").told.foreseen.said["created"]
    assert said.base == 750_000
    assert said.model == 2
    total = replay.report()["total"]["predictions"]["created"]
    # A and B against a half, C on time against three quarters.
    assert total["brier_reference"] == pytest.approx((0.25 + 0.25 + 0.75**2) / 3)


def test_sections_of_parts_add_up_and_the_returns_are_apart():
    report = replayed(
        *order("A", 80, 100, carrier="swift"),
        *order("B", 80, 150, carrier="slow"),
        *order("R", 80, 150, direction="return"),
    ).report()
    assert report["total"]["predictions"]["created"]["n"] == 2
    assert report["carriers"]["slow"]["predictions"]["created"]["late"] == 1
    assert report["carriers"]["swift"]["predictions"]["created"]["late"] == 0
    assert report["returns"]["predictions"]["created"]["n"] == 1


def test_one_bin_is_a_tie_and_no_late_order_has_no_rank():
    measures = {"p.ofd.late:300": 1, "p.ofd.good:300": 1}
    assert predictions.block(measures)["ofd"]["auc"] == 0.5
    only = predictions.block({"p.ofd.good:300": 3})["ofd"]
    assert (only["auc"], only["average_precision"], only["recall"]["n"]) == (None, None, 0)


def test_of_any_bar_the_probability_falls_with_it():
    late = {0: 0.4, 600: 0.3, 840: 0.28, 900: 0.27}
    forecast = Forecast(-900.0, -60.0, 2_000.0, late, 0.0, (0.0, 0.0))
    assert probability(forecast, 600) == 0.3
    assert probability(forecast, 300) == pytest.approx(0.35)
    # Beyond: through the P90, which 10 % are later than.
    assert probability(forecast, 1_450) == pytest.approx(0.185)
    assert probability(forecast, 9_000) == pytest.approx(0.1)
    # Before: half are later than the median, nine in ten than the P10.
    assert probability(forecast, -60) == pytest.approx(0.5)
    assert probability(forecast, -3_600) == pytest.approx(0.9)
    said = [probability(forecast, bar) for bar in range(-4_000, 4_000, 37)]
    assert said == sorted(said, reverse=True)


def test_three_windows_without_skill_and_the_base_rate_is_said_until_one_has_some():
    watch = Watch()
    bad = [watch.note(900_000, 500_000, late=False) for _ in range(4 * WINDOW)]
    assert [at for at, turned_ in enumerate(bad, 1) if turned_] == [MOST_BAD * WINDOW]
    assert watch.fallen
    assert watch.skill == pytest.approx(1 - 0.81 / 0.25)  # 0.9 off against 0.5
    good = [watch.note(100_000, 500_000, late=False) for _ in range(WINDOW)]
    assert [at for at, turned_ in enumerate(good, 1) if turned_] == [WINDOW]
    assert not watch.fallen


def test_where_the_model_has_fallen_the_late_share_is_said_and_the_model_is_scored_on():
    replay = Replay(Rules(), predict=True)
    replay.model.watches["created"] = Watch(bad=MOST_BAD)
    replay.run(story(*order("A", 50, 150)))
    said = replay.orders.row("A").told.foreseen.said
    assert said["created"].p == said["created"].base == 500_000
    assert said["created"].learnt is not None
    assert said["d60"].learnt is None
    # The model's own loss, not the share's, was noted.
    off = (said["created"].learnt - 1_000_000) ** 2
    assert replay.model.watches["created"].loss == off
