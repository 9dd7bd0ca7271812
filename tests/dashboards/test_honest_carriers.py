"""A hundred small honest carriers page nobody in a week; without the gates they would."""

import re

import numpy as np
import promql_parser as promql
import pytest

from dashboards import rules, slo
from tests.dashboards.minutes import Minutes

CARRIERS, WEEK, AN_HOUR = 100, 7 * 24 * 60, 3
SEEDS = range(20)
PAGES = [
    rule["expr"]
    for group in rules.groups()
    for rule in group["rules"]
    if rule.get("alert") == "CarrierOnTimeBudgetBurn" and rule["labels"]["severity"] == "page"
]
DUE = "tower_deliveries_total", "on_time|early|late|failed"
MISSED = "tower_deliveries_total", "early|late|failed"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def week(seed, missing):
    """Return a week's counters: three deliveries an hour at random, some of them missed."""
    random = np.random.default_rng(seed)
    due = random.poisson(AN_HOUR / 60, (CARRIERS + 1, WEEK)).astype(float)
    missed = random.binomial(due.astype(int), missing).astype(float)
    due[-1] = missed[-1] = np.nan  # the small carriers together have no counter of their own
    return {DUE: due.cumsum(axis=1), MISSED: missed.cumsum(axis=1)}


def pages(minutes, exprs):
    """Return how many pages begin, each carrier's minutes on end being one.

    An alert must last half a minute to be sent; here every minute of burning counts, so this
    is an upper bound.
    """
    burning = np.zeros(minutes.size, dtype=bool)
    for expr in exprs:
        burning |= ~np.isnan(minutes.value(promql.parse(expr)))
    begins = burning & ~np.hstack([np.zeros_like(burning[:, :1]), burning[:, :-1]])
    return begins.sum(axis=1)


def test_honest_carriers_page_at_most_once_in_twenty_weeks():
    honest = 1 - slo.SLOS[0].objective
    assert sum(pages(Minutes("on_time", week(s, honest)), PAGES).sum() for s in SEEDS) <= 1


def test_it_is_the_gates_that_keep_them_silent():
    ungated = [re.sub(r">= \d+", ">= 1", expr) for expr in PAGES]
    honest = 1 - slo.SLOS[0].objective
    assert pages(Minutes("on_time", week(0, honest)), ungated)[:-1].sum() > 50


def test_small_carriers_that_collapse_page_as_one():
    begun = pages(Minutes("on_time", week(0, 0.6)), PAGES)
    assert begun[-1] >= 1
    assert begun[:-1].sum() == 0


def test_this_reading_of_the_rules_is_prometheus_own():
    # The first test of deploy/prometheus/tests/budgets.yml: two of three missed a minute.
    minutes = np.tile(np.arange(91.0), (2, 1))
    minutes[-1] = np.nan
    read = Minutes("on_time", {DUE: 3 * minutes, MISSED: 2 * minutes})
    assert read.series("carrier_slo:tower_due:increase1h")[0, 78] == 180
    assert read.series("carrier_slo:tower_missed:increase6h")[0, 78] == 156
    left = read.series("carrier_slo:tower_budget_left:ratio7d")[0, 78]
    assert left == pytest.approx(1 - (2 / 3) / 0.05)
    hour = ~np.isnan(read.value(promql.parse(PAGES[0])))
    assert not hour[0, 6]  # 18 came due
    assert hour[0, 7:].all()
    assert [*np.flatnonzero(hour[1])] == [*range(7, 17)]  # of the small ones until 50 came due
