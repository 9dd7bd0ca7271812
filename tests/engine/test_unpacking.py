"""Answers are unpacked to the records, and the places, that aiokafka's own reader finds."""

import struct

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from streams import wire
from streams.engine.api import Record
from streams.engine.unpacking import _Answers

TP = TopicPartition("order-log", 0)
CONTROL, ATTRIBUTES, CRC = 0x20, 21, 17


def batch(base, count, *, producer=-1, marker=None, compressed=0, headers=()) -> bytes:
    """Return one batch as on the wire; a `marker` (0 abort, 1 commit) makes it control."""
    transactional = producer >= 0
    builder = DefaultRecordBatchBuilder(
        2, compressed, transactional, producer, 0 if transactional else -1, 0, 1 << 20
    )
    for number in range(count):
        key = b"k%d" % (base + number) if marker is None else struct.pack(">hh", 0, marker)
        builder.append(number, 1_700_000_000_000 + base + number, key, b"v", list(headers))
    octets = builder.build()
    struct.pack_into(">q", octets, 0, base)
    if marker is not None:
        (attributes,) = struct.unpack_from(">h", octets, ATTRIBUTES)
        struct.pack_into(">h", octets, ATTRIBUTES, attributes | CONTROL)
        struct.pack_into(">I", octets, CRC, calc_crc32c(memoryview(octets)[ATTRIBUTES:]))
    return bytes(octets)


class State:
    paused = False

    def __init__(self, position) -> None:
        self.position = position

    def consumed_to(self, position) -> None:
        self.position = position


class Assignment:
    active = True

    def __init__(self, position) -> None:
        self.state = State(position)

    def state_value(self, _tp) -> State:
        return self.state


def answer(octets, begin, aborted=()):
    """Return one fetched answer of aiokafka, and the reader it moves."""
    records = fetcher.PartitionRecords(
        TP, wire.TolerantRecords(octets), [*aborted], begin, None, None, True, 1
    )
    assignment = Assignment(begin)
    found = fetcher.FetchResult(
        TP, assignment=assignment, partition_records=records, backoff=0.1
    )
    return found, assignment.state


def unpacked(octets, begin, aborted=()):
    found, state = answer(octets, begin, aborted)
    _Answers()[TP] = found
    return found, state


def everything(found, sizes) -> list[list]:
    takes = []
    while found.has_more():
        takes.append(found.getall(sizes[len(takes) % len(sizes)]))
    return takes


kinds = st.lists(
    st.tuples(
        st.sampled_from(["plain", "gzip", "one", "two", "abort one", "commit two", "gap"]),
        st.integers(1, 5),
    ),
    max_size=12,
)


def log(steps) -> tuple[bytes, list[tuple[int, int]]]:
    """Return a log and its aborted transactions (producer, first offset)."""
    octets, end = b"", 3
    opened: dict[int, int] = {}
    aborted = []
    for kind, count in steps:
        match kind:
            case "one" | "two":
                producer = 1 if kind == "one" else 2
                opened.setdefault(producer, end)
                octets += batch(end, count, producer=producer)
            case "abort one" | "commit two":
                producer, count = (1, 1) if kind == "abort one" else (2, 1)  # noqa: PLW2901
                first = opened.pop(producer, None)
                if kind == "abort one" and first is not None:
                    aborted.append((producer, first))
                octets += batch(end, 1, producer=producer, marker=kind == "commit two")
            case "plain" | "gzip":
                octets += batch(end, count, compressed=kind == "gzip")
        end += count
    return octets, aborted


@given(steps=kinds, into=st.integers(0, 4), sizes=st.lists(st.integers(1, 7), min_size=1))
def test_the_same_records_and_the_same_end_as_aiokafkas_own(steps, into, sizes) -> None:
    octets, aborted = log(steps)
    begin = 3 + into  # maybe in the middle of the first batch
    theirs, reader = answer(octets, begin, aborted)
    wanted = [
        Record(r.offset, r.timestamp, r.key, r.value, r.headers)
        for take in everything(theirs, sizes)
        for r in take
    ]
    found, mine = unpacked(octets, begin, aborted)
    takes = []
    while found.has_more():
        takes.append(found.getall(sizes[len(takes) % len(sizes)]))
        assert len(takes[-1]) <= sizes[(len(takes) - 1) % len(sizes)]
        seen = [record for take in takes for record in take]
        assert seen == wanted[: len(seen)]
        # The reader stands behind what was taken and not behind anything that was not.
        assert mine.position > (seen[-1].offset if seen else begin - 1) or not seen
        assert all(record.offset >= mine.position for record in wanted[len(seen) :])
    assert [record for take in takes for record in take] == wanted
    assert mine.position == reader.position


def test_headers_are_kept_and_absent_ones_are_none() -> None:
    octets = batch(0, 1, headers=[("kind", b"tick"), ("n", b"")]) + batch(1, 1)
    found, _ = unpacked(octets, 0)
    records = found.getall()
    assert [record.headers for record in records] == [(("kind", b"tick"), ("n", b"")), ()]
    assert records[0] == Record(
        0, 1_700_000_000_000, b"k0", b"v", (("kind", b"tick"), ("n", b""))
    )


def test_a_damaged_batch_is_fetched_again_and_nothing_is_passed() -> None:
    damaged = bytearray(batch(2, 2))
    damaged[-1] ^= 1
    found, reader = unpacked(batch(0, 2) + bytes(damaged), 0)
    assert len(found.getall(2)) == 2
    assert reader.position == 2
    with pytest.raises(CorruptRecordException):
        found.getall(2)
    assert not found.has_more()
    assert reader.position == 2  # aiokafka's own would move on, over what was not read


def test_an_answer_the_reader_moved_away_from_is_dropped() -> None:
    found, reader = unpacked(batch(0, 4), 0)
    assert len(found.getall(2)) == 2
    reader.position = 0  # a seek
    assert found.getall(2) == []
    assert not found.has_more()


def test_an_error_is_kept_as_it_is() -> None:
    answers = _Answers()
    error = fetcher.FetchError(error=ValueError("x"), backoff=0.1)
    answers[TP] = error
    assert answers[TP] is error
