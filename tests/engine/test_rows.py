"""Of two rows of a key the higher offset wins, in memory, at recovery and against intruders."""

import pytest

from streams.engine.changelog import OvertakenError, Tail, settle
from streams.engine.rows import MAX_ROW, PARTITION_KEY, PartitionRows, merge, pack, unpack
from streams.errors import TowerError


def test_a_row_is_eight_bytes_of_offset_and_the_payload() -> None:
    assert pack(258, b"p") == b"\0\0\0\0\0\0\x01\x02p"
    assert unpack(pack(-1, b"")) == (-1, b"")


def test_reading_keeps_the_higher_offset_in_any_order() -> None:
    for order in ((5, 9, 7), (9, 7, 5), (7, 5, 9)):
        rows: dict[bytes, bytes] = {}
        for off in order:
            merge(rows, b"k", pack(off, b"%d" % off))
        assert rows == {b"k": pack(9, b"9")}


def test_a_tombstone_removes() -> None:
    rows = {b"k": pack(5, b"p")}
    merge(rows, b"k", None)
    merge(rows, b"k", None)
    assert rows == {}


def test_what_was_recovered_ahead_stays_known() -> None:
    rows = PartitionRows({b"a": pack(5, b"A"), b"b": pack(12, b"B")}, applied=7)
    assert rows.highest_recovered == 12
    rows.put(b"b", b"BB", 13)
    assert (rows.off(b"b"), rows.recovered_off(b"b")) == (13, 12)
    assert (rows.off(b"a"), rows.recovered_off(b"a")) == (5, -1)
    assert (rows.get(b"z"), rows.off(b"z")) == (None, -1)
    assert dict(rows.items()) == {b"a": b"A", b"b": b"BB"}


def test_only_the_last_change_of_a_key_is_written_archive_rows_apart() -> None:
    rows = PartitionRows({}, applied=-1)
    assert rows.highest_recovered == -1
    rows.put(b"k", b"1", 1)
    rows.put(b"k", b"2", 2)
    rows.put(b"cell", b"c", 2, first=True)
    rows.delete(b"gone")
    assert rows.changed() == 3
    changes = rows.take()
    assert changes.first == {b"cell": pack(2, b"c")}
    assert changes.rest == {b"k": pack(2, b"2"), b"gone": None}
    assert not rows.take()


def test_a_row_over_the_limit_and_the_partition_key_are_bugs() -> None:
    rows = PartitionRows({}, applied=-1)
    with pytest.raises(ValueError, match="over the limit"):
        rows.put(b"k", bytes(MAX_ROW + 1), 1)
    with pytest.raises(ValueError, match="partition row"):
        rows.put(PARTITION_KEY, b"", 1)


def test_an_acknowledgement_that_does_not_continue_shows_another_writer() -> None:
    tail = Tail("t/0", 10)
    tail.acknowledged(10, 5)
    tail.acknowledged(None, 2)  # a retried duplicate has no offset
    tail.acknowledged(17, 1)
    assert tail.foreign == []
    tail.acknowledged(21, 1)
    assert (tail.foreign, tail.end) == ([(18, 21)], 22)
    with pytest.raises(TowerError, match="truncated or made anew"):
        tail.acknowledged(4, 1)


def test_our_winners_are_written_again_and_the_partition_row_by_a_barrier() -> None:
    rows = PartitionRows({b"k": pack(9, b"ours")}, applied=9)
    foreign = {
        b"k": pack(7, b"theirs"),
        b"deleted": None,
        PARTITION_KEY: pack(8, b""),
    }
    assert settle(rows, 9, foreign)
    assert rows.take().rest == {b"k": pack(9, b"ours"), b"deleted": None}
    assert not settle(rows, 9, {b"k": None})
    assert rows.take().rest == {b"k": pack(9, b"ours")}


@pytest.mark.parametrize(
    "foreign",
    [{b"k": pack(12, b"theirs")}, {b"new": pack(3, b"x")}, {PARTITION_KEY: pack(10, b"")}],
)
def test_a_writer_ahead_of_us_means_to_recover_anew(foreign) -> None:
    rows = PartitionRows({b"k": pack(9, b"ours")}, applied=9)
    with pytest.raises(OvertakenError):
        settle(rows, 9, foreign)
