"""The forecast of a handover: what it learns, and what must not break it."""

import math
from itertools import pairwise

import numpy as np
import pytest

from streams.domain.forecast.attempts import AttemptLearner
from streams.domain.forecast.averages import KeyMeans, Trail
from streams.domain.forecast.learner import Learner
from streams.domain.forecast.moment import Moment
from streams.domain.forecast.regression import Regression
from streams.domain.forecast.residuals import EDGES, Histogram, Residuals, bin_of

HOUR = 3_600_000
START = 1_767_225_600_000  # 2026-01-01 00:00 UTC


def moment(number, *, scale=1.0, **said):
    """Return the moment one of many orders is created at, two hours before its promise."""
    at = START + number * 60_000
    given = {
        "stage": "created", "at": at, "precision": "instant", "carrier": "fast",
        "service": "unknown", "region": "north", "promised_at": at, "end": at + 2 * HOUR,
        "point": at + 2 * HOUR, "distance": scale * (number * 37 % 20),
    }  # fmt: skip
    return Moment(**given | said)


def day(learner, orders, lateness, *, delay=30, **said):
    """Predict orders one a minute; each is learnt from `delay` orders later, seconds late."""
    waiting, found = [], []
    for number in range(orders):
        this = moment(number, **{k: v(number) if callable(v) else v for k, v in said.items()})
        waiting.append((learner.predict(this), lateness(number)))
        if len(waiting) > delay:
            one, late = waiting.pop(0)
            handed = one.view.moment.end + round(late * 1_000)
            learner.learn([one], handed, this.at)
            found.append((one.forecast, late))
    return found


def noise(number):
    """Return a number between -1 and 1 that looks like chance and is always the same."""
    return math.sin(number * 12.9898) * 43_758.5453 % 2 - 1


def test_before_anything_is_learnt_the_promise_is_believed():
    forecast = Learner().predict(moment(0)).forecast
    assert forecast.p50 == pytest.approx(0, abs=1)
    assert forecast.p10 == pytest.approx(-forecast.p90, rel=0.01)
    # Laplace of scale 8 min: 8 min x ln 5 on either side.
    assert forecast.p90 == pytest.approx(480 * math.log(5), rel=0.02)


def test_what_the_distance_says_is_learnt():
    def lateness(number):
        return 60.0 * (number * 37 % 20) + 30 * noise(number)

    found = day(Learner(), 1_500, lateness)[1_000:]
    error = np.mean([abs(late - forecast.p50) for forecast, late in found])
    promise = np.mean([abs(late) for _, late in found])
    assert error < promise / 5
    inside = np.mean([f.p10 <= late <= f.p90 for f, late in found])
    assert 0.7 <= inside <= 0.9


def test_what_an_attribute_says_is_learnt_by_number_and_by_text():
    def attributes(number):
        return {"kg": float(number * 7 % 10), "van": "big" if number % 3 else "small"}

    def lateness(number):
        return 60.0 * (number * 7 % 10) + (0 if number % 3 else 900) + 30 * noise(number)

    found = day(Learner(), 1_500, lateness, attributes=attributes)[1_000:]
    error = np.mean([abs(late - forecast.p50) for forecast, late in found])
    assert error < np.mean([abs(late) for _, late in found]) / 3


def test_more_attributes_than_there_is_room_for_are_passed_over():
    many = {f"a{number:02}": float(number) for number in range(20)}
    view = Learner().predict(moment(0, attributes=many)).view
    none = Learner().predict(moment(0)).view
    assert len(view.vector) == len(none.vector) + 2 * 16


def test_how_far_a_parcel_has_come_says_whom_to_ask():
    said = {"picked_at": START}
    assert moment(0).kind[-1] == "waiting"
    assert moment(0, **said).kind[-1] == "picked"
    assert moment(0, out_at=START, **said).kind[-1] == "out"


def test_an_order_of_which_nothing_was_said_teaches_nothing():
    learner = Learner()
    learner.learn([], START, START)
    assert learner.predict(moment(0)).forecast == Learner().predict(moment(0)).forecast


def test_an_outlier_or_inputs_a_thousand_times_too_large_leave_everything_finite():
    def lateness(number):
        return 1e9 if number == 300 else 600 * noise(number)

    learner = Learner()
    found = day(learner, 700, lateness, scale=lambda number: 1_000.0 if number > 500 else 1.0)
    for forecast, _ in found:
        assert all(map(math.isfinite, (forecast.p10, forecast.p50, forecast.p90)))
        assert forecast.p10 <= forecast.p50 <= forecast.p90
    # Deviations are within ten minutes: one of thirty years does not move the middle by one.
    assert np.mean([abs(forecast.p50) for forecast, _ in found[-100:]]) < 660


def test_with_outcomes_dealt_out_at_random_nothing_is_predicted():
    found = day(Learner(), 2_000, lambda number: 900 * noise(number * 7_919))[500:]
    late = [(f.late[0], outcome > 0) for f, outcome in found]
    yes = [p for p, was in late if was]
    no = [p for p, was in late if not was]
    above = np.mean([(one > other) + (one == other) / 2 for one in yes for other in no])
    assert above == pytest.approx(0.5, abs=0.06)


def test_the_same_labels_make_the_same_model():
    one, other = (day(Learner(), 400, lambda number: 300 * noise(number)) for _ in range(2))
    assert one == other


def test_what_is_known_is_cut_off():
    learner = Learner()
    day(learner, 300, lambda number: 600 * noise(number))
    late = moment(400, at=START + 400 * 60_000 + 2 * HOUR + 720_000)
    forecast = learner.predict(late).forecast  # twelve minutes after the promise
    assert forecast.p10 >= 720
    assert forecast.late[0] == forecast.late[600] == 1
    assert forecast.late[840] < 1


def test_bars_further_out_are_less_likely():
    found = day(Learner(), 600, lambda number: 900 * noise(number))
    for forecast, _ in found[-50:]:
        assert forecast.late[0] >= forecast.late[600] >= forecast.late[840]


def test_where_nothing_ever_moves_the_promise_stays_believed():
    learner = Learner()
    for number in range(3):
        day(learner, 400, lambda _: 0.0)
        forecast = learner.predict(moment(1_000 * number)).forecast
        assert forecast.p50 == pytest.approx(0, abs=10)


def test_a_regression_without_news_does_not_wind_up():
    regression = Regression()
    same = np.array([1.0, 2.0, 3.0])
    for number in range(5_000):
        regression.learn(same + (number < 10) * number, 60 * noise(number))
    assert regression.spread.trace() < 10
    assert abs(regression.value(same)) < 60


def test_nothing_is_forgotten_while_too_much_is_open():
    regression = Regression()
    for x in (1.0, 2.0):
        regression.learn(np.array([x, 3 - x]), 0.0)
    regression.spread = 10 * np.eye(3)  # 30 of two features: wound up
    regression.learn(regression.mean, 5.0)
    assert regression.spread.trace() <= 30


def test_a_feature_that_comes_later_finds_room():
    regression = Regression()
    for number in range(50):
        regression.learn(np.array([noise(number)]), noise(number))
    for number in range(400):
        x = np.array([noise(number), noise(3 * number)])
        regression.learn(x, 10 * noise(3 * number))
    regression.learn(np.array([0.5]), 0.0)  # a label of the time before
    assert 1 < regression.value(np.array([0.0, 0.5])) < 6  # 5, and shy of few labels


def test_bins_hold_what_lies_between_their_edges():
    for residual in (-86_400.0, -61.0, -1.0, 0.0, 1.0, 59.0, 3_600.0, 1e7):
        place = bin_of(residual)
        assert EDGES[place] <= residual < EDGES[place + 1]
    assert all(low < high for low, high in pairwise(EDGES))


def test_old_residuals_weigh_half_after_a_half_life():
    histogram = Histogram(half_life=2)
    for place in (5, 5, 9, 9):
        histogram.add(place)
    # Weights, newest first: 1, 2^-1/2, 1/2, 2^-3/2.
    shares = histogram.bins / histogram.total
    assert shares[9] == pytest.approx(2 * shares[5])


def test_a_histogram_is_scaled_down_before_it_overflows():
    histogram = Histogram(half_life=1)
    for _ in range(100):
        histogram.add(5)
    # Weights halve: the newest is half of all there ever was, however many came.
    assert histogram.newest / histogram.total == pytest.approx(0.5)
    assert histogram.bins[5] == pytest.approx(histogram.total)
    assert histogram.newest < 1e13


def test_few_residuals_of_a_key_count_little():
    residuals = Residuals(60.0, half_life=1e9, own_half_life=1e9)
    for _ in range(40):
        residuals.add([], 0.0)
    for _ in range(10):
        residuals.add(["k"], 600.0)
    whole = residuals.all.bins / residuals.all.total
    own = residuals.shares(["k"])
    place = bin_of(600.0)
    assert own[place] == pytest.approx((10 + 40 * whole[place]) / 50)
    assert own.sum() == pytest.approx(1)


def test_a_mean_is_drawn_to_its_parents():
    means = KeyMeans(half_life=1e9, prior=10)
    for _ in range(10):
        means.add(["all"], 4.0)
    for _ in range(5):
        means.add(["all", "k"], 10.0)
    every = (10 * 4 + 5 * 10 + 10 * 0) / (15 + 10)  # 3.6
    assert means.mean(["all"]) == pytest.approx(every)
    assert means.mean(["all", "k"]) == pytest.approx((50 + 10 * every) / 15)
    assert means.mean(["all", "other"]) == pytest.approx(every)


def test_a_trail_fades_by_the_clock():
    trail = Trail(HOUR, prior=1.0)
    trail.add("k", START, 8.0)
    assert trail.mean("k", START) == pytest.approx(8 / 2)
    assert trail.mean("k", START + HOUR) == pytest.approx(4 / 1.5)
    trail.add("k", START - HOUR, 8.0)  # late news counts as of now
    assert trail.count("k", START) == pytest.approx(2)


def test_attributes_say_whose_first_attempts_fail():
    learner = AttemptLearner()
    for number in range(900):
        boxed = {"box": "flat" if number % 2 else "crate", "kg": float(number % 2)}
        said = learner.predict(moment(number, attributes=boxed))
        learner.learn(said, failed=number % 4 == 0)  # every second crate
    crate, flat = ({"box": "crate", "kg": 0.0}, {"box": "flat", "kg": 1.0})
    assert learner.predict(moment(0, attributes=crate)).p > 0.35
    assert learner.predict(moment(0, attributes=flat)).p < 0.12


def test_whose_first_attempts_fail_is_learnt():
    learner = AttemptLearner()
    assert learner.predict(moment(0)).p == pytest.approx(0.08)
    for number in range(600):
        said = learner.predict(moment(number, region="north" if number % 2 else "south"))
        learner.learn(said, failed=number % 4 == 0)  # every second one in the south
    assert learner.predict(moment(0, region="south")).p > 0.35
    assert learner.predict(moment(0, region="north")).p < 0.12


def test_every_number_of_a_moment_has_a_name_and_what_it_adds_makes_the_whole():
    learner = Learner()
    day(learner, 500, lambda n: 60.0 * (n * 37 % 20), attributes=lambda n: {"kg": float(n % 7)})
    said = learner.foresee(moment(501, attributes={"kg": 3.0}))
    names, vector = learner.features.names(), said.view.vector
    assert len(names) == len(set(names)) == len(vector)
    assert dict(zip(names, vector.tolist(), strict=True))["number:kg"] == 3.0
    predictor = learner.predictors[said.view.moment.kind]
    regression = predictor.regression
    share = regression.labels / (regression.labels + 200)  # half is believed at 200 labels
    whole = float(regression.parts(vector).sum() + share * regression.weights[0])
    assert whole == pytest.approx(regression.value(vector))
    moved = dict(zip(names, learner.moved(said).tolist(), strict=True))
    # The distance alone says how late it will be, from 0 to 19 minutes, here 17 of them: 7.5
    # above the mean, less while there are few labels and the regression is half trusted.
    assert max(moved, key=lambda name: abs(moved[name])) == "distance"
    assert 60 < moved["distance"] < 60 * 7.5


def test_what_was_asked_is_taken_again_with_the_numbers_of_then():
    learner = Learner()
    asked = learner.predict(moment(0))
    again = learner.features.view_again(asked.view.moment, asked.view.vector)
    assert (again.keys, again.chains) == (asked.view.keys, asked.view.chains)
