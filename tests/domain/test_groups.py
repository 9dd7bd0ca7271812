"""Whole orders of several parcels: every line of kpis 2.12 L19, worked out by hand.

All parcels are promised at nine for the window 11:00 to 12:00 (minutes 120 to 180); the clock
stands a week later.
"""

import pytest

from tests.domain.given import DAYS, MS, report
from tests.story import changed, delivered, event, promised, withdrawn

LATER = 8 * DAYS  # a verdict is final a week after the end of the promise


def parcel(order, *rest, group="G", **told):
    """Return the events of a parcel of a group."""
    told = {"window": (120, 180), "group_id": group, **told}
    return [promised(0, order=order, **told), *rest]


def handed(order, at, **told):
    return parcel(order, delivered(at, order=order), **told)


def counted(*parcels, **how):
    """Return how many groups are due and how many of them on time and in full."""
    found = report(*(each for one in parcels for each in one), **how)["groups"]
    assert found["otif"]["n"] == found["n"]
    return found["n"], found["otif"]["k"]


def test_all_parcels_on_time_are_one_whole_order():
    assert counted(handed("A-1", 130), handed("A-2", 180)) == (1, 1)


def test_one_parcel_is_no_group():
    assert counted(handed("A-1", 130)) == (0, 0)
    assert counted(handed("A-1", 130), handed("A-2", 130, group="H")) == (0, 0)


@pytest.mark.parametrize(
    "other",
    [
        handed("A-2", 180 + MS),  # late
        handed("A-2", 105 - MS),  # early: more than 15 minutes before eleven
        parcel("A-2"),  # never came: late
        parcel("A-2", event("lost", 150, "A-2")),  # failed
    ],
    ids=["late", "early", "not come", "lost"],
)
def test_one_parcel_that_is_not_on_time_fails_the_order(other):
    assert counted(handed("A-1", 130), other) == (1, 0)


def test_groups_are_counted_each_for_itself():
    whole = handed("A-1", 130), handed("A-2", 131)
    broken = handed("B-1", 130, group="H"), handed("B-2", 200, group="H")
    assert counted(*whole, *broken) == (2, 1)


@pytest.mark.parametrize("when", [100, 140])
def test_a_damaged_parcel_fails_the_order_though_it_is_on_time(when):
    # Damaged on the way and handed over all the same, or seen to be damaged at the door.
    broken = [*handed("A-2", 130), event("damaged", when, "A-2")]
    assert report(*broken)["total"]["delivery_time"]["on_time"] == 1
    assert counted(handed("A-1", 130), broken) == (1, 0)


def test_damage_that_is_withdrawn_never_was():
    damage = event("damaged", 140, "A-2")
    taken_back = [*handed("A-2", 130), damage, withdrawn(150, damage, order="A-2")]
    assert counted(handed("A-1", 130), taken_back) == (1, 1)


def test_the_frozen_verdict_counts_not_what_is_learnt_after_it():
    # The end of the promise is at noon: evidence counts up to noon a week later.
    week = 180 + 7 * DAYS
    damage = event("damaged", 140, "A-2", observed=week)
    assert counted(handed("A-1", 130), [*handed("A-2", 130), damage], as_of=LATER) == (1, 0)
    damage = event("damaged", 140, "A-2", observed=week + MS)
    assert counted(handed("A-1", 130), [*handed("A-2", 130), damage], as_of=LATER) == (1, 1)


def test_a_group_is_due_when_every_parcel_has_its_verdict():
    # The second parcel is promised for 13:00 (240); it is late from one millisecond later on.
    two = handed("A-1", 130), handed("A-2", 230, window=(180, 240))
    assert counted(*two, as_of=240) == (0, 0)
    assert counted(*two, as_of=240 + MS) == (1, 1)


def test_a_late_parcel_makes_no_group_due_before_the_others_are():
    two = handed("A-1", 200), handed("A-2", 230, window=(180, 240))
    assert counted(*two, as_of=230) == (0, 0)


def test_a_group_is_never_due_whose_parcel_was_another_order_before_its_deadline():
    # Promised for day 100, and on day 91 anew: since then the id is another order's (L12), and
    # what ended has no verdict. Promised anew on day 89 it is the same order, and late.
    late = {"window": (100 * DAYS, 100 * DAYS + 60)}
    for days, due in ((91, 0), (89, 1)):
        anew = promised(days * DAYS, order="A-2", **late)
        two = handed("A-1", 130), parcel("A-2", anew, **late)
        assert counted(*two, as_of=110 * DAYS) == (due, 0)


def test_excluded_parcels_are_left_out():
    # Cancelled by the customer before its deadline; the parcel that came makes the order whole.
    gone = parcel("A-2", event("cancelled", 60, "A-2", by="consignee"))
    assert counted(handed("A-1", 130), gone) == (1, 1)
    assert counted(handed("A-1", 200), gone) == (1, 0)


def test_a_parcel_without_a_promise_is_excluded_and_holds_nothing_up():
    bare = handed("A-2", 400, window=None)
    assert counted(handed("A-1", 130), bare, as_of=190) == (1, 1)


def test_a_group_of_excluded_parcels_alone_is_none():
    gone = [parcel(o, event("cancelled", 60, o, by="consignee")) for o in ("A-1", "A-2")]
    assert counted(*gone) == (0, 0)


def test_a_parcel_cancelled_by_the_carrier_failed():
    gone = parcel("A-2", event("cancelled", 60, "A-2", by="carrier"))
    assert counted(handed("A-1", 130), gone) == (1, 0)


def test_an_indeterminate_parcel_is_not_on_time():
    # As written it came at 11:10, within the window; read in Kathmandu it was 05:25 UTC, early.
    doubtful = handed("A-2", 130)
    doubtful[0]["timezone"] = "Asia/Kathmandu"
    doubtful[1]["time_quality"] = "assumed"
    assert report(*doubtful)["total"]["delivery_time"]["indeterminate"] == 1
    assert counted(handed("A-1", 130), doubtful) == (1, 0)


def test_a_returned_parcel_is_not_of_the_order_it_came_from():
    back = handed("R-1", 400, direction="return")
    assert counted(handed("A-1", 130), back) == (0, 0)
    assert counted(handed("A-1", 130), handed("A-2", 130), back) == (1, 1)


def test_the_customers_own_wish_moves_the_due_date_of_the_group():
    # Before the window ends the customer asks for 14:00 (300): then the parcel of 13:30 is on
    # time, and the group is due only then.
    moved = parcel(
        "A-2", changed(100, window=(270, 300), order="A-2"), delivered(270, order="A-2")
    )
    assert counted(handed("A-1", 130), moved, as_of=290) == (0, 0)
    assert counted(handed("A-1", 130), moved) == (1, 1)


def test_a_parcel_whose_promise_is_withdrawn_leaves_its_group():
    wrong = promised(0, order="A-3", window=(120, 180), group_id="G")
    right = promised(1, order="A-3", window=(120, 180), group_id="H")
    left = [wrong, right, withdrawn(5, wrong, order="A-3"), delivered(300, order="A-3")]
    both = handed("A-1", 130), handed("A-2", 130)
    assert counted(*both, [wrong, delivered(300, order="A-3")]) == (1, 0)
    assert counted(*both, left) == (1, 1)


def test_the_first_group_named_is_the_one():
    other = promised(1, order="A-2", window=(120, 180), group_id="H")
    assert counted(handed("A-1", 130), [*handed("A-2", 130), other]) == (1, 1)


def test_a_verdict_decided_in_time_holds():
    decided = event(
        "verdict_decided", 2 * DAYS, "A-2", verdict="on_time", by="court", reason="proof"
    )
    assert counted(handed("A-1", 130), [*handed("A-2", 200), decided]) == (1, 1)
