"""The scores of predictions, by hand; and that a rival knows no more than the tower."""

import numpy as np
import pytest

from tests.bench.rivals import Asked, naive
from tests.bench.scores import auc, average_precision, coverages, worst_window

P = np.array([0.9, 0.5, 0.5, 0.1])
LATE = np.array([True, False, True, False])


def test_auc_counts_ties_half():
    # Pairs late/not: .9>.5, .9>.1, .5=.5, .5>.1.
    assert auc(P, LATE) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(P, np.array([False] * 4)))


def test_average_precision_takes_those_of_one_probability_at_once():
    # The first late one at precision 1, the second among three of which two are late.
    assert average_precision(P, LATE) == pytest.approx((1 + 2 / 3) / 2)


def test_the_worst_window_is_the_worst_of_a_thousand_in_a_row():
    promise, error = np.ones(3_000), np.full(3_000, 0.5)
    error[:500] = 9.0  # too early to count
    error[1_500:2_500] = 1.2
    assert worst_window(error, promise) == pytest.approx(1.2)
    assert np.isnan(worst_window(error[:1_400], promise[:1_400]))


def test_carriers_with_few_orders_are_not_held_to_account():
    inside = np.r_[np.ones(300, bool), np.zeros(200, bool), np.zeros(499, bool)]
    carriers = np.array(["a"] * 500 + ["b"] * 499)
    assert coverages(inside, carriers) == [pytest.approx(0.6)]


def test_naive_answers_know_what_was_received_before():
    asked = Asked(
        at=np.array([0.0, 10.0, 20.0]), known=np.array([15.0, 12.0, 30.0]),
        slack=np.full(3, 100.0), point=np.full(3, -10.0),
        deviation=np.array([20.0, -40.0, 0.0]), numbers=np.zeros((3, 1)),
        routes=[("c", "r"), ("c", "s"), ("c", "r")],
    )  # fmt: skip
    found = naive(asked, 0.0)
    # The third knows both: the first went its route, 120 s long and 30 s after the point.
    assert found["mean speed"].tolist() == [0, 0, 20]
    assert found["last deviation"].tolist() == [-10, -10, 20]
    # Of all one in two was late: (1 + 10 x 1.5/3) of (1 + 10).
    assert found["late share"].tolist() == pytest.approx([0.5, 0.5, 6 / 11])
