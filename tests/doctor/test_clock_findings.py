"""Who holds the tower's clock back: worked out by hand on two partitions and two workers."""

from dataclasses import replace

from streams.doctor.clocks import upstreams
from streams.doctor.seen import Group, Looks
from tests.doctor.given import KEYS, MINUTE, NOW, SECOND, B, clocks, look, said, verdicts

APART = 4 * SECOND
ALL = [key.format(number) for number in (0, 1) for key in KEYS]


def moving(first, second, **changes):
    """Return two looks with the given clocks."""
    return Looks(
        look(NOW - APART, clocks=first, **changes), look(NOW, clocks=second, **changes)
    )


def standing(at, *keys, **changes):
    """Return looks at which some clocks stand at an instant, the others go on."""
    still = dict.fromkeys(keys, at)
    return moving(
        clocks(NOW - APART - 3 * SECOND, **still), clocks(NOW - 3 * SECOND, **still), **changes
    )


def the_finding(two):
    assert verdicts(looks=two) == {"clocks": "wrong"}
    [finding] = said("clocks", looks=two)
    return finding


def test_orders_hear_ingest_and_couriers_and_couriers_hear_ingest():
    assert upstreams("ingest/order-events/0", ALL) == []
    assert upstreams("couriers/1", ALL) == [
        "ingest/courier-events/0", "ingest/courier-events/1",
    ]  # fmt: skip
    assert upstreams("orders/0/~partition", ALL) == [
        "ingest/order-events/0", "couriers/0", "ingest/order-events/1", "couriers/1",
    ]  # fmt: skip


def test_a_stuck_ingest_is_blamed_for_all_inboxes():
    at = NOW - 20 * SECOND
    keys = ("ingest/order-events/1", "orders/0/~partition", "orders/1/~partition")
    finding = the_finding(standing(at, *keys))
    assert finding.seen == (
        "ingest of order-events/1 stands still since 2027-01-15 07:59:40 UTC, 20 s ago; 2 of 2"
        " inbox partitions stand with it; owner: b on host-b."
    )
    assert "/readyz" in finding.first


def test_a_stopped_worker_is_blamed_by_its_ingest_alone():
    at = NOW - 20 * SECOND
    own = [key.format(1) for key in KEYS]
    finding = the_finding(standing(at, *own, "couriers/0", "orders/0/~partition"))
    assert finding.seen.startswith(
        "ingest of order-events/1, ingest of courier-events/1 stand still since"
    )


def test_couriers_that_stand_while_their_upstreams_go_on_are_blamed_themselves():
    at = NOW - 20 * SECOND
    two = standing(at, "couriers/0", "orders/0/~partition", "orders/1/~partition")
    assert the_finding(two).seen.startswith("couriers of courier-log/0 stands still")


def test_an_inbox_may_stand_by_itself():
    finding = the_finding(standing(NOW - 20 * SECOND, "orders/1/~partition"))
    assert finding.seen.startswith("orders of order-log/1 stands still")
    assert "1 of 2 inbox partitions" in finding.seen


def test_who_stands_far_behind_its_stuck_upstream_is_blamed_too():
    two = moving(
        clocks(NOW, **{"ingest/order-events/1": NOW - 20 * SECOND,
                       "orders/0/~partition": NOW - 20 * SECOND,
                       "orders/1/~partition": NOW - MINUTE}),
        clocks(NOW, **{"ingest/order-events/1": NOW - 20 * SECOND,
                       "orders/0/~partition": NOW - 20 * SECOND,
                       "orders/1/~partition": NOW - MINUTE}),
    )  # fmt: skip
    assert the_finding(two).seen.startswith(
        "ingest of order-events/1, orders of order-log/1 stand still"
    )


def test_a_few_seconds_of_stillness_are_nothing():
    assert verdicts(looks=standing(NOW - 10 * SECOND, *ALL)) == {}
    assert verdicts(looks=standing(NOW - 10 * SECOND - 1, *ALL)) == {"clocks": "wrong"}


def test_a_stuck_upstream_that_nobody_has():
    gone = Group("t.worker", "Stable", (replace(B, partitions=frozenset()),))
    two = standing(NOW - 20 * SECOND, *ALL, workers=gone)
    [finding] = said("clocks", looks=two)
    assert finding.seen.endswith("no worker has it.")
    assert finding.first.startswith("Start a worker")


def test_a_clock_that_catches_up_says_when():
    # 4 min behind; 12 s in 4 s gain 2 s a second, so 120 s to go
    two = moving(clocks(NOW - 4 * MINUTE - 12 * SECOND), clocks(NOW - 4 * MINUTE))
    finding = the_finding(two)
    assert finding.seen.startswith("The tower's clock is 4 min behind the present")
    assert finding.first == "Wait: it gains 2.0 s a second and needs another 2 min."


def test_a_clock_that_goes_on_without_catching_up_wants_a_worker():
    two = moving(clocks(NOW - 4 * MINUTE - 4 * SECOND), clocks(NOW - 4 * MINUTE))
    assert "start another worker" in the_finding(two).first
    late = moving(clocks(NOW - MINUTE - 4 * SECOND), clocks(NOW - MINUTE))
    assert verdicts(looks=late) == {}


def test_who_never_published_is_missed():
    some = clocks(NOW)
    del some["couriers/1"]
    assert the_finding(moving(some, some)).seen == (
        "couriers of courier-log/1 never published a clock; without them the tower's clock"
        " stands."
    )
    assert the_finding(moving({}, {})).seen == "No fold has published its clock yet."


def test_a_clock_that_never_moved_is_not_dated_1970():
    two = standing(0, "couriers/0", "orders/0/~partition", "orders/1/~partition")
    assert "stands still since it began;" in the_finding(two).seen


def test_workers_on_different_clocks_are_wrong():
    two = moving(clocks(NOW), clocks(NOW), times=frozenset({"wall", "feed"}))
    assert the_finding(two).seen == "Workers follow different clocks: feed and wall."


def test_a_feed_is_not_compared_with_the_present():
    year_old = clocks(NOW - 365 * 24 * 60 * MINUTE)  # 2027 and 2026 are common years
    two = moving(year_old, year_old, times=frozenset({"feed"}))
    assert verdicts(looks=two) == {}
    [finding] = said("clocks", looks=two)
    assert "it is 2026-01-15 08:00:00 UTC there" in finding.seen


def test_a_feed_that_has_not_begun_is_no_fault():
    before = moving(clocks(0), clocks(0), times=frozenset({"feed"}))
    assert verdicts(looks=before) == {}
    assert "no tick has come yet" in said("clocks", looks=before)[0].seen


def test_a_partition_a_feed_sends_no_ticks_to_is_found_once_all_is_read():
    left = clocks(NOW - MINUTE, **{"ingest/courier-events/0": NOW - 2 * MINUTE})
    feed = frozenset({"feed"})
    assert the_finding(moving(left, left, times=feed)).seen == (
        "ingest of courier-events/0 heard no tick after 2027-01-15 07:58:00 UTC, others one of"
        " 2027-01-15 07:59:00 UTC: the tower's clock waits for them."
    )
    later = left | {"orders/0/~partition": NOW}
    assert verdicts(looks=moving(left, later, times=feed)) == {}
