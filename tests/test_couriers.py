"""The couriers fold: newest of each courier, what came twice, and rows ahead of the log."""

import json
from itertools import permutations

import pytest

from streams import topics
from streams.clocks import origin_header
from streams.codec import decode_courier
from streams.couriers import CouriersFold
from streams.engine.api import Beat, Record
from streams.engine.rows import MAX_ROW, PartitionRows
from streams.sightings import ARCHIVE, MOST_KNOWN, MOST_TEXTS, SPAN, SPAN_MS
from tests.test_ingest import Sent

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
T = 20_000 * DAY_MS + 10 * HOUR_MS  # ten in the morning of some day, epoch milliseconds
UPSTREAM = "courier-events/0"


def said(kind="position_reported", at="10:00:00", courier="K", **told):
    event = {
        "kind": kind, "event_id": f"{kind}-{at}", "source": "app", "courier_id": courier,
        "carrier": "nordpost", "occurred_at": f"2024-10-04T{at}Z", **told,
    }  # fmt: skip
    if kind == "position_reported":
        event = {"lat": 52.5, "lon": 13.4, **event}
    return event


def canonical(event):
    return decode_courier(json.dumps(event).encode()).canonical


def record(offset, event, received_at=T, **headers):
    named = (
        ("received_at", str(received_at).encode()),
        ("origin", origin_header(UPSTREAM, offset)),
        *headers.items(),
    )
    return Record(offset, 0, event["courier_id"].encode(), canonical(event), named)


def tick(offset, at, *, caught_up=True):
    value = json.dumps({UPSTREAM: at}).encode()
    headers = (("kind", b"tick"), ("caught_up", b"1" if caught_up else b"0"))
    return Record(offset, 0, None, value, headers)


def unasked(offset, at):
    """Return what both inboxes say: no question of before comes any more."""
    headers = (("kind", b"tick"), ("caught_up", b"1"))
    return Record(
        offset, 0, None, json.dumps({"orders/0": at, "orders/1": at}).encode(), headers
    )


def fold(rows=None, applied=-1, meta=None):
    found = CouriersFold(0, (UPSTREAM,), 2)
    found.recover(meta, PartitionRows(dict(rows or {}), applied), {})
    return found


def row(found, courier="K"):
    return json.loads(found.rows.get(b"c/" + courier.encode()))


def changelog(found):
    """Return the rows as written so far: key -> bytes of the changelog."""
    return dict(found.rows._rows)


def test_the_newest_of_each_kind_is_kept():
    found = fold()
    stops = [{"order_id": "A-1", "lat": 1.0, "lon": 2.0, "service_seconds": 30.0}]
    found.fold(
        [
            record(0, said(at="10:00:00", lat=52.0, accuracy_m=8.0)),
            record(1, said("route_planned", "10:00:01", stops=stops)),
            record(2, said("shift_started", "08:00:00")),
            record(3, said(at="10:05:00", lat=53.0)),
            record(4, said(at="10:01:00", lat=99.0 - 50)),  # older: came late
        ],
        Sent(),
    )
    at = 1_728_036_000_000  # 2024-10-04T10:00:00Z
    newest = {
        "carrier": "nordpost",
        "position": {"lat": 53.0, "lon": 13.4, "m": None, "at": at + 300_000},
        "route": {"stops": [["A-1", 1.0, 2.0, 30.0]], "at": at + 1_000},
        "shift": {"on": True, "at": at - 2 * HOUR_MS},
    }
    kept = row(found)
    assert {name: kept[name] for name in newest} == newest
    assert kept.keys() - newest.keys() == {"way", "told"}
    assert kept["told"] == {}  # half a world away: nobody is there within a day
    found.fold([record(5, said("shift_ended", "17:00:00"))], Sent())
    assert row(found)["shift"]["on"] is False


def test_couriers_do_not_share_their_ids():
    found = fold()
    found.fold([record(0, said()), record(1, said(courier="L"))], Sent())
    assert found.counts() == {"accepted": 2}


def test_the_same_event_again_is_a_duplicate_and_other_content_a_conflict():
    found = fold()
    found.fold(
        [
            record(0, said(), unknown=b"1"),
            record(1, said(), unknown=b"1"),
            record(2, said(observed_at="2024-10-04T11:00:00Z"), T + 1),
            record(3, said(lat=1.0), T + 1),
            record(4, said(source="another")),
        ],
        Sent(),
    )
    assert found.counts() == {
        "accepted": 2, "unknown_fields": 1, "duplicate": 3, "id_conflict": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("later", "counts"),
    [
        (2 * DAY_MS - 1, {"accepted": 1, "duplicate": 1}),
        (2 * DAY_MS, {"accepted": 2}),
        (-2 * DAY_MS + 1, {"accepted": 1, "duplicate": 1}),  # a copy with an earlier receipt
    ],
)
@pytest.mark.parametrize("crash", [False, True])
def test_an_id_is_known_for_two_days(later, counts, crash):
    found = fold()
    found.fold([record(0, said())], Sent())
    if crash:
        found = fold(changelog(found), 0, found.meta())
    found.fold([record(1, said(), T + later)], Sent())
    assert found.counts() == counts


@pytest.mark.parametrize("crash", [False, True])
def test_of_an_id_that_came_again_the_last_is_known(crash):
    found = fold()
    for offset, when in enumerate((T, T + 2 * DAY_MS)):
        found.fold([record(offset, said(), when)], Sent())
    if crash:
        # Rows come back in no particular order.
        rows = dict(sorted(changelog(found).items(), reverse=True))
        found = fold(rows, 1, found.meta())
    found.fold([record(2, said(), T + 3 * DAY_MS)], Sent())
    assert found.counts() == {"accepted": 2, "duplicate": 1}


def test_what_ingest_sent_twice_is_neither_counted_nor_a_duplicate():
    found = fold()
    again = record(0, said())
    found.fold([again, Record(1, *again[1:])], Sent())
    assert found.counts() == {"accepted": 1}


def test_a_record_is_clamped_to_what_its_upstream_promised():
    found = fold()
    found.fold([tick(0, T), record(1, said(), T - 5 * DAY_MS)], Sent())
    assert [key for key in found.sightings.spans if key.startswith(SPAN)] == [
        SPAN + f"{T // SPAN_MS} K".encode()
    ]


def test_hours_move_to_the_archive_when_no_copy_can_ask_for_them():
    found, out = fold(), Sent()
    found.fold([record(0, said())], out)
    found.fold([tick(1, T + 2 * DAY_MS)], out)
    assert len(found.sightings.spans) == 1
    found.fold([tick(2, T + 2 * DAY_MS + 3 * HOUR_MS)], out)
    assert (found.sightings.live, found.sightings.archived) == ({}, {"accepted": 1})
    assert found.counts() == {"accepted": 1}
    assert json.loads(found.rows.get(ARCHIVE)) == {"accepted": 1}
    changes = found.rows.take()
    assert list(changes.first) == [ARCHIVE]  # durable before the hour that is over

    hour = SPAN + f"{T // SPAN_MS} K".encode()
    found.publish(out)
    found.publish(out)
    assert found.rows.get(hour) is not None  # an order may still ask where the courier was
    found.fold([unasked(3, T + 5 * DAY_MS)], out)
    found.publish(out)
    assert found.rows.get(hour) is not None  # the partition row has not passed it yet
    found.publish(out)
    assert found.rows.get(hour) is None
    assert (found.sightings.spans, found.sightings.known) == ({}, {})


def test_hours_that_were_over_when_recovered_are_forgotten_too():
    found = fold()
    found.fold([record(0, said()), tick(1, T + 3 * DAY_MS), unasked(2, T + 5 * DAY_MS)], Sent())
    again = fold(changelog(found), 2, found.meta())
    assert again.counts() == {"accepted": 1}
    again.publish(Sent())
    again.publish(Sent())
    assert [key for key, _ in again.rows.items() if key.startswith(SPAN)] == []


@pytest.mark.parametrize("durable", [set(), {SPAN}, {b"c/"}, {SPAN, b"c/"}])
def test_rows_ahead_of_the_log_take_nothing_twice(durable):
    """A crash leaves any part of a flush durable; the records come again."""
    records = [record(0, said()), record(1, said(at="10:07:00")), record(2, said())]
    straight = fold()
    straight.fold(records, Sent())

    crashed = fold()
    crashed.fold(records[:2], Sent())
    kept = {key: each for key, each in changelog(crashed).items() if key[:2] in durable}
    again = fold(kept, -1, None)
    again.fold(records, Sent())
    assert again.counts() == straight.counts()
    assert again.couriers == straight.couriers
    assert dict(again.rows.items()) == dict(straight.rows.items())


@pytest.mark.parametrize("durable", [set(), {ARCHIVE}, {ARCHIVE, SPAN}])
def test_an_archive_ahead_of_the_log_is_not_added_to_again(durable):
    records = [record(0, said()), record(1, said(courier="L")), tick(2, T + 3 * DAY_MS)]
    crashed = fold()
    crashed.fold(records[:2], Sent())
    before = changelog(crashed)
    crashed.fold(records[2:], Sent())
    kept = before | {
        key: each
        for key, each in changelog(crashed).items()
        if key == ARCHIVE in durable or key[:2] in durable
    }
    again = fold(kept, -1, None)
    again.fold(records, Sent())
    assert again.counts() == {"accepted": 2}
    assert again.sightings.live == {}


def test_the_clock_is_passed_on_to_every_inbox_once():
    found, out = fold(), Sent()
    found.fold([record(0, said())], out)
    assert out.all == []
    found.fold([tick(1, T, caught_up=False)], out)
    found.fold([tick(2, T, caught_up=False)], out)
    found.fold([tick(3, T)], out)
    assert out.ticks() == [
        (0, T, False), (1, T, False), (0, T, True), (1, T, True),
    ]  # fmt: skip
    (_, _, value, _, _) = out.to(topics.ORDER_LOG)[0]
    assert json.loads(value) == {"couriers/0": T}


def test_only_ticks_are_time():
    found, out = fold(), Sent()
    found.beat(Beat(T, caught_up=True, safe_at=T), out)
    assert (out.all, found.marks.clock) == ([], 0)


def test_counts_and_clock_are_published_when_they_change():
    found, out = fold(), Sent()
    found.fold([record(0, said()), tick(1, T)], out)
    found.publish(out)
    found.publish(out)
    ((_, key, value, _, partition),) = out.to(topics.KPI_CELLS)
    assert (key, partition) == (b"couriers/0", 0)
    assert json.loads(value) == {"clock": T, "counts": {"accepted": 1}}


def test_a_courier_that_never_stops_talking_cannot_burst_a_row():
    # Ids as long as they may be, of characters that JSON writes in twelve letters each.
    found = fold()
    event = said(lat=1.0)
    for number in range(MOST_KNOWN + 50):
        event["event_id"] = f"{number:06}" + "\U0001f69a" * 194
        found.take(decode_courier(json.dumps(event).encode()), T, number, 0)
    found._put_rows()
    assert found.counts() == {"accepted": MOST_KNOWN + 50}
    assert max(len(payload) for _, payload in found.rows.items()) < MAX_ROW
    event["event_id"] = "000000" + "\U0001f69a" * 194
    found.take(decode_courier(json.dumps(event).encode()), T, MOST_KNOWN + 51, 0)
    assert found.counts()["duplicate"] == 1


def test_replay_needs_no_rows():
    found = CouriersFold(0, (), 0)
    for _ in range(2):
        found.take(decode_courier(json.dumps(said(more=1)).encode()), T, 1, 0)
    assert found.counts() == {"accepted": 1, "unknown_fields": 1, "duplicate": 1}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_least_copy_is_the_event_in_whatever_order_copies_come(order):
    # The first received says 1.0 and nothing unknown; both later copies say something else.
    copies = [(said(lat=1.0), T, {}), (said(), T + 1, {"unknown": b"1"}), (said(), T + 2, {})]
    found = fold()
    for offset, which in enumerate(order):
        event, received_at, headers = copies[which]
        found.fold([record(offset, event, received_at, **headers)], Sent())
    assert found.counts() == {"accepted": 1, "duplicate": 2, "id_conflict": 2}


@pytest.mark.parametrize("crash", [None, 1, 2])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_of_copies_of_one_millisecond_the_least_bytes_are_the_event(order, crash):
    # 13.4 < 13.41 < 13.5 as texts too; only the copy that says 13.5 has a field unknown to us.
    copies = [(said(lon=13.4), {}), (said(lon=13.41), {}), (said(lon=13.5), {"unknown": b"1"})]
    found = fold()
    for offset, which in enumerate(order):
        if offset == crash:
            found = fold(changelog(found), offset - 1, found.meta())
        event, headers = copies[which]
        found.fold([record(offset, event, T, **headers)], Sent())
    assert found.counts() == {"accepted": 1, "duplicate": 2, "id_conflict": 2}
    (fix,) = found.sightings.of("K", T - DAY_MS, T + DAY_MS, T)
    assert (fix.lat, fix.lon) == (52.5, 13.4)


def test_of_one_wording_the_least_bytes_of_a_millisecond_count():
    # "observed_at" stands before "occurred_at", "more" is unknown: the copy that was observed
    # is the lesser, so that its unknown field counts, whichever came first.
    plain, observed = said(), said(observed_at="2024-10-04T10:00:01Z")
    for events in permutations([(plain, {}), (observed, {"unknown": b"1"})]):
        found = fold()
        for offset, (event, headers) in enumerate(events):
            found.fold([record(offset, event, T, **headers)], Sent())
        assert found.counts() == {"accepted": 1, "duplicate": 1, "unknown_fields": 1}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_later_copies_do_not_decide_which_of_one_millisecond_is_the_event(order):
    # Two copies of one millisecond and, a minute later, the greater of them once more. Source
    # partitions are read at their own pace: the later one may be here first.
    copies = [(said(lon=13.4), T), (said(lon=13.5), T), (said(lon=13.5), T + 60_000)]
    found = fold()
    for offset, which in enumerate(order):
        found.fold([record(offset, *copies[which])], Sent())
    assert found.counts() == {"accepted": 1, "duplicate": 2, "id_conflict": 2}


def test_canonical_bytes_are_kept_until_no_more_of_their_millisecond_can_come():
    found = fold()
    for offset in range(400):
        at = f"10:{offset % 60:02}:{offset // 60:02}"
        found.fold([record(offset, said(at=at), T + offset // 200)], Sent())
    (span,) = found.sightings.spans.values()
    assert len(span.texts) == MOST_TEXTS
    found.fold([tick(400, T + 1), record(401, said(at="11:00:00"), T + 1)], Sent())
    assert len(span.texts) == MOST_TEXTS - 200 + 1  # those of T are dropped
    found.fold([tick(402, T + 2), record(403, said(at="11:00:01"), T + 2)], Sent())
    assert list(span.texts.values()) == [canonical(said(at="11:00:01"))]


def test_an_hour_that_is_over_ahead_of_the_log_still_knows_what_came_in_it():
    # The copy an hour later is a duplicate also when, of all that followed, the end of the
    # first hour alone was durable at the crash.
    records = [record(0, said()), record(1, said(), T + HOUR_MS), tick(2, T + 3 * DAY_MS)]
    crashed = fold()
    crashed.fold(records[:1], Sent())
    meta = crashed.meta()
    crashed.fold(records[1:], Sent())
    again = fold(changelog(crashed), 0, meta)
    again.fold(records[1:], Sent())
    assert again.counts() == crashed.counts() == {"accepted": 1, "duplicate": 1}
