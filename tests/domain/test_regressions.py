"""Histories on which the tower once differed from a second reading of the definitions.

Each expected value is worked out by hand in the test's comment.
"""

from typing import Any

from models.rules import Rules
from streams.domain.arrivals import Arrived
from streams.domain.order import COPY_OVERHEAD, Order
from streams.replay import Replay
from tests.domain.given import JUDGEMENT, arrivals
from tests.domain.histories import lines
from tests.oracle import instant
from tests.story import Event, delivered, event, promised


def report_of(*events: Event, as_of: str | None = None) -> dict[str, Any]:
    replay = Replay(Rules())
    replay.run(lines(list(events)), None if as_of is None else instant(as_of))
    return replay.report()


def test_a_copy_that_is_only_spelt_otherwise_is_no_conflict() -> None:
    # The same instant in another zone, a default written out, observed a minute later.
    first = {**delivered(30), "occurred_at": "2026-03-03T09:30:00Z"}
    again = {
        **first,
        "occurred_at": "2026-03-03T10:30:00+01:00",
        "observed_at": "2026-03-03T09:31:00Z",
        "schema_version": 1,
        "time_quality": "offset",
    }
    counts = report_of(promised(window=(0, 60)), first, again)["events"]
    assert (counts["accepted"], counts["duplicate"], counts["id_conflict"]) == (2, 1, 0)


def test_which_of_two_equal_copies_counts_its_unknown_field_is_not_the_order_in_the_file() -> (
    None
):
    # Both hold the same known fields and were received together: the one that holds no more
    # is the event, whichever line comes first.
    plain = delivered(30)
    coloured = {**plain, "colour": "red"}
    for copies in ((plain, coloured), (coloured, plain)):
        assert report_of(promised(window=(0, 60)), *copies)["events"]["unknown_fields"] == 0


def test_a_copy_of_a_promise_of_this_life_begins_no_other() -> None:
    # The source corrects the time under the same id, 90 days on: L11 makes it a duplicate.
    first = promised(0, date=60, event_id="p")
    again = {**first, "occurred_at": "2026-06-01T09:00:00Z"}
    report = report_of(first, again, as_of="2026-06-01T10:00:00Z")
    assert report["total"]["orders"] == 1
    assert report["events"]["duplicate"] == report["events"]["id_conflict"] == 1


def test_what_is_received_in_one_millisecond_is_taken_in_the_order_of_a_life() -> None:
    # 90 days after the only life event a promise and a scan come together. The promise ranks
    # before the scan: it begins another order, and the scan is its first, in either order.
    first = promised(0, window=(60, 120), event_id="first")
    second = promised(90 * 1440, window=(90 * 1440, 90 * 1440 + 60), event_id="second")
    scan = event("in_transit", 90 * 1440)
    for together in ((second, scan), (scan, second)):
        total = report_of(first, *together)["total"]
        # The clock stands at the instant itself: nothing is irreversible yet, but as nothing
        # else comes the report says what will be: two orders, the old one ended in silence.
        assert (total["orders"], total["ended_silent"]) == (2, 1)


def test_a_row_does_not_end_between_two_events_received_together() -> None:
    # Delivered on day 0, voided on day 1 by out_for_delivery. On day 40 that scan is
    # withdrawn: the order had ended on day 0, and its 30 days are over at once. What came in
    # the same millisecond still belongs to it, whichever line is read first.
    day = 1440
    again = event("out_for_delivery", day)
    back = event("event_withdrawn", 40 * day, withdraws=again["event_id"])
    opinion = event("feedback_given", 40 * day, csat=5, source="page")
    for together in ((back, opinion), (opinion, back)):
        report = report_of(promised(0, window=(0, 60)), delivered(30), again, *together)
        assert report["events"]["accepted"] == 5
        assert report["total"]["feedback"]["csat"]["n"] == 1


def test_promise_and_change_received_together_are_judged_together() -> None:
    # Both were received on day 10, the promise's own maturity (end of day 0 + 7) long gone,
    # but the customer had moved it to day 5: mature on day 12, so the handover counts.
    day, seen = 1440, 10 * 1440
    made = promised(-60, window=(0, 60), observed=seen)
    moved = event(
        "promise_changed", 10, by="consignee", observed=seen,
        promise={"end": "2026-03-08T09:00:00Z"},
    )  # fmt: skip
    handed = delivered(5 * day, observed=seen + 10)
    later = event("customer_asked", 12.5 * day, topic="other")
    times = report_of(made, moved, handed, later)["total"]["delivery_time"]
    assert (times["on_time"], times["excluded"]) == (1, 0)


def test_an_event_received_in_the_last_millisecond_of_a_stub_is_refused() -> None:
    # Delivered at 09:30 of day 0: the row ends 30 days later, its stub 365 days after that.
    handed = delivered(30)
    last = "2027-04-02T09:29:59.999Z"
    for as_of in (last, "2027-04-02T09:30:00Z", "2027-04-03T00:00:00Z"):
        report = report_of(
            promised(0, window=(0, 60)), handed, event("in_transit", last), as_of=as_of
        )
        assert report["events"]["rejected"] == {"order_closed": 1}
        assert report["total"]["orders"] == 1
    after = event("in_transit", "2027-04-02T09:30:00Z")
    assert report_of(promised(0, window=(0, 60)), handed, after)["total"]["orders"] == 2


def test_a_reading_in_the_future_of_its_receipt_does_not_count_as_written_either() -> None:
    # Written 11:00Z, received 09:30Z: only Helsinki's reading of 11:00, 09:00Z, is possible.
    # The window was 08:00 to 09:10: on time. Its receipt, 09:30, would be late.
    made = promised(-120, window=(-60, 10), timezone="Europe/Helsinki")
    handed = delivered(120, time_quality="assumed", observed=30)
    times = report_of(made, handed, as_of="2026-03-03T12:00:00Z")["total"]["delivery_time"]
    assert (times["on_time"], times["late"], times["indeterminate"]) == (1, 0, 0)


def test_a_local_time_is_not_read_in_a_zone_that_was_withdrawn() -> None:
    # 10:00 "local as Z", and the promise that said Kiritimati (UTC+14) is taken back: the
    # zone is unknown, so the time is 10:00Z, on time; read in Kiritimati it was 20:00 of the
    # day before, early.
    kiritimati = promised(
        -1500, window=(0, 90), timezone="Pacific/Kiritimati", event_id="k", source="b"
    )
    known = promised(-1400, window=(0, 90), event_id="p")
    handed = delivered(60, time_quality="local_as_z")
    back = event("event_withdrawn", 61, withdraws="k", source="b")
    times = report_of(kiritimati, known, handed, back, as_of="2026-03-03T12:00:00Z")["total"]
    assert times["delivery_time"]["on_time"] == 1
    assert times["delivery_time"]["early"] == 0


def test_a_copy_received_after_as_of_is_accepted_once_its_row_has_ended() -> None:
    # The row ends on day 30, `as_of` is day 31, the copy comes on day 40 (L15): accepted,
    # whether or not something else was received between day 30 and `as_of`.
    copy = {**delivered(30), "observed_at": "2026-04-12T09:00:00Z"}
    story = (promised(0, window=(0, 60)), delivered(30), copy)
    other = event("in_transit", 30.5 * 1440, order="B-2")
    for more in ((), (other,)):
        counts = report_of(*story, *more, as_of="2026-04-03T09:30:00Z")["events"]
        assert (counts["accepted"], counts["duplicate"]) == (3 + len(more), 0)


def test_the_room_of_copies_does_not_hang_on_which_came_first() -> None:
    # Two copies say A and one says B, which is the event: it was received first. A is stored
    # twice whole, as it differs from the event, whether it was taken for the event or not.
    says_a, says_b = delivered(30), {**delivered(30), "to": "neighbour"}
    first, *later = arrivals(says_b, says_a, says_a)
    later = [Arrived(each.event, each.received_at + 1, each.canonical) for each in later]
    sizes = set()
    for came in ([first, *later], [*later, first], [later[0], first, later[1]]):
        order = Order(JUDGEMENT)
        for each in came:
            order.add(Arrived(each.event, each.received_at, each.canonical))
        sizes.add(order.size)
    assert sizes == {len(first.canonical) + 2 * (len(later[0].canonical) + COPY_OVERHEAD)}
