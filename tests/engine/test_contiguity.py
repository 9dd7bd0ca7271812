"""Exactly once and in order, whatever happens between the broker's answers and the fold."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.api import Record
from streams.engine.contiguity import Contiguity


def records(*offsets: int) -> tuple[Record, ...]:
    return tuple(Record(offset, 0, b"k", b"v") for offset in offsets)


def offsets(found) -> list[int]:
    return [record.offset for record in found]


def at(expected: int) -> Contiguity:
    order = Contiguity(expected)
    order.sought()
    return order


def test_what_continues_is_applied_whole() -> None:
    order = at(5)
    assert order.admit(records(5, 6, 7)) == (records(5, 6, 7), False)
    assert order.expected == 8


def test_lower_offsets_are_skipped_also_inside_a_batch() -> None:
    order = at(5)
    assert offsets(order.admit(records(3, 4, 5, 5, 6, 4, 7))[0]) == [5, 6, 7]


def test_the_rest_is_refused_at_a_hole_inside_a_batch() -> None:
    order = at(5)
    assert order.admit(records(5, 6, 8, 7)) == (records(5, 6), True)
    assert order.expected == 7


def test_a_hole_inside_one_answer_is_the_brokers() -> None:
    order = at(5)
    assert order.answered(records(5, 6, 9), 12)  # 7, 8 and 10, 11 hold control records
    assert order.admit(records(5, 6, 9)) == (records(5, 6, 9), False)
    assert (order.expected, order.believed) == (12, 4)


def test_a_hole_between_our_seek_and_the_first_answer_is_the_brokers() -> None:
    order = at(5)
    assert order.answered(records(8), 9)
    assert order.expected == 8
    assert order.admit(records(8)) == (records(8), False)


def test_a_lost_first_answer_is_no_hole_of_the_broker() -> None:
    order = at(5)
    order.answered(records(5, 6), 7)  # lost on its way
    order.answered(records(7, 8), 9)
    assert order.admit(records(7, 8)) == ((), True)
    assert order.expected == 5


def test_a_hole_certified_before_the_chain_broke_is_not_believed() -> None:
    order = at(5)
    order.answered(records(5, 6, 9), 10)
    order.broken()
    assert offsets(order.admit(records(5, 6, 9))[0]) == [5, 6]


def test_an_answer_that_goes_back_breaks_the_chain() -> None:
    order = at(5)
    assert not order.answered(records(2, 3), 4)
    assert order.cursor is None
    assert not order.answered(records(5), 6)  # nothing is certified until the next seek


def test_an_answer_of_control_records_alone_is_passed() -> None:
    order = at(5)
    assert order.answered(records(), 7)
    assert order.expected == 7


def test_an_answer_that_only_counts_right_certifies_no_hole() -> None:
    order = at(5)
    assert not order.answered(records(5, 8, 7), 8)  # three for three offsets, out of order
    assert order.admit(records(5, 8, 7)) == (records(5), True)


class Broker:
    """A log with holes that answers from a position, like a reader of one partition."""

    def __init__(self, log: list[int], end: int) -> None:
        self.log, self.end, self.position = log, end, 0

    def answer(self, size: int) -> tuple[list[int], int]:
        """Return the next records and move on, over a hole that follows them."""
        found = [offset for offset in self.log if offset >= self.position][:size]
        later = [offset for offset in self.log if offset > (found or [self.end])[-1]]
        self.position = later[0] if later else self.end
        return found, self.position


def disturb(data, waiting: list[list[int]]) -> None:
    """Do to the batches on their way what no transport should."""
    match data.draw(st.sampled_from(["none", "none", "lose", "double", "swap", "cut"])):
        case "lose":
            waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
        case "double":
            waiting.append(data.draw(st.sampled_from(waiting)))
        case "swap":
            waiting[0], waiting[-1] = waiting[-1], waiting[0]
        case "cut":
            batch = waiting.pop(0)
            place = data.draw(st.integers(0, len(batch)))
            left_out = data.draw(st.integers(0, 1))
            waiting.insert(0, batch[:place] + batch[place + left_out :])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_every_record_is_applied_once_and_in_order(data) -> None:
    """Batches are lost, doubled, swapped and cut between the chain and the fold."""
    end = 60
    log = sorted(data.draw(st.sets(st.integers(0, end - 1), min_size=20)))
    broker, order = Broker(log, end), Contiguity(0)
    order.sought()
    applied: list[int] = []
    waiting: list[list[int]] = []
    for _ in range(120):
        found, position = broker.answer(data.draw(st.integers(1, 12)))
        if position != order.cursor:
            order.answered(records(*found), position)
            if found:
                waiting.append(found)
        if waiting:
            disturb(data, waiting)
        while waiting and data.draw(st.booleans()):
            admitted, refused = order.admit(records(*waiting.pop(0)))
            applied += offsets(admitted)
            if refused:
                broker.position = order.expected
                order.sought()
    # The tail: ask again as the reader does when nothing arrives, now without faults.
    broker.position = order.expected
    order.sought()
    while order.expected < end:
        found, position = broker.answer(7)
        order.answered(records(*found), position)
        applied += offsets(order.admit(records(*found))[0])
    assert applied == log


def test_without_the_chain_a_hole_would_never_be_passed() -> None:
    order = Contiguity(0)
    assert order.admit(records(1)) == ((), True)
