"""Answers of customers: intervals, who answers, and the marks of couriers (kpis 2.8)."""

from math import sqrt
from statistics import fmean, stdev

import pytest

from streams.domain.kpi.couriers import DIRECTION
from tests.domain.given import DAYS, kpi, replayed, report
from tests.story import delivered, failed, feedback, out, promised, turned, withdrawn

Z = 1.959963984540054
NUMBERS = iter(range(1_000))


def answered(at=300, ends=400, to=None, courier=None, **answers):
    """Return an order of its own, handed over at a minute, and its customer's answers."""
    order = {"order": f"o-{next(NUMBERS)}"}
    told = [
        promised(0, window=(100, ends), **order),
        delivered(at, to, courier_id=courier, **order),
    ]
    return [*told, feedback(500, **answers, **order)] if answers else told


def flat(orders):
    return [event for order in orders for event in order]


# -- intervals -----------------------------------------------------------------------------


def test_a_mean_has_the_interval_of_its_sample():
    answers = [5, 4, 4, 2]
    found = kpi(*flat(answered(csat=each, ces=each) for each in answers))["feedback"]
    spread = Z * stdev(answers) / sqrt(4)
    assert found["csat"]["mean"] == found["ces"]["mean"] == 3.75
    ces = found["intervals"]["ces"]
    assert (ces["low"], ces["high"]) == (
        pytest.approx(3.75 - spread), pytest.approx(3.75 + spread),
    )  # fmt: skip
    # 3.75 + 1.23 lies on both scales.
    assert found["intervals"]["csat"] == ces


def test_an_interval_ends_with_the_scale():
    found = kpi(*flat(answered(csat=each, nps=each) for each in (5, 5, 1)))["feedback"]
    assert found["intervals"]["csat"]["high"] == 5  # 11 / 3 + 2.61
    assert found["intervals"]["nps"] == {"low": -100, "high": -100}


def test_the_score_of_promoters_has_one_in_points():
    answers = [10, 9, 8, 0, 3]
    points = [100, 100, 0, -100, -100]
    feedback_of = kpi(*flat(answered(nps=each) for each in answers))["feedback"]
    spread = Z * stdev(points) / sqrt(5)
    assert feedback_of["nps"]["score"] == fmean(points) == 0
    found = feedback_of["intervals"]["nps"]
    assert (found["low"], found["high"]) == (pytest.approx(-spread), pytest.approx(spread))


def test_of_one_answer_there_is_no_interval():
    found = kpi(*answered(csat=4, nps=9, parcel_care=2))["feedback"]
    for instrument in ("csat", "nps", "parcel_care", "ces"):
        assert found["intervals"][instrument] == {"low": None, "high": None}
    assert (found["csat"]["mean"], found["nps"]["score"], found["ces"]["mean"]) == (
        4,
        100,
        None,
    )


# -- by outcome ----------------------------------------------------------------------------

PUNCTUAL = [answered(csat=5), answered(csat=4), *(answered() for _ in range(4))]
TARDY = [answered(at=401, csat=1), answered(at=401, csat=3)]
LOST = [[promised(0, window=(100, 400), order="L"), turned("lost", 300, order="L")]]


def test_answers_are_split_by_the_outcome_of_their_order():
    found = kpi(*flat([*PUNCTUAL, *TARDY, *LOST]))["feedback"]["by_outcome"]
    said = {
        name: (part["answered"]["k"], part["answered"]["n"]) for name, part in found.items()
    }
    assert said == {"on_time": (2, 6), "early": (0, 0), "late": (2, 2), "failed": (0, 1)}
    assert (found["on_time"]["csat"]["mean"], found["late"]["csat"]["mean"]) == (4.5, 2)
    assert (found["on_time"]["csat"]["top2"]["k"], found["late"]["csat"]["top2"]["k"]) == (2, 0)


def test_weighted_satisfaction_is_as_if_all_outcomes_had_answered_alike():
    found = kpi(*flat([*PUNCTUAL, *TARDY, *LOST]))["feedback"]
    assert (found["csat"]["mean"], found["csat"]["top2"]["value"]) == (13 / 4, 0.5)
    # Six orders on time at 4.5, two late at 2; nobody answered of the one that was lost.
    assert found["csat_weighted"] == {"mean": (6 * 4.5 + 2 * 2) / 8, "top2": 6 / 8}


def test_an_order_that_is_not_due_is_in_no_outcome():
    early = answered(ends=2 * DAYS, csat=5)
    found = kpi(*early, as_of=DAYS)["feedback"]
    assert found["csat"]["n"] == 1
    assert sum(part["csat"]["n"] for part in found["by_outcome"].values()) == 0
    assert found["csat_weighted"] == {"mean": None, "top2": None}


def test_an_answer_without_satisfaction_is_an_answer():
    found = kpi(*answered(nps=9))["feedback"]["by_outcome"]["on_time"]
    assert (found["answered"]["k"], found["csat"]["n"]) == (1, 0)


# -- couriers ------------------------------------------------------------------------------


def couriers(*events, carrier="nordpost"):
    return report(*events)["couriers"].get(carrier)


def test_couriers_are_ranked_by_a_mean_drawn_to_the_carriers():
    # 25 + 20 + 4 over 14 answers is 3.5, and twenty more of it belong to everybody.
    events = flat(
        [
            *(answered(courier="K1", courier_communication=5) for _ in range(5)),
            *(
                answered(
                    courier="K2",
                    courier_communication=3,
                    courier_professionalism=4,
                    parcel_care=5,
                )
                for _ in range(5)
            ),
            *(answered(courier="K3", parcel_care=1) for _ in range(4)),
        ]
    )
    found = couriers(*events)
    assert (found["answers"], found["mean"], found["hidden"]) == (14, 3.5, 1)
    best, second = found["ranking"]
    assert (best["courier"], best["n"], best["mean"]) == ("K1", 5, 5)
    assert (best["low"], best["high"]) == (5, 5)
    assert best["shrunken"] == pytest.approx((25 + 70) / 25)
    assert second["shrunken"] == pytest.approx((20 + 70) / 25)
    assert second["mean"] == 4
    assert {name: second[name]["mean"] for name in ("communication", "parcel_care")} == {
        "communication": 3, "parcel_care": 5,
    }  # fmt: skip
    assert best["parcel_care"] == {"n": 0, "mean": None}


def test_the_mean_of_marks_that_do_not_come_out_even_is_exact():
    marks = [(5, 4, 4), (1, 2, None), (3, None, None), (5, 5, 4), (2, 2, 1)]
    names = ("courier_communication", "courier_professionalism", "parcel_care")
    events = flat(
        answered(courier="K1", **dict(zip(names, each, strict=True))) for each in marks
    )
    means = [13 / 3, 3 / 2, 3, 14 / 3, 5 / 3]
    (found,) = couriers(*events)["ranking"]
    assert found["mean"] == pytest.approx(fmean(means))
    assert found["high"] - found["mean"] == pytest.approx(Z * stdev(means) / sqrt(5))


def cells_of(*events):
    replay = replayed(*events)
    replay.orders.settle_cells()
    return replay.orders.book.totals


def marked(*events, **more):
    """Return whose mark one answer became, None if nobody's."""
    given = {"courier_communication": 2, **more}
    told = promised(0, window=(100, 400)), *events, feedback(500, **given)
    cells = cells_of(*told)
    found = [cell.service for cell in cells if cell.direction == DIRECTION]
    return found[0] if found else None


OUT = out(100, courier_id="van")


@pytest.mark.parametrize(
    ("events", "whose"),
    [
        ((OUT, delivered(300, courier_id="bike")), "bike"),
        ((OUT, delivered(300)), "van"),
        ((out(100), failed(300, courier_id="bike"), delivered(310)), "bike"),
        ((OUT, failed(300), out(1_500, courier_id="bike"), delivered(1_600)), "bike"),
        ((OUT, failed(300, "refused", courier_id="bike")), "bike"),
        ((OUT, failed(300), turned("returned", 2_000)), "van"),
        ((delivered(300),), None),
        ((OUT,), None),
        ((OUT, failed(300)), None),
        ((turned("cancelled", 300),), None),
    ],
)
def test_a_mark_is_of_the_courier_of_the_attempt_that_ended_the_order(events, whose):
    assert marked(*events) == whose


@pytest.mark.parametrize(
    ("about", "counts"),
    [(None, True), ("courier", True), (" Delivery ", True), ("item", False), ("price", False)],
)
def test_what_was_not_about_the_courier_is_no_mark(about, counts):
    ended = OUT, delivered(300)
    assert marked(*ended, about=about) == ("van" if counts else None)
    told = promised(0, window=(100, 400)), *ended
    found = kpi(*told, feedback(500, courier_communication=2, about=about))["feedback"]
    assert found["courier_communication"]["n"] == 1  # an answer it is


def test_the_last_mark_about_the_courier_counts():
    told = OUT, delivered(300), feedback(350, courier_communication=4)
    events = promised(0, window=(100, 400)), *told
    item = feedback(400, courier_communication=1, about="item")
    taken_back = feedback(450, courier_communication=5)
    all_told = *events, item, taken_back, withdrawn(460, taken_back)
    cells = cells_of(*all_told)
    (marks,) = (m for cell, m in cells.items() if cell.direction == DIRECTION)
    assert marks["communication.sum"] == 4


def test_no_number_of_a_carrier_names_a_courier():
    events = answered(courier="K-17", courier_communication=5)
    cells = cells_of(*events)
    named = [cell for cell, m in cells.items() if "K-17" in f"{cell}{m}"]
    assert [cell.direction for cell in named] == [DIRECTION]
    assert set(report(*events)["carriers"]) == {"nordpost"}


def test_returns_mark_nobody():
    events = answered(courier="K1", courier_communication=5)
    events[0] = events[0] | {"direction": "return"}
    assert couriers(*events) is None
