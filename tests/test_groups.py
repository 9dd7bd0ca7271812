"""The groups fold: clocks, rows, an archive that nothing is added to twice, and takeovers."""

import json

import pytest

from streams import topics
from streams.domain.cells import GROUPS, LOYALTY, encode_cell
from streams.domain.parcels import Parcel, encode
from streams.engine.api import Record
from streams.engine.rows import PartitionRows, pack
from streams.engine.writer import Outbox
from streams.groups import MOST_PARCELS, GroupsFold, Passing

UPSTREAMS = ["orders/0", "orders/1"]
KEPT = 100
ARCHIVE = b"\x01" + encode_cell(GROUPS).encode()
WHOLE = {"due": 1, "otif": 1}


def parcel(name, **told):
    """Return a parcel promised for 10 that came on time at 8."""
    return Parcel(
        name, 1, **{"joined": 0, "here": True, "placed": 0, "due": 10, "outcome": "on_time",
                    "ended": 8, **told},
    )  # fmt: skip


class Log:
    """A partition of group-log, written as the orders do."""

    def __init__(self):
        self.records = []

    def tell(self, key, told, upstream="orders/0"):
        offset = len(self.records)
        headers = (("origin", f"{upstream}/{offset}/0".encode()),)
        self.records.append(Record(offset, 0, key, encode(told), headers))

    def tick(self, at, upstream=None):
        for each in UPSTREAMS if upstream is None else [upstream]:
            value = json.dumps({each: at}).encode()
            headers = (("kind", b"tick"), ("caught_up", b"1"))
            self.records.append(Record(len(self.records), 0, None, value, headers))


def recovered(rows=None, meta=None, published=(), applied=-1):
    fold = GroupsFold(0, UPSTREAMS, KEPT)
    held = PartitionRows(dict(rows or {}), applied)
    fold.recover(meta, held, dict(published))
    return fold, held


def told(log, fold=None):
    fold = fold or recovered()[0]
    fold.fold(log.records, Outbox())
    return fold


def published(fold):
    out = Outbox()
    fold.publish(out)
    return [
        (key.decode(), value and json.loads(value), partition)
        for (key, value, _), partition in out.take().get(topics.KPI_CELLS, ())
    ]


def two_parcels(**more):
    log = Log()
    for name in ("A", "B"):
        log.tell(b"g/G", parcel(name, **more))
    return log


def test_the_clock_is_the_least_of_all_orders_partitions():
    log = two_parcels()
    log.tick(50, "orders/0")
    assert told(log).clock == 0
    log.tick(9, "orders/1")
    fold = told(log)
    assert (fold.clock, fold.book.totals) == (9, {})
    log.tick(10, "orders/1")
    assert told(log).book.totals == {GROUPS: WHOLE}


def test_the_last_that_an_order_says_holds_and_a_repeat_is_nothing():
    log = two_parcels()
    log.tell(b"g/G", parcel("B", outcome="late"))
    log.records.append(log.records[1]._replace(offset=3))  # B as it was, sent twice
    log.tick(10)
    assert told(log).book.totals == {GROUPS: {"due": 1}}


def test_a_parcel_that_is_taken_back_is_forgotten():
    log = two_parcels()
    log.tell(b"g/G", Parcel("B", 1))
    log.tick(10)
    assert told(log).book.totals == {}


def test_cells_are_published_with_the_clock_behind_them_and_once():
    log = two_parcels()
    log.tick(10)
    fold = told(log)
    assert published(fold) == [
        (f"groups/0/{encode_cell(GROUPS)}", WHOLE, 0),
        ("groups/0/~partition", {"clock": 10}, 0),
    ]
    assert published(fold) == []


def test_an_owner_empties_what_it_did_not_rebuild():
    own = f"groups/0/{encode_cell(LOYALTY)}".encode()
    other = f"groups/1/{encode_cell(LOYALTY)}".encode()
    fold, _ = recovered(published={own: b"{}", other: b"{}", b"groups/0/~partition": b"{}"})
    assert published(fold) == [
        (own.decode(), None, 0), ("groups/0/~partition", {"clock": 0}, 0)
    ]  # fmt: skip


def test_what_is_over_goes_to_the_archive_and_its_row_dies_later():
    # Both closed at 50, so the run is over at 150.
    log = two_parcels(closed=50)
    log.tick(149)
    fold, rows = recovered()
    told(log, fold)
    assert rows.get(b"g/G")
    log.tick(150)
    fold.fold(log.records[4:], Outbox())
    assert (rows.get(b"g/G"), json.loads(rows.get(ARCHIVE))) == (b"", WHOLE)
    assert fold.book.totals == {GROUPS: WHOLE}
    fold.publish(Outbox())  # the marker of before it may not be durable yet
    assert rows.get(b"g/G") == b""
    fold.publish(Outbox())
    assert rows.get(b"g/G") is None


def test_a_row_is_written_for_what_is_told_and_archived_not_for_what_the_clock_says():
    log = two_parcels()
    fold, rows = recovered()
    told(log, fold)
    assert rows.take().rest.keys() == {b"g/G"}
    seen = len(log.records)
    log.tick(10)
    fold.fold(log.records[seen:], Outbox())
    assert (fold.book.totals, bool(rows.take())) == ({GROUPS: WHOLE}, False)


def test_who_joins_after_the_end_joins_another_group():
    # Each alone is no group: the first was over at 150 when the second was first named.
    for joined, totals in ((149, {GROUPS: {"due": 1, "otif": 1}}), (150, {})):
        log = Log()
        log.tell(b"g/G", parcel("A", closed=50))
        log.tell(b"g/G", parcel("B", joined=joined))
        log.tick(200)
        assert told(log).book.totals == totals


def test_a_life_counted_from_1_again_leaves_the_closed_one_in_its_group():
    log = Log()
    log.tell(b"g/G", parcel("A", closed=50))
    log.tell(b"g/G", parcel("A", joined=60))
    log.tick(100)
    assert told(log).book.totals == {GROUPS: WHOLE}


@pytest.mark.parametrize("durable", ["nothing", "archive", "archive and row"])
def test_nothing_is_archived_twice_by_a_crash_between_archive_and_row(durable):
    log = two_parcels(closed=50)
    log.tick(150)
    fold, rows = recovered()
    told(log, fold)
    changes = rows.take()
    assert set(changes.first) == {ARCHIVE}
    kept = {"nothing": {}, "archive": changes.first,
            "archive and row": changes.first | changes.rest}[durable]  # fmt: skip
    again, _ = recovered(kept)
    told(log, again)
    assert again.book.totals == {GROUPS: WHOLE}
    assert again.book.archive == {GROUPS: WHOLE}


def test_a_row_recovered_ahead_is_left_alone_until_its_record_has_come():
    log = two_parcels()
    log.tick(10)
    late = {"A/1": parcel("A"), "B/1": parcel("B", outcome="late")}
    fold, rows = recovered()
    log.tell(b"g/G", late["B/1"])
    told(log, fold)
    ahead = {b"g/G": pack(6, rows.get(b"g/G"))}
    again, held = recovered(ahead)
    again.fold(log.records[:4], Outbox())
    assert again.book.totals == {GROUPS: {"due": 1}}
    again.fold(log.records[4:], Outbox())
    assert (again.book.totals, held.off(b"g/G")) == ({GROUPS: {"due": 1}}, 6)


def test_a_takeover_goes_on_with_clock_origins_deadlines_and_markers():
    log = two_parcels()
    log.tick(9)
    fold, rows = recovered()
    told(log, fold)
    kept = {key: pack(rows.off(key), payload) for key, payload in rows.items()}
    kept[b"g/gone"] = pack(2, b"")
    again, held = recovered(kept, fold.meta(), applied=3)
    assert again.clock == 9
    log.records.append(log.records[0]._replace(offset=4))  # a repeat: known by its origin
    log.tick(10)
    again.fold(log.records[4:], Outbox())
    assert again.book.totals == {GROUPS: WHOLE}
    for _ in range(2):
        again.publish(Outbox())
    assert held.get(b"g/gone") is None


def test_a_group_of_too_many_parcels_takes_no_more():
    log = Log()
    for number in range(MOST_PARCELS + 1):
        log.tell(b"g/G", parcel(f"{number:05}"))
    log.tell(b"g/G", parcel(f"{MOST_PARCELS:05}", outcome="late"))  # not in it
    log.tick(10)
    assert told(log).book.totals == {GROUPS: WHOLE}
    log.tell(b"g/G", parcel("00000", outcome="late"))  # but who is in it goes on
    log.tick(11)
    assert told(log).book.totals == {GROUPS: {"due": 1}}


def test_what_passes_by_is_folded_at_once_and_goes_on():
    out, folds = Outbox(), [recovered()[0], recovered()[0]]
    passing = Passing(out, folds)
    for record in two_parcels().records:
        passing.send(topics.GROUP_LOG, record.key, record.value, record.headers)
    passing.send(topics.ORDER_FACTS, b"A", b"{}")
    for number in range(2):
        for upstream in UPSTREAMS:
            tick = json.dumps({upstream: 10}).encode()
            passing.send(topics.GROUP_LOG, None, tick, (("kind", b"tick"),), number)
    assert [fold.clock for fold in folds] == [10, 10]
    counted = [fold.book.totals for fold in folds]
    assert sorted(counted, key=len) == [{}, {GROUPS: WHOLE}]
    # Ticks to each, and the two parcels where the key lies.
    assert sorted(passing.applied(number) for number in range(2)) == [1, 3]
    assert {topic: len(each) for topic, each in out.take().items()} == {
        topics.GROUP_LOG: 6, topics.ORDER_FACTS: 1,
    }  # fmt: skip
