"""Rows as bytes: what is read back counts the same, waits for the same, says the same next."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from models.notices import NoticeCommand, NoticeReceipt
from streams.cellbook import CellBook
from streams.domain import notices
from streams.domain.ledger import settle
from streams.domain.row import EVENT_OVERHEAD, ROW_LIMIT, Row, Stub, Told
from streams.errors import TowerError
from streams.rowcodec import SCHEMA, Standing, decode_row, encode_row, standing_of
from tests.domain.given import DAYS, JUDGEMENT, arrivals, at
from tests.domain.test_permutations import long_lives, received
from tests.story import delivered, eta, feedback, out, picked_up, promised


def row_of(*events: dict[str, Any]) -> Row:
    row = Row(JUDGEMENT)
    for arrived in arrivals(*events):
        assert row.add(arrived)
    return row


def again(row: Row) -> Row:
    return decode_row(encode_row(row), JUDGEMENT)


def same(row: Row, other: Row, clock: int) -> None:
    assert other.contribution(clock) == row.contribution(clock)
    assert (other.settles_at, other.size) == (row.settles_at, row.size)
    assert (other.stub, other.too_large) == (row.stub, row.too_large)
    assert [each.precedence for each in other.parked] == [
        each.precedence for each in row.parked
    ]
    if row.order is None:
        assert other.order is None
        return
    assert other.order is not None
    assert other.ledger == row.ledger
    assert other.told == row.told
    for name in ("closes_at", "matures_at", "promise", "withdrawn", "duplicates", "conflicts"):
        assert getattr(other.order, name) == getattr(row.order, name), name
    for identity, copies in row.order.copies.items():
        there = other.order.copies[identity]
        assert [copy.precedence for copy in there] == [copy.precedence for copy in copies]
    look = notices.next_look(row.ledger, row.order, clock)
    assert notices.next_look(other.ledger, other.order, clock) == look


@settings(max_examples=80, deadline=None)
@given(life=long_lives(), data=st.data())
def test_a_row_read_back_is_the_row(life, data):
    row = Row(JUDGEMENT)
    for arrived in received(life):
        row.add(arrived)
        row.told.revisions += 1
    clock = data.draw(st.sampled_from((at(0), at(541), at(40 * DAYS), at(150 * DAYS))))
    list(row.settle(clock))
    if row.order is not None:
        notices.plan(row.ledger, row.order, "A-1", clock)
    same(row, again(row), clock)
    assert encode_row(again(again(row))) == encode_row(again(row))


def test_what_was_told_and_asked_is_remembered():
    row = row_of(promised(0, window=(300, 540)), out(200), eta(250, 600))
    assert row.order is not None
    notices.plan(row.ledger, row.order, "A-1", at(250))
    (command,) = notices.plan(row.ledger, row.order, "A-1", at(260))
    assert isinstance(command, NoticeCommand)
    row.told = Told("late", 2, "not_home", 1, 3, at(400), sla={"two days": 1})
    receipt = NoticeReceipt(
        notice_id=command.notice_id, order_id="A-1", kind="delay_predicted", version=1,
        result="sent", eta=command.eta, at=at(261),
    )  # fmt: skip
    for settled in (False, True):
        if settled:
            settle(row.ledger, receipt)
        same(row, again(row), at(270))
        assert again(row).ledger.results == row.ledger.results


def test_flags_and_copies_stay():
    row = row_of(picked_up(1) | {"colour": "red"}, picked_up(1), out(2), out(2), out(2))
    found = again(row)
    assert found.order is not None
    assert (found.order.with_unknown_fields, found.order.duplicates) == (0, 3)
    strange = again(row_of(picked_up(1) | {"colour": "red"}))
    assert strange.order is not None
    assert strange.order.with_unknown_fields == 1


def test_parked_events_stay_parked():
    row = row_of(promised(0, instant=60), delivered(60), feedback(60 + 30 * DAYS, csat=5))
    assert len(row.parked) == 1
    same(row, again(row), at(61))


def test_a_stub_is_at_most_64_bytes_and_knows_the_next_life():
    row = row_of(promised(0, instant=60), delivered(60))
    list(row.settle(at(60 + 30 * DAYS)))
    assert row.stub == Stub(1, at(60), at(60 + 395 * DAYS))
    assert len(encode_row(row)) <= 64
    found = again(row)
    assert (found.stub, found.order) == (row.stub, None)
    assert found.ledger.life == row.ledger.life == 2


def test_the_largest_stub_is_at_most_64_bytes():
    row = Row(JUDGEMENT, stub=Stub(2**31, -(2**62), 2**62), ledger=notices.Ledger(2**31 + 1))
    assert len(encode_row(row)) <= 64


def test_what_was_told_of_a_life_that_is_parked_again_is_remembered():
    """An event of an earlier receipt can send a life that was told of back to waiting."""
    row = row_of(promised(0))
    row.told, row.ledger.version = Told(attempt="success", attempts=1), 2
    row.parked, row.order = list(row.order.arrivals.values()) if row.order else [], None
    found = again(row)
    assert (found.told, found.ledger) == (row.told, row.ledger)
    assert (found.order, len(found.parked)) == (None, 1)


def test_a_new_life_beside_a_stub():
    row = row_of(promised(0, instant=60), delivered(60))
    list(row.settle(at(95 * DAYS)))
    (second,) = arrivals(promised(95 * DAYS, instant=95 * DAYS + 60))
    row.add(second)
    found = again(row)
    assert found.stub == row.stub
    assert found.order is not None
    assert found.ledger.life == 2
    same(row, found, at(95 * DAYS))


def test_a_row_with_nothing_in_it_is_a_dead_marker():
    assert encode_row(Row(JUDGEMENT)) == b""
    for payload in (None, b""):
        assert encode_row(decode_row(payload, JUDGEMENT)) == b""
    row = row_of(promised(0, instant=60), delivered(60))
    list(row.settle(at(60 + 395 * DAYS)))
    assert encode_row(row) == b""
    assert row.ledger == Row(JUDGEMENT).ledger


@pytest.mark.parametrize("schema", [SCHEMA - 1, SCHEMA, SCHEMA + 1])
def test_how_a_row_stands_is_read_without_the_row(schema):
    row = row_of(promised(0, instant=60))
    packed = CellBook().pack(row.contribution(at(0)))
    standing = Standing(JUDGEMENT.id, at(60), Raw(packed))
    payload = bytes((schema,)) + encode_row(row, standing)[1:]
    found = standing_of(payload, JUDGEMENT)
    assert found is not None
    assert (found.rules, found.due, bytes(found.contribution)) == (JUDGEMENT.id, at(60), packed)
    assert standing_of(encode_row(row), JUDGEMENT) is None
    same(row, decode_row(payload, JUDGEMENT), at(0))


def test_by_other_rules_a_row_stands_otherwise():
    row = row_of(promised(0, instant=60))
    packed = Raw(CellBook().pack(row.contribution(at(0))))
    payload = encode_row(row, Standing("of others", at(60), packed))
    assert standing_of(payload, JUDGEMENT) is None


@pytest.mark.parametrize("schema", [SCHEMA - 1, SCHEMA, SCHEMA + 1])
def test_a_neighbouring_schema_is_read(schema):
    row = row_of(promised(0, instant=60))
    payload = bytes((schema,)) + encode_row(row)[1:]
    same(row, decode_row(payload, JUDGEMENT), at(0))


def test_a_field_of_the_next_version_is_passed_over():
    row = row_of(promised(0, instant=60))
    payload = bytearray(encode_row(row))
    payload[1] += 1  # a short msgpack array says its length in one byte
    payload += b"\xa3new"
    same(row, decode_row(bytes(payload), JUDGEMENT), at(0))


def test_a_foreign_schema_is_refused_in_a_sentence():
    with pytest.raises(TowerError, match=r"schema 9, this version knows 1\."):
        decode_row(b"\x09" + encode_row(row_of(promised(0)))[1:], JUDGEMENT)


def test_a_row_is_full_just_below_its_limit():
    row = Row(JUDGEMENT)
    comment = "y" * 2_000
    for number in range(1_000):
        (arrived,) = arrivals(feedback(number, csat=3, comment=comment, event_id=f"f{number}"))
        if not row.add(arrived):
            break
    assert row.too_large == 1
    assert ROW_LIMIT - 3_000 < row.size <= ROW_LIMIT
    assert abs(len(encode_row(row)) - row.size) < EVENT_OVERHEAD * number
    assert len(encode_row(row)) <= ROW_LIMIT
    small = arrivals(feedback(2_000, csat=1))[0]
    assert row.add(small)  # a small one still fits
    assert again(row).too_large == 1
