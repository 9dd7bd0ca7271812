"""The measurement of policies, on three orders whose table is worked out by hand."""

import json

from tests.bench.hysteresis import POLICIES, measured, orders
from tests.story import delivered, eta, out, promised


def lines(order, *events):
    return [json.dumps(each | {"order_id": order, "event_id": f"{order}-{number}"}).encode()
            for number, each in enumerate(events)]  # fmt: skip


# Promised until 18:00 (minute 540): one late and warned at 260, one in time whose ETA was bad
# for five minutes, one late that nobody saw coming.
FILE = [
    *lines("late", promised(0, window=(300, 540)), out(200), eta(250, 600), delivered(600)),
    *lines("good", promised(0, window=(300, 540)), out(200), eta(250, 600), eta(255, 500),
           delivered(500)),
    *lines("gone", promised(0, window=(300, 540)), out(200), delivered(700)),
]  # fmt: skip


def test_what_a_policy_does():
    days = orders(FILE)
    shipped = measured(days, POLICIES["as shipped (hold 10)"])
    assert shipped.row("shipped") == (
        "| shipped | 0.33 | 1 | 0.0% | 50.0% | 280 min | 0 |"
    )  # warned at 260, late from 540
    # Without a hold the second is told at 250 and that all is well at 255.
    naive = measured(days, POLICIES["at 15 min, no hysteresis"])
    assert naive.row("naive") == "| naive | 1.00 | 2 | 100.0% | 50.0% | 290 min | 333 |"
