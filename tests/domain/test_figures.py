"""Figures: sketches within one percent, Wilson intervals, and the shape of the report."""

import json
import re
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.letters import Reason
from streams.domain import sketch
from streams.domain.cells import (
    EVENTS,
    Cell,
    add,
    decode_cell,
    encode_cell,
    merge,
)
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.domain.kpi.figures import ratio
from streams.domain.report import kpi, report
from tests.domain.given import RULES, replayed
from tests.domain.given import report as told
from tests.story import delivered, eta, failed, feedback, out, promised, turned

# -- sketches --------------------------------------------------------------------------------

VALUES = st.integers(-(10**14), 10**14)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(VALUES, min_size=1, max_size=60), st.sampled_from((0.0, 0.1, 0.5, 0.8, 0.9, 1.0))
)
def test_quantiles_are_within_one_percent_of_the_nearest_rank(values, q):
    exact = sorted(values)[max(1, ceil(q * len(values))) - 1]
    found = sketch.quantile(bins_of(values), q)
    assert found is not None
    assert abs(found - exact) <= 0.01 * abs(exact)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_every_value_is_within_one_percent_of_its_bins(value):
    assert abs(sketch.value_of(sketch.bin_of(value)) - value) <= 0.01 * abs(value)
    assert sketch.bin_of(-value) == -sketch.bin_of(value)


@given(st.lists(VALUES), st.lists(VALUES))
def test_sketches_merge_by_addition(some, others):
    merged = bins_of(some)
    add_bins(merged, bins_of(others))
    assert merged == bins_of(some + others)
    assert sketch.absolute(merged) == bins_of(map(abs, some + others))


@given(st.lists(VALUES, min_size=2, max_size=2))
def test_bins_keep_the_order_of_values(pair):
    low, high = sorted(pair)
    assert sketch.bin_of(low) <= sketch.bin_of(high)


def test_of_nothing_there_is_no_quantile():
    assert sketch.quantile({}, 0.5) is None


def bins_of(values):
    found: dict[int, int] = {}
    for value in values:
        add_bins(found, {sketch.bin_of(value): 1})
    return found


def add_bins(total, more):
    for index, count in more.items():
        total[index] = total.get(index, 0) + count


# -- intervals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # For k = 0 the bounds are 0 and z2 / (n + z2), with z2 = 3.8414588206941236.
        (0, 1, 0.0, 0.793450685622763),
        (1, 1, 0.206549314377237, 1.0),
        (0, 10, 0.0, 0.277532799862889),
        # For k = n / 2 they are 1/2 -+ 1/2 sqrt(z2 / (n + z2)).
        (1, 2, 0.094531205734230, 0.905468794265770),
        (50, 100, 0.403831530365896, 0.596168469634104),
        # 81 of 263: the example of Newcombe (1998), 0.2553 to 0.3662.
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson_intervals(k, n, low, high):
    found = ratio(k, n)
    places = 1e-4 if n == 263 else 1e-12
    assert found["value"] == k / n
    assert found["low"] == pytest.approx(low, abs=places)
    assert found["high"] == pytest.approx(high, abs=places)


def test_an_interval_of_nothing_says_nothing():
    assert ratio(0, 0) == {"value": None, "k": 0, "n": 0, "low": 0.0, "high": 1.0}


@given(st.integers(0, 2_000), st.integers(1, 2_000))
def test_an_interval_holds_its_value_and_stays_within_bounds(k, n):
    found = ratio(min(k, n), n)
    assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1


# -- cells -----------------------------------------------------------------------------------


def test_cells_are_text_that_keeps_its_parts_apart():
    odd = Cell('a","b', "ü", "x/y", "forward", "2026-03-03")
    assert decode_cell(encode_cell(odd)) == odd
    assert encode_cell(Cell("a", "b", "", "forward", "d")) != encode_cell(
        Cell("a", "", "b", "forward", "d")
    )


MEASURES = st.dictionaries(st.sampled_from("abc"), st.integers(-3, 3).filter(bool))


@given(MEASURES, MEASURES)
def test_what_is_added_can_be_taken_away(one, other):
    total = dict(one)
    add(total, other)
    assert all(total.values())
    add(total, other, -1)
    assert total == one


def test_parts_merge_cell_by_cell():
    one, other = EVENTS, Cell("c", "s", "r", "forward", "none")
    assert merge([(one, {"a": 1}), (other, {"a": 5}), (one, {"a": 2, "b": 1})]) == {
        one: {"a": 3, "b": 1},
        other: {"a": 5},
    }


# -- the report ------------------------------------------------------------------------------

RATIO = {"value", "k", "n", "low", "high"}
TIME = {"due", *OUTCOMES, "early_days", "accuracy", "otd"}
SNAPSHOT = {
    "n",
    "coverage",
    "median",
    "mean",
    "mae",
    "p50_abs",
    "p80_abs",
    "p90_abs",
    "p95_abs",
    "within_5min",
    "within_10min",
    "within_15min",
    "within_30min",
    "earlier_than_15min",
    "later_than_15min",
}
OF_SOME = {"stale", "range"}  # fmt: skip
KPI = {
    "orders": None, "open": None, "overdue": None, "forgotten": None, "ended_silent": None,
    "delivery_time": TIME | {
        "accountable", "restated", "delivered_then_changed", "revisions",
    },
    "first_attempt": {
        "concluded", "succeeded", "implicit_failures", "suspect", "no_attempt_return",
        "success", "reasons", "accountable", "attempts_per_delivery", "second_success",
        "first_attempt_to_delivery", "failures",
    },
    "eta_deviation": {
        "promise", "promise_window", "ofd", "t120", "t60", "t30", "t15", "notified",
        "t120_predicted", "t60_predicted", "t30_predicted", "t15_predicted",
    },
    "eta_deviation_by": {"tower"},
    "eta_quality": {"n", "censored", "score", "buckets", "churn", "jumps_per_delivery"},
    "promise": {"coverage", "changed_by_carrier", "slack_median", "slack_p90"},
    "notices": {
        "requested", "sent", "suppressed", "failed", "waiting", "duplicates", "asked_before",
        "response",
    },
    "questions": {"orders", "questions", "per_1000"},
    "feedback": {
        "invited", "answered", "csat", "nps", "ces", "courier_communication",
        "courier_professionalism", "parcel_care", "intervals", "by_outcome", "csat_weighted",
    },
}  # fmt: skip
ANSWERS = {
    "csat": {"n", "mean", "top2"}, "nps": {"n", "score"}, "ces": {"n", "mean", "top3"},
    "courier_communication": {"n", "mean"}, "courier_professionalism": {"n", "mean"},
    "parcel_care": {"n", "mean"},
    "by_outcome": {"on_time", "early", "late", "failed"}, "csat_weighted": {"mean", "top2"},
}  # fmt: skip

A_DAY = [
    promised(0, window=(300, 540), service="van", region="north"),
    out(240), eta(250, 380), failed(330), delivered(400), feedback(500, csat=5, nps=9),
    promised(0, order="B", window=(300, 540)), turned("cancelled", 10, order="B"),
    promised(0, order="C", carrier="colibri", date=100), delivered(200, order="C"),
    promised(0, order="R", direction="return"),
]  # fmt: skip


def test_the_report_has_exactly_the_keys_that_are_built():
    found = told(*A_DAY)
    assert set(found) == {
        "schema", "as_of", "rules", "events", "total", "carriers", "by", "returns", "couriers",
        "data_quality", "groups", "loyalty",
    }  # fmt: skip
    assert set(found["events"]) == {
        "read", "accepted", "duplicate", "id_conflict", "unknown_fields", "rejected",
    }  # fmt: skip
    assert set(found["carriers"]) == {"nordpost", "colibri"}
    assert {name: set(part) for name, part in found["by"].items()} == {
        "service": {"van", "unknown"},
        "region": {"north", "unknown"},
    }
    assert (found["schema"], found["as_of"]) == (1, "2026-03-10T09:00:00.000Z")


@pytest.mark.parametrize("where", ["total", "returns", "carrier", "service"])
def test_every_kpi_has_the_same_shape(where):
    found = told(*A_DAY)
    block = {
        "total": found["total"],
        "returns": found["returns"],
        "carrier": found["carriers"]["colibri"],
        "service": found["by"]["service"]["van"],
    }[where]
    assert set(block) == set(KPI)
    for name, keys in KPI.items():
        assert keys is None or set(block[name]) == keys
    time = block["delivery_time"]
    assert set(time["restated"]) == TIME | {"accountable"}
    assert set(time["accountable"]) == set(time["restated"]["accountable"]) == TIME
    assert set(block["first_attempt"]["accountable"]) == {"concluded", "succeeded", "success"}
    assert {name: set(block["feedback"][name]) for name in ANSWERS} == ANSWERS
    snapshots = [*block["eta_deviation"].values()]
    snapshots += block["eta_deviation_by"]["tower"].values()
    assert len(snapshots) == 12 * 2 - 2
    assert all(set(each) - OF_SOME == SNAPSHOT for each in snapshots)
    some = {name: set(each) & OF_SOME for name, each in block["eta_deviation"].items()}
    assert {name for name, keys in some.items() if "range" in keys} == {
        "ofd", "t120", "t60", "t30", "t15",
    }  # fmt: skip
    assert {name for name, keys in some.items() if "stale" in keys} == {
        f"t{minutes}{which}" for minutes in (120, 60, 30, 15) for which in ("", "_predicted")
    }
    ratios = [
        time["accuracy"], time["otd"], time["restated"]["otd"], block["promise"]["coverage"],
        block["first_attempt"]["success"], snapshots[0]["coverage"],
        snapshots[0]["within_10min"], snapshots[0]["within_15min"],
        block["feedback"]["csat"]["top2"], block["feedback"]["ces"]["top3"],
    ]  # fmt: skip
    assert all(set(each) == RATIO for each in ratios)
    assert set(time["accuracy"]) == RATIO


def test_the_report_adds_up():
    found = told(*A_DAY)
    for name in ("orders", "open", "overdue"):
        parts = [each[name] for each in found["carriers"].values()]
        assert sum(parts) == found["total"][name]
        for by in found["by"].values():
            assert sum(each[name] for each in by.values()) == found["total"][name]
    counts = found["events"]
    assert counts["read"] == len(A_DAY) == counts["accepted"]


def test_a_report_is_a_function_of_the_sum_of_its_cells():
    totals = replayed(*A_DAY).orders.book.totals
    events = {"read": len(A_DAY)}
    whole = report(totals, events, 0, "r")
    halves = [dict(list(totals.items())[part::2]) for part in (0, 1)]
    merged = merge([pair for half in reversed(halves) for pair in half.items()])
    assert json.dumps(report(merged, events, 0, "r")) == json.dumps(whole)


def test_the_same_events_give_the_same_bytes():
    once, again = (json.dumps(told(*A_DAY), sort_keys=True) for _ in range(2))
    assert once == again
    assert told(*A_DAY)["rules"] == replayed(rules=RULES).judgement.id


def test_the_page_of_definitions_names_every_number():
    page = (Path(__file__).parents[2] / "docs" / "kpis.md").read_text()
    words = set(re.findall(r"[a-z_0-9]+", page))

    def names(part):
        for name, inner in part.items():
            yield name
            if isinstance(inner, dict):
                yield from names(inner)

    assert {*names(kpi({})), *names(told()["events"]), "returns"} - words == set()
    assert {reason.value for reason in Reason} - words == set()


def test_an_empty_kpi_is_all_zeros_and_nulls():
    empty = kpi({})
    assert empty["orders"] == empty["delivery_time"]["due"] == 0
    assert empty["first_attempt"]["reasons"] == {}
    assert empty["notices"] == {
        "requested": 0, "sent": 0, "suppressed": {}, "failed": 0, "waiting": 0, "duplicates": 0,
        "asked_before": 0, "response": ratio(0, 0),
    }  # fmt: skip


def test_notices_are_counted_by_their_ends():
    found = kpi({
        "notices.requested": 6, "notices.sent": 2, "notices.failed": 1, "notices.waiting": 1,
        "notices.suppressed.muted": 2,
    })["notices"]  # fmt: skip
    assert found["requested"] == 2 + 1 + 1 + sum(found["suppressed"].values())


def test_rejections_of_the_edge_and_of_the_fold_are_one_table():
    cells = {EVENTS: {"rejected.order_closed": 2, "rejected.bad_json": 1, "accepted": 3}}
    read = {"read": 9, "accepted": 1, "rejected.bad_json": 2}
    assert report(cells, read, 0, "r")["events"] == {
        "read": 9, "accepted": 4, "duplicate": 0, "id_conflict": 0, "unknown_fields": 0,
        "rejected": {"bad_json": 3, "order_closed": 2},
    }  # fmt: skip
