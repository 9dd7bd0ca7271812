"""Questions of customers, forgotten parcels and the quality of a carrier's data (kpis 2.9)."""

import pytest

from streams.deadlines import next_deadline
from streams.domain.cells import Measures, add
from streams.domain.contribution import contribution
from streams.domain.ledger import Ledger
from tests.domain.given import DAYS, MS, at, kpi, order_of, replayed, report
from tests.story import (
    asked,
    at_depot,
    delivered,
    eta,
    failed,
    feedback,
    in_transit,
    out,
    picked_up,
    promised,
    turned,
    withdrawn,
)

PROMISED = promised(0, window=(300, 540))


# -- questions -----------------------------------------------------------------------------


def test_orders_that_asked_count_once_of_a_thousand():
    events = [
        PROMISED, asked(100), asked(200),
        promised(0, order="B"), asked(100, order="B"),
        promised(0, order="C"), asked(100, "other", order="C"),
        promised(0, order="D"),
        asked(100, order="nobody knows this one"),
    ]  # fmt: skip
    assert kpi(*events)["questions"] == {"orders": 2, "questions": 3, "per_1000": 500}
    assert kpi()["questions"]["per_1000"] is None


def test_a_question_that_was_taken_back_was_not_asked():
    question = asked(100)
    assert kpi(PROMISED, question, withdrawn(101, question))["questions"]["orders"] == 0


@pytest.mark.parametrize(
    ("when", "missed"),
    [(260, 0), (260 - MS, 1), (260 - 1_440, 1), (260 - 1_440 - MS, 0), (300, 0)],
)
def test_a_question_in_the_day_before_the_first_notice_is_a_chance_missed(when, missed):
    # Late from 250 on; ten minutes later the first notice is asked for, at 450 another.
    late = out(240), eta(250, 600), eta(450, 700)
    told = promised(-2 * DAYS, window=(300, 540)), *late, asked(when)
    found = kpi(*told, as_of=500)["notices"]
    assert (found["requested"], found["asked_before"]) == (2, missed)


def test_without_a_notice_no_chance_was_missed():
    found = kpi(PROMISED, asked(100), delivered(400))
    assert (found["notices"]["requested"], found["notices"]["asked_before"]) == (0, 0)


# -- forgotten parcels ---------------------------------------------------------------------

SCAN = picked_up(600)


@pytest.mark.parametrize(
    ("events", "clock", "forgotten"),
    [
        ((), 1_440, 0),
        ((), 1_440 + MS, 1),
        ((SCAN,), 2 * DAYS, 0),
        ((SCAN, withdrawn(700, SCAN)), 2 * DAYS, 1),
        ((turned("cancelled", 100),), 2 * DAYS, 0),
        ((eta(100, 500), feedback(200, csat=1)), 2 * DAYS, 1),
        ((promised(1_000, window=(1_100, 1_200)),), 2 * DAYS, 1),
        ((), 100 * DAYS, 0),  # ended in silence
    ],
)
def test_what_nobody_touched_for_a_day_is_forgotten(events, clock, forgotten):
    assert kpi(PROMISED, *events, as_of=clock)["forgotten"] == forgotten


def test_a_parcel_that_nobody_announced_is_not_forgotten():
    assert kpi(in_transit(0), as_of=2 * DAYS)["forgotten"] == 0


def test_the_clock_alone_finds_a_parcel_forgotten():
    replay = replayed(PROMISED, as_of=10)
    row = replay.orders.row("A-1")
    assert next_deadline(row, at(600), at(600)) == at(DAYS) + 1
    for clock, expected in ((10, None), (DAYS, None), (DAYS + MS, 1)):
        replay.orders.advance(at(clock), 1, replay.out)
        replay.orders.settle_cells()
        total: Measures = {}
        for measures in replay.orders.book.totals.values():
            add(total, measures)
        assert total.get("forgotten") == expected


# -- data quality --------------------------------------------------------------------------


def quality(*events, carrier="nordpost", **how):
    return report(*events, **how)["data_quality"].get(carrier)


def test_the_events_of_an_ended_order_are_looked_at_once_it_has_ended():
    scan = picked_up(0, observed=1)
    events = [
        PROMISED,
        scan, scan | {"observed_at": "2026-03-03T09:02:00Z"},
        at_depot(20, observed=30), in_transit(10, observed=40),  # overtaken by the depot's
        out(60, time_quality="assumed"),
        failed(80, "dog in the yard"), failed(200, "not_home"), turned("held", 210),
        delivered(310, observed=300),  # ten minutes ahead
    ]  # fmt: skip
    assert quality(*events[:-1]) is None
    found = quality(*events)
    assert (found["orders"], found["events"]) == (1, 9)
    shares = ("out_of_order", "skewed", "tz_assumed", "unmapped_reasons")
    assert {name: (found[name]["k"], found[name]["n"]) for name in shares} == {
        "out_of_order": (1, 9),
        "skewed": (1, 9),
        "tz_assumed": (1, 9),
        "unmapped_reasons": (1, 2),  # the hold gave no reason
    }
    # Lags of 60, 600 and 1,800 s; those at the door and the skewed one are 0.
    assert found["scan_lag"]["n"] == 8
    assert found["scan_lag"]["median"] == 0
    assert found["scan_lag"]["p95"] == pytest.approx(1_800, rel=0.01)


def test_a_word_of_ours_is_no_code_of_theirs():
    found = quality(PROMISED, failed(100, "diverted"), failed(101, "unknown"), delivered(400))
    assert (found["unmapped_reasons"]["k"], found["unmapped_reasons"]["n"]) == (2, 2)


def test_an_order_nobody_spoke_of_again_counts_when_its_row_ends():
    assert quality(PROMISED, as_of=80 * DAYS) is None
    assert quality(PROMISED, as_of=100 * DAYS)["orders"] == 1


def test_doubtful_verdicts_are_a_share_of_what_was_judged():
    events = []
    for number in range(3):
        order = {"order": f"o-{number}"}
        quality_of_time = "assumed" if number == 0 else None
        events += [
            promised(0, instant=300, timezone="Asia/Kathmandu", **order),
            delivered(295, time_quality=quality_of_time, **order),
        ]
    events += [promised(0, order="x"), delivered(300, order="x")]  # excluded: not judged
    found = quality(*events)["indeterminate"]
    assert (found["k"], found["n"]) == (1, 3)


def test_the_order_of_arrival_does_not_matter():
    events = [
        PROMISED, picked_up(0, observed=1), at_depot(20, observed=30),
        in_transit(10, observed=40), delivered(400),
    ]  # fmt: skip
    assert quality(*events) == quality(*reversed(events))
    counted = [
        contribution(order_of(told), at(2 * DAYS), Ledger())
        for told in (events, reversed(events))
    ]
    assert counted[0] == counted[1]
