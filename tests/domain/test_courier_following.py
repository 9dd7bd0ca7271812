"""A courier followed: what is told when, what is left unsaid, what a visit teaches."""

import msgspec
import pytest

from streams.domain.courier.following import Following
from streams.domain.courier.knowledge import Knowledge, Stay
from streams.domain.courier.telling import Told, is_news
from tests.domain.test_courier_progress import ROUTE, T, fix

MINUTE = 60_000


def drive(following, *fixes, knowledge=None):
    said, learnt = [], []
    for each in fixes:
        told, taught = following.take(each, ROUTE, knowledge or Knowledge())
        said += told
        learnt += taught
    return said, learnt


def test_every_order_ahead_is_told_when_the_courier_is_first_seen_on_the_way():
    said, _ = drive(Following(), fix(0, 0), fix(10, 50))
    assert [(each.order_id, each.halts_ahead) for each in said] == [
        ("A-1", 0),
        ("A-2", 1),
        ("A-3", 2),
    ]
    etas = [(each.told.eta - T) / 1_000 for each in said]
    # 5 m/s and three minutes at a door: 190 s of way, then 200 s each; a median of a sum is a
    # little more than the sum of medians.
    for eta, plain in zip(etas, (10 + 190 + 180, 10 + 390 + 360, 10 + 590 + 540), strict=True):
        assert plain < eta < 1.35 * plain
    assert all(each.told.low < each.told.eta < each.told.high for each in said)


def test_a_position_that_changes_nothing_says_nothing():
    following = Following()
    drive(following, fix(0, 0), fix(10, 50))
    before = msgspec.msgpack.encode(following.told)
    said, learnt = drive(following, *(fix(10 + 10 * n, 50 + 50 * n) for n in range(1, 15)))
    assert (said, learnt) == ([], [])
    assert msgspec.msgpack.encode(following.told) == before


def test_one_fix_that_says_otherwise_is_not_believed_and_two_are():
    following = Following()
    drive(following, fix(0, 0), fix(30, 150))
    assert drive(following, fix(200, 160))[0] == []
    said, _ = drive(following, fix(230, 170))
    assert [each.order_id for each in said] == ["A-1", "A-2"]  # three minutes: A-3 is far
    assert said[0].told.eta > T + 400_000


def test_arrival_and_departure_are_told_and_teach():
    following = Following()
    drive(following, fix(0, 800), fix(10, 850))
    said, _ = drive(following, fix(40, 1_000), fix(70, 1_000))
    assert (said[0].order_id, said[0].told.stage) == ("A-1", "arrived")
    said, learnt = drive(following, fix(250, 1_150), fix(280, 1_300))
    (left,) = [each for each in said if each.told.stage == "left"]
    assert (left.order_id, left.told.low, left.told.eta) == ("A-1", T + 40_000, T + 220_000)
    assert [(each.leg, each.stay) for each in learnt] == [(None, Stay(1, None))]
    assert learnt[0].service == 220 - 40  # from the door, and 150 m at 5 m/s before 250
    _, learnt = drive(
        following, fix(410, 1_950), fix(440, 2_000), fix(600, 2_140), fix(630, 2_300)
    )
    assert learnt[0].leg.metres == pytest.approx(1_000, rel=0.01)
    assert learnt[0].travel == pytest.approx(420 - 220, abs=5)


def test_near_is_said_once():
    following = Following()
    said, _ = drive(following, fix(0, 0), fix(10, 50))
    stages = {each.order_id: each.told.stage for each in said}
    assert stages == {"A-1": "near", "A-2": "on_the_way", "A-3": "on_the_way"}


def test_a_new_route_forgets_orders_that_are_not_on_it():
    following = Following()
    drive(following, fix(0, 0), fix(10, 50))
    following.plan(ROUTE[1:])
    assert set(following.told) == {"A-2", "A-3"}
    assert following.progress.fix is not None
    assert list(following.progress.next_halts(ROUTE[1:])) == [0, 1]


@pytest.mark.parametrize(
    ("ahead", "moved", "news"),
    [(10, 1.9, False), (10, 2, True), (40, 3.9, False), (40, 4, True), (80, 6.9, False),
     (80, 7, True), (170, 11.9, False), (170, 12, True), (300, 19.9, False), (300, 20, True)],
)  # fmt: skip
def test_the_nearer_the_less_an_eta_may_move_unsaid(ahead, moved, news):
    eta = T + ahead * MINUTE
    known = Told(round(eta - moved * MINUTE), eta - 60 * MINUTE, eta + 60 * MINUTE)
    assert is_news(known, Told(eta, eta - 60 * MINUTE, eta + 60 * MINUTE), T) is news


def test_a_range_that_halved_is_news_when_it_is_near():
    near, far = T + 60 * MINUTE, T + 200 * MINUTE
    for eta, news in ((near, True), (far, False)):
        known = Told(eta, eta - 20 * MINUTE, eta + 20 * MINUTE)
        assert is_news(known, Told(eta, eta - 10 * MINUTE, eta + 10 * MINUTE), T) is news
    assert is_news(None, Told(far, far, far), T)


def test_a_row_holds_all_of_it():
    following = Following()
    drive(following, fix(0, 800), fix(10, 850), fix(40, 1_000), fix(70, 1_000), fix(100, 1_500))
    kept = msgspec.msgpack.encode(following)
    again = msgspec.msgpack.decode(kept, type=Following)
    assert again == following
    rest = (fix(130, 1_000), fix(250, 1_150), fix(280, 1_300), fix(310, 1_500))
    assert drive(again, *rest) == drive(following, *rest)
