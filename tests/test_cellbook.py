"""The algebra of cells: totals are archive plus live rows, whatever came in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.cellbook import ARCHIVE, KNOWN, CellBook, archive_key
from streams.domain.cells import EVENTS, Cell, merge

NORTH = Cell("nordpost", "van", "north", "forward", "2026-03-03")
SOUTH = NORTH._replace(region="south")

CELLS = st.sampled_from((EVENTS, NORTH, SOUTH))
MEASURES = st.dictionaries(st.sampled_from("abc"), st.integers(1, 5), min_size=1)
CONTRIBUTIONS = st.dictionaries(CELLS, MEASURES)
KEYS = st.sampled_from((b"k", b"l", b"m"))


def always(key: bytes) -> bool:
    return True


def never(key: bytes) -> bool:
    return False


@given(st.lists(st.tuples(KEYS, st.booleans(), CONTRIBUTIONS), max_size=20))
def test_totals_are_the_archive_and_the_last_of_every_row(steps):
    book, live, archived = CellBook(), {}, []
    for key, ends, contribution in steps:
        if ends:
            book.archive_all(contribution, always)
            archived += contribution.items()
        live[key] = {} if ends else contribution
        book.replace(key, book.pack(live[key]))
    parts = [*archived, *(pair for each in live.values() for pair in each.items())]
    assert book.totals == merge(parts)
    assert book.archive == merge(archived)


@given(st.lists(st.tuples(KEYS, CONTRIBUTIONS), max_size=20))
def test_rows_that_leave_leave_nothing(steps):
    book = CellBook()
    for key, contribution in steps:
        book.replace(key, book.pack(contribution))
    for key, _ in steps:
        book.replace(key, book.pack({}))
    assert book.totals == {}


@given(st.lists(st.tuples(KEYS, CONTRIBUTIONS), max_size=20), st.data())
def test_what_is_published_as_changed_is_the_totals(steps, data):
    book, published = CellBook(), {}
    for key, contribution in steps:
        book.replace(key, book.pack(contribution))
        if data.draw(st.booleans()):
            _publish(book, published)
    _publish(book, published)
    assert published == book.totals
    assert list(book.take_changed()) == []


def _publish(book, published):
    for cell, measures in book.take_changed():
        if measures:
            published[cell] = dict(measures)
        else:
            published.pop(cell, None)


def test_more_contributions_than_are_remembered_are_summed_all_the_same():
    book = CellBook()
    for count in range(1, KNOWN + 9):
        book.replace(b"k%d" % count, book.pack({NORTH: {"a": count}}))
    for count in range(1, KNOWN + 8):  # those remembered and those that are not
        book.replace(b"k%d" % count, book.pack({SOUTH: {"a": count}}))
    most = KNOWN + 7
    assert book.totals == {NORTH: {"a": KNOWN + 8}, SOUTH: {"a": most * (most + 1) // 2}}


@given(CONTRIBUTIONS, CONTRIBUTIONS)
def test_an_archive_read_back_is_the_archive(one, other):
    book = CellBook()
    keys = [*book.archive_all(one, always), *book.archive_all(other, always)]
    rows = {key: book.archive_row(key) for key in keys}
    found = CellBook()
    found.load_archive([*rows.items(), (b"A-1", b"a row"), (archive_key(SOUTH) + b" ", b"")])
    assert found.archive == book.archive
    assert found.totals == book.totals


def test_what_an_archive_row_holds_already_is_not_added_again():
    book = CellBook()
    assert book.archive_all({NORTH: {"a": 1}}, never) == []
    assert (book.archive, book.totals) == ({}, {})
    keys = book.archive_all({NORTH: {"a": 1}, SOUTH: {"a": 1}}, archive_key(SOUTH).__eq__)
    assert keys == [archive_key(SOUTH)]
    assert book.totals == {SOUTH: {"a": 1}}


def test_the_same_record_may_add_twice():
    # Two orders that end at one tick go to the same archive row.
    book = CellBook()
    for _ in range(2):
        book.archive_all({NORTH: {"a": 1}}, always)
    assert book.totals == {NORTH: {"a": 2}}


def test_after_a_recovery_everything_is_published_and_what_is_gone_is_emptied():
    book = CellBook()
    book.replace(b"k", book.pack({NORTH: {"a": 1}}))
    list(book.take_changed())
    book.all_changed([SOUTH])
    assert dict(book.take_changed()) == {NORTH: {"a": 1}, SOUTH: {}}


def test_totals_do_not_share_with_what_was_given():
    given_measures = {"a": 1}
    book = CellBook()
    book.archive_all({NORTH: given_measures}, always)
    book.replace(b"k", book.pack({NORTH: {"a": 1}}))
    assert given_measures == {"a": 1}
    assert book.archive == {NORTH: {"a": 1}}


@pytest.mark.parametrize("order_id", ["A-1", "Ü", "!"])
def test_no_order_is_taken_for_an_archive_row(order_id):
    assert not order_id.encode().startswith(ARCHIVE)
