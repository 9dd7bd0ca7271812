"""Who orders again after what: every line of kpis 2.12 L20, worked out by hand.

The first order of the customer is promised at nine for the window 11:00 to 12:00 (minutes 120
to 180) and ends at noon; days are counted from there.
"""

import pytest

from streams.domain import loyalty
from streams.domain.parcels import Parcel
from tests.domain.given import DAYS, MS, at, report
from tests.story import delivered, eta, event, out, promised, withdrawn

NOON = 180
OBSERVED = NOON + 100 * DAYS


def order(name, start, *rest, customer="C", length=180, **told):
    """Return an order promised at `start` for a window of an hour that ends `length` later."""
    window = told.pop("window", (start + length - 60, start + length))
    first = promised(start, window=window, order=name, customer_id=customer, **told)
    return [first, *rest]


def on_time(name="A-1", start=0, **told):
    return order(name, start, delivered(start + 180, order=name), **told)


def late(name="A-1", start=0, **told):
    """Return an order that came late; it was seen to move, so nobody warned of silence."""
    came = delivered(start + 180 + MS, order=name)
    return order(name, start, out(start + 30, order=name), came, **told)


def told(*orders, as_of=OBSERVED):
    return report(*(each for one in orders for each in one), as_of=as_of)["loyalty"]


def repeat(*orders, window="90d", name="on_time", **how):
    """Return k and n of the customers who came back."""
    found = told(*orders, **how)[name][f"repeat_{window}"]
    return found["k"], found["n"]


def customers(*orders, **how):
    return {
        name: part["customers"] for name, part in told(*orders, **how).items()
        if part["customers"]
    }  # fmt: skip


def test_without_customers_all_four_experiences_are_there_and_empty():
    found = told([promised(0, window=(120, 180)), delivered(150)])
    nothing = {"value": None, "k": 0, "n": 0, "low": 0.0, "high": 1.0}
    assert found == {
        name: {"customers": 0, "repeat_30d": nothing, "repeat_90d": nothing}
        for name in ("on_time", "late_warned", "late_unwarned", "failed")
    }


@pytest.mark.parametrize(
    ("events", "experience"),
    [
        (on_time(), "on_time"),
        (late(), "late_unwarned"),
        (order("A-1", 0, event("returning", 150)), "failed"),
        (order("A-1", 0, event("cancelled", 150, by="carrier")), "failed"),
    ],
)
def test_the_experience_is_the_frozen_verdict(events, experience):
    assert customers(events) == {experience: 1}


@pytest.mark.parametrize(
    "events",
    [
        order("A-1", 0, delivered(60)),  # early
        order("A-1", 0, event("cancelled", 60, by="consignee")),  # excluded
        on_time(window=None),  # no promise: excluded
        order("A-1", 0),  # late, but it never ended
        on_time(direction="return"),
    ],
    ids=["early", "cancelled", "no promise", "not ended", "a return"],
)
def test_these_are_no_experience(events):
    assert customers(events) == {}


def test_an_early_delivery_counts_once_its_deadline_has_passed_and_not_before():
    assert customers(on_time(), as_of=NOON) == {}
    assert customers(on_time(), as_of=NOON + MS) == {"on_time": 1}


def test_a_customer_is_warned_if_a_notice_was_asked_for_before_the_deadline():
    # From 10:00 on 12:40 is expected, 40 minutes late; the notice is held ten minutes.
    warned = [*late(), eta(60, 220)]
    assert customers(warned) == {"late_warned": 1}
    # Said at 11:55 it could be asked for at 12:05 only: too late to be a warning.
    assert customers([*late(), eta(175, 220)]) == {"late_unwarned": 1}


def test_what_came_later_than_a_week_is_an_end_all_the_same():
    # Not there when the verdict froze: late; it ended when it came, two weeks after.
    found = told(order("A-1", 0, out(30), delivered(14 * DAYS)))["late_unwarned"]
    assert (found["customers"], found["repeat_30d"]["n"]) == (1, 1)


@pytest.mark.parametrize(
    ("window", "days"), [("30d", 30), ("90d", 90)], ids=["30 days", "90 days"]
)
def test_the_window_begins_after_the_end_and_its_last_instant_is_in_it(window, days):
    for start, k in (
        (NOON, 0),  # at the very end: not after it
        (NOON + MS, 1),
        (NOON + days * DAYS, 1),
        (NOON + days * DAYS + MS, 0),
    ):
        assert repeat(on_time(), order("A-2", start), window=window) == (k, 1)


def test_an_order_of_before_the_end_is_no_repeat():
    assert repeat(on_time(), order("A-2", 60)) == (0, 1)


def test_the_order_itself_promised_again_is_no_repeat():
    again = promised(NOON + DAYS, window=(120, 180), customer_id="C")
    assert repeat([*on_time(), again]) == (0, 1)


def test_the_order_of_somebody_else_is_no_repeat():
    assert repeat(on_time(), order("A-2", NOON + DAYS, customer="D")) == (0, 1)


def test_a_return_is_no_repeat_and_a_cancelled_order_is_one():
    back = order("A-2", NOON + DAYS, direction="return")
    assert repeat(on_time(), back) == (0, 1)
    cancelled = event("cancelled", NOON + DAYS + 1, "A-2", by="consignee")
    assert repeat(on_time(), order("A-2", NOON + DAYS, cancelled)) == (1, 1)


def test_a_promise_that_is_withdrawn_is_no_repeat():
    again = order("A-2", NOON + DAYS)
    again.append(withdrawn(NOON + 2 * DAYS, again[0], order="A-2"))
    assert repeat(on_time(), again) == (0, 1)


@pytest.mark.parametrize(("window", "days"), [("30d", 30), ("90d", 90)])
def test_only_customers_observed_that_long_are_asked_about(window, days):
    both = on_time(), order("A-2", NOON + DAYS)
    assert repeat(*both, window=window, as_of=NOON + days * DAYS - MS) == (0, 0)
    assert repeat(*both, window=window, as_of=NOON + days * DAYS) == (1, 1)


def test_the_first_such_order_of_a_customer_counts_and_no_other():
    # The second one ended on time on day 40; the third came on day 50, which is within 30 days
    # of the second but not of the first.
    three = (
        on_time(),
        on_time("A-2", NOON + 40 * DAYS),
        order("A-3", NOON + 50 * DAYS, window=None),
    )
    found = told(*three, as_of=NOON + 200 * DAYS)["on_time"]
    assert found["customers"] == 1
    assert (found["repeat_30d"]["k"], found["repeat_30d"]["n"]) == (0, 1)
    assert (found["repeat_90d"]["k"], found["repeat_90d"]["n"]) == (1, 1)


def test_a_customer_counts_once_for_each_experience():
    both = on_time(), late("A-2", NOON + 10 * DAYS)
    assert customers(*both) == {"on_time": 1, "late_unwarned": 1}
    assert repeat(*both) == (1, 1)
    assert repeat(*both, name="late_unwarned", as_of=NOON + 150 * DAYS) == (0, 1)


def test_the_first_is_the_one_that_ended_first():
    # Promised earlier, but it ended on day 20: from there 30 days reach to day 50.
    slow = order("A-1", 0, delivered(20 * DAYS), length=20 * DAYS)
    quick = on_time("A-2", DAYS)
    third = order("A-3", 45 * DAYS, window=None)
    # The quick one ended on day 1 at noon: day 45 is more than 30 days later.
    assert repeat(slow, quick, third, window="30d", as_of=200 * DAYS) == (0, 1)


def test_customers_are_counted_each_for_himself():
    again = order("A-2", NOON + DAYS, window=None)
    assert repeat(on_time(), again, on_time("B-1", customer="D")) == (1, 2)


def test_a_history_ends_when_nothing_was_heard_for_long_and_a_new_one_begins():
    # The first order closes 30 days after noon and is asked about for 97 days more: a customer
    # who comes back on day 128 begins anew; on day 126 it is the same history still.
    for day, count in ((126, 1), (128, 2)):
        twice = on_time(), on_time("A-2", NOON + day * DAYS)
        assert customers(*twice, as_of=NOON + 300 * DAYS) == {"on_time": count}


def test_order_value_is_compared_with_that_of_the_next_order_in_one_currency():
    def worth(amount, currency="EUR"):
        return {"value": {"amount": amount, "currency": currency}}

    first, again = NOON + DAYS, NOON + 2 * DAYS
    orders = [
        # C came back twice: the next order counts, not the dearest.
        on_time(**worth(20)), order("A-2", first, **worth(30.5)),
        order("A-3", again, **worth(90)),
        on_time("B-1", customer="D", **worth(10)),
        order("B-2", first, customer="D", **worth(0)),
        # Other currencies, or no value: not compared, but a repeat all the same.
        on_time("C-1", customer="E", **worth(10)),
        order("C-2", first, customer="E", **worth(10, "CHF")),
        on_time("D-1", customer="F"), order("D-2", first, customer="F", **worth(10)),
        # Nobody came back.
        on_time("E-1", customer="G", **worth(70)),
    ]  # fmt: skip
    found = told(*orders)["on_time"]
    assert found["repeat_90d"]["k"] == 4
    # The means of 20 and 10 before, of 30.5 and nothing after.
    assert found["order_value"] == {"EUR": {"n": 2, "before": 15.0, "after": 15.25}}
    assert "order_value" not in told(*orders, as_of=NOON + 90 * DAYS - MS)["on_time"]


def test_a_sum_of_money_nobody_pays_is_no_order_value():
    rich = {"value": {"amount": 1e13, "currency": "EUR"}}
    found = told(on_time(**rich), order("A-2", NOON + DAYS, **rich))["on_time"]
    assert "order_value" not in found
    assert found["repeat_90d"]["k"] == 1


def test_an_eta_that_turns_out_to_be_the_event_of_an_id_takes_a_delivery_back():
    # Of two copies received at once the least bytes are the event (L11): `by` comes first.
    came = delivered(150)
    said = eta(150, 150) | {"event_id": came["event_id"]}
    assert customers(order("A-1", 0, came, said), as_of=NOON + DAYS) == {}


def test_of_two_orders_that_ended_at_once_the_name_decides():
    # Only their values differ; the next order of both is the third.
    def parcel(name, amount, **more):
        return Parcel(
            name, 1, 0, here=True, placed=0, due=1, outcome="on_time", ended=2,
            amount=amount, currency="EUR", **more,
        )  # fmt: skip

    again = Parcel("C", 1, 3, here=True, placed=3, amount=7, currency="EUR")
    for orders in ([parcel("A", 1), parcel("B", 2)], [parcel("B", 2), parcel("A", 1)]):
        counted = loyalty.count([*orders, again], at(OBSERVED))
        assert counted["on_time.value.EUR.before"] == 1
