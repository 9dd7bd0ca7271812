"""What keeps a forecast honest: it goes no further from the promise than was bearable."""

import math

import numpy as np
import pytest

from streams.domain.forecast.caution import BLOCK, BLOCKS, WAYS, begun, note
from streams.domain.forecast.learner import Learner
from streams.domain.forecast.predictor import Predictor
from tests.domain.test_forecast import day, moment, noise


def part_after(labels, middle, deviation, tried=None):
    """Return the part gone after so many labels; the promise expects 0."""
    tried = begun() if tried is None else tried
    for number in range(labels):
        note(tried, 0.0, middle(number), deviation(number))
    return tried["part"][0]


def test_the_whole_way_is_gone_where_that_errs_least():
    # The model is right: half the way errs half of what the promise does, far from its 1 %.
    assert part_after(BLOCK, lambda _: 60.0, lambda _: 60.0) == 1.0


def test_half_the_way_is_gone_before_anything_is_known():
    assert begun()["part"] == [0.5]
    assert part_after(BLOCK - 1, lambda _: 60.0, lambda _: 60.0) == 0.5


def test_who_is_worse_than_the_promise_goes_no_way_at_all():
    # Every way away from 0 errs more: 15 s to 60 s beside none.
    assert part_after(BLOCK, lambda _: 60.0, lambda _: 0.0) == 0.0


def test_a_small_gain_is_not_believed_while_there_is_doubt():
    # A tenth of the labels is 60 s late, the rest 600 s early or late in turn; the model says
    # 6 s for all: it hardly gains, and a window may well be worse.
    def deviation(number):
        return 60.0 if number % 10 == 0 else 600.0 * (-1) ** number

    assert part_after(BLOCK * 10, lambda _: 6.0, deviation) == 0.0


def test_a_bad_window_is_remembered_after_it_has_passed_and_forgiven_later():
    tried = begun()
    assert part_after(BLOCK * 20, lambda _: 60.0, lambda _: 60.0, tried) == 1.0
    # The model errs by 70 s, the promise by 10 s: all ways but none are worse than the promise.
    assert part_after(BLOCK * BLOCKS, lambda _: 60.0, lambda _: -10.0, tried) == 0.0
    # A window later all of that is gone from the window, and not from memory.
    assert part_after(BLOCK * (BLOCKS + 1), lambda _: 60.0, lambda _: 60.0, tried) < 1.0
    # Seven times as bad fades by 2 % a block: 6 x 0.98^n <= 0.015 from n = 297 on.
    assert part_after(BLOCK * 297, lambda _: 60.0, lambda _: 60.0, tried) == 1.0


def test_ways_rise_from_the_promise_to_the_median():
    assert (WAYS[0], WAYS[-1]) == (0.0, 1.0)
    assert list(WAYS) == sorted(WAYS)


def test_the_median_stays_at_the_promise_where_the_model_is_worse():
    predictor = Predictor(480.0, (0,))
    for number in range(400):
        predictor.learn(
            np.array([1.0]), (), predictor.predict(np.array([1.0]), (), 0.0, -1e6, 0.0),
            0.0, 600.0 if number % 3 else -1_200.0,
        )  # fmt: skip
    # Two of three are 10 min late: a median there errs (0 + 0 + 30) / 3 = 10 min, the promise
    # (10 + 10 + 20) / 3 = 13.3 min, so the model is right to leave it.
    said = predictor.predict(np.array([1.0]), (), 0.0, -1e6, 0.0)
    assert said.p50 > 300
    predictor.tried["part"] = [0.0]
    kept = predictor.predict(np.array([1.0]), (), 0.0, -1e6, 0.0)
    assert kept.p50 == 0.0
    assert kept.p10 <= 0.0 <= kept.p90
    assert kept.late == said.late  # P(late) is the model's


def test_an_end_of_the_range_moves_to_where_too_many_came():
    predictor = Predictor(480.0, (0,))
    x = np.array([1.0])
    for number in range(600):
        said = predictor.predict(x, (), 0.0, -1e6, 0.0)
        # Three of ten are past the end of the range whatever it is, the others within it.
        past = number % 10 < 3
        predictor.learn(x, (), said, 0.0, said.p90 + 1 if past else said.p50)
    low, high = predictor.ends
    assert high > 0.2  # a higher quantile than that of 90 % is the end
    assert low > 0.2  # and of those before the range there were none: it is narrower there


def test_inputs_a_thousand_times_too_large_everywhere_stay_finite():
    learner = Learner()
    found = day(
        learner, 900, lambda number: 600 * noise(number) * (1_000 if number > 400 else 1),
        scale=lambda number: 1_000.0 if number > 300 else 1.0,
        attributes=lambda number: {"kg": 1e9 * noise(number), "van": "big"},
    )  # fmt: skip
    for said, _ in found:
        assert all(map(math.isfinite, (said.p10, said.p50, said.p90, *said.late.values())))
        assert said.p10 <= said.p50 <= said.p90


def test_heavy_tails_leave_the_middle_where_it_is():
    # One of fifty is a day to a month late, as tan() has it; the rest within five minutes.
    def lateness(number):
        return 86_400 * (1 + number % 30) if number % 50 == 0 else 300 * noise(number)

    found = day(Learner(), 2_500, lateness)[1_000:]
    usual = [(said, late) for said, late in found if late < 86_400]
    assert np.mean([abs(said.p50) for said, _ in usual]) < 150
    assert np.mean([said.p10 <= late <= said.p90 for said, late in usual]) > 0.7


def test_a_new_carrier_begins_where_all_are():
    learner = Learner()
    day(learner, 800, lambda number: 900 + 60 * noise(number))
    known, new = (learner.foresee(moment(900, carrier=name)).forecast for name in ("fast", "n"))
    # All are a quarter of an hour late: nobody tells it of the new one, and it is expected.
    assert new.p50 == pytest.approx(known.p50, abs=300)
    assert new.late[0] > 0.9


def test_while_nothing_is_heard_what_may_still_come_is_what_is_left():
    """P(later than c | not by e) = P(later than c) / P(later than e)."""
    predictor = Predictor(480.0, (0, 600, 840))
    before = predictor.predict(np.zeros(1), (), 0.0, -1e6, 0.0).late
    after = predictor.predict(np.zeros(1), (), 0.0, 600.0 - 1e-6, 0.0).late
    # Laplace of scale 8 min: P(later than 840 s) / P(later than 600 s) = exp(-240 / 480).
    assert after[0] == after[600] or after[600] == pytest.approx(1, abs=1e-3)
    assert after[840] == pytest.approx(before[840] / before[600], rel=0.01)
    assert after[840] == pytest.approx(math.exp(-0.5), rel=0.05)
