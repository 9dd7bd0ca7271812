"""What orders say to groups and customers, and which parcels belong together in time."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from streams.domain.ledger import Ledger
from streams.domain.order import NEVER, Order
from streams.domain.parcels import Parcel, decode, encode, news, runs
from streams.groups import GroupsFold
from tests.domain.given import JUDGEMENT, arrivals, at
from tests.story import delivered, promised

KEPT = 10


def order_of(*events):
    order = Order(JUDGEMENT)
    for each in arrivals(*events):
        order.add(each)
    return order


def said(order, told, ledger=None):
    """Return what is told to whom, decoded."""
    found = news("A-1", order, ledger or Ledger(), told)
    return {key: decode(message) for key, message in found}


def test_group_and_customer_hear_how_an_order_stands_and_only_what_is_new():
    order = order_of(promised(0, window=(60, 120), group_id="G", customer_id="C"))
    told = {}
    parcel = Parcel(
        "A-1", 1, joined=at(0), here=True, placed=at(0), due=at(120) + 1, outcome="late"
    )
    assert said(order, told) == {"g/G": parcel, "c/C": parcel}
    assert said(order, told) == {}
    for each in arrivals(delivered(90)):
        order.add(each)
    found = said(order, told)
    assert {key: (each.outcome, each.ended) for key, each in found.items()} == {
        "g/G": ("on_time", at(90)), "c/C": ("on_time", at(90)),
    }  # fmt: skip


def test_an_order_without_either_id_says_nothing():
    assert said(order_of(promised(0, window=(60, 120))), {}) == {}


def test_who_asked_for_a_notice_in_time_was_warned():
    order = order_of(promised(0, window=(60, 120), customer_id="C"))
    for first_at, warned in ((at(120), True), (at(120) + 1, False), (None, False)):
        assert said(order, {}, Ledger(first_at=first_at))["c/C"].warned is warned


def test_a_lesser_copy_that_names_another_group_moves_the_order_there():
    # The copy that was received first is the event (L11): the order was never G's.
    first = promised(0, window=(60, 120), group_id="G", observed=5)
    copy = promised(0, window=(60, 120), group_id="H", observed=4)
    copy["event_id"] = first["event_id"]
    told = {}
    assert set(said(order_of(first), told)) == {"g/G"}
    found = said(order_of(first, copy), told)
    assert {key: (each.here, each.joined) for key, each in found.items()} == {
        "g/G": (False, at(5)), "g/H": (True, at(4)),
    }  # fmt: skip


def test_what_was_said_to_somebody_nobody_names_any_more_is_taken_back_once():
    told = {}
    said(order_of(promised(0, window=(60, 120), group_id="G")), told)
    other = order_of(promised(0, window=(60, 120)))
    assert said(other, told) == {"g/G": Parcel("A-1", 1)}
    assert (told, said(other, told)) == ({}, {})
    said(order_of(promised(0, window=(60, 120), group_id="G")), told)
    assert said(None, told) == {"g/G": Parcel("A-1", 1)}


def spans(*parcels):
    return [("".join(each.order_id for each in run), over) for run, over in runs(parcels, KEPT)]


def test_parcels_whose_spans_overlap_are_a_run():
    # A reaches from 0 to 15; who joins at 14 belongs to it, who joins at 15 does not.
    one = Parcel("A", 1, joined=0, closed=5)
    assert spans(Parcel("B", 1, joined=14, closed=20), one) == [("AB", 30)]
    assert spans(Parcel("B", 1, joined=15, closed=20), one) == [("A", 15), ("B", 30)]
    assert spans(Parcel("B", 1, joined=14), one) == [("AB", NEVER)]
    assert spans(one, Parcel("B", 1, joined=1, closed=2)) == [("AB", 15)]
    assert spans() == []


parcels_of = st.builds(
    lambda name, joined, length, outcome, here: Parcel(
        name, 1, joined=joined, here=here, placed=joined, due=joined + 3, outcome=outcome,
        ended=joined + 2, closed=None if length is None else joined + length,
    ),
    st.sampled_from("ABCDE"), st.integers(0, 60), st.none() | st.integers(3, 20),
    st.sampled_from(["on_time", "late", "failed", "excluded", "early"]), st.booleans(),
)  # fmt: skip


@given(st.lists(parcels_of, max_size=6), st.randoms(use_true_random=False))
def test_runs_do_not_depend_on_any_order(parcels, rng):
    mixed = list(parcels)
    rng.shuffle(mixed)
    assert sorted(spans(*mixed), key=str) == sorted(spans(*parcels), key=str)


stories = st.tuples(
    st.integers(0, 60),
    st.lists(st.sampled_from(["on_time", "late", "failed"]), min_size=1, max_size=3),
    st.none() | st.integers(3, 20),
)


def chain(number, story):
    """Return what one order says one after another; the last may be that its row closed."""
    joined, outcomes, length = story
    told = [
        Parcel(
            f"{number}", 1, joined=joined, here=True, placed=joined, due=joined + 3,
            outcome=each, ended=joined + 2,
        )
        for each in outcomes
    ]  # fmt: skip
    return told if length is None else [*told, replace(told[-1], closed=joined + length)]


@given(st.lists(stories, max_size=5), st.data())
def test_what_orders_say_counts_the_same_however_it_interleaves(told, data):
    """Orders overtake each other at will; the clock goes on as far as what is to come lets."""
    left = [chain(number, story) for number, story in enumerate(told)]
    plain, fold = GroupsFold(0, (), KEPT), GroupsFold(0, (), KEPT)
    for each in (parcel for parcels in left for parcel in parcels):
        take(plain, each)
    while any(left):
        take(fold, data.draw(st.sampled_from([each for each in left if each])).pop(0))
        to_come = [parcel for parcels in left for parcel in parcels]
        if to_come and data.draw(st.booleans()):
            bounds = (each.closed or each.joined for each in to_come)
            fold.advance(min(bounds), 0)
    for each in (plain, fold):
        each.advance(500, 0)
    assert fold.book.totals == plain.book.totals


def take(fold, parcel):
    for key in (b"g/G", b"c/C"):
        fold.take(key, encode(parcel), 0)
