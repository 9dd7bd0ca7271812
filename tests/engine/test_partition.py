"""What one partition makes durable, in which order, and when it must not go on."""

import asyncio

import pytest
from aiokafka.errors import (
    MessageSizeTooLargeError,
    ProducerFenced,
    TopicAuthorizationFailedError,
)

from streams.engine import partition as bounds
from streams.engine.api import Record
from streams.engine.changelog import Tail
from streams.engine.failpoints import Failpoint
from streams.engine.partition import Partition
from streams.engine.rows import PARTITION_KEY, PartitionRows, pack
from streams.engine.source import Source
from streams.errors import TowerError


class Wire:
    """Takes what a partition sends, in order, and acknowledges it when it is let."""

    def __init__(self, end: int = 0) -> None:
        self.tail = Tail("orders-changelog/0", end)
        self.sent: list[tuple[str, bytes | None]] = []
        self.refusal: Exception | None = None
        self.outputs, self.rows = asyncio.Event(), asyncio.Event()
        self.outputs.set()
        self.rows.set()

    def private_lane(self, _topic, _partition, acknowledged) -> "Wire":
        assert acknowledged == self.tail.acknowledged
        return self

    def put(self, records) -> asyncio.Future:
        return asyncio.ensure_future(self._put(records))

    async def _put(self, records) -> None:
        self.sent += [("orders-changelog", key) for key, _, _ in records]
        await self.rows.wait()
        self.tail.acknowledged(self.tail.end, len(records))

    def drop(self) -> None:
        self.rows.clear()

    async def post(self, sendings) -> None:
        self.sent += [(topic, one[0][0]) for topic, ones in sendings.items() for one in ones]
        await self.outputs.wait()
        if self.refusal is not None:
            raise self.refusal


class Counting:
    """One fact and one row a record; the cells are the keys it saw."""

    def recover(self, _meta, rows, _published) -> None:
        self.rows = rows
        self.seen = {key for key, _ in rows.items()}
        self.size = 1

    def fold(self, records, out) -> None:
        for record in records:
            out.send("order-facts", record.key, bytes(self.size))
            if self.rows.off(record.key) < record.offset:
                self.rows.put(record.key, bytes(self.size), record.offset)
            self.seen.add(record.key)

    def beat(self, _beat, _out) -> None:
        raise AssertionError("no beat was asked for")

    def meta(self) -> bytes:
        return b""

    def publish(self, out) -> None:
        for key in sorted(self.seen):
            out.send("kpi-cells", key, b"1", partition=0)
        self.seen.clear()


def made(rows=(), applied=-1, wire=None) -> tuple[Partition, Wire]:
    """Return a partition as recovered from rows (key, offset), and where it sends."""
    wire = wire or Wire()
    fold = Counting()
    held = PartitionRows({key: pack(off, b"") for key, off in rows}, applied)
    fold.recover(None, held, {})

    async def nobody(_ranges):
        raise AssertionError("nobody else wrote")

    partition = Partition(
        Source("orders", "order-log", "orders-changelog", lambda _: fold), 0, fold, held,
        expected=applied + 1, tail=wire.tail, writer=wire, failpoint=Failpoint(None),
        read_foreign=nobody, barrier_seconds=1.0,
    )  # fmt: skip
    partition.order.sought()
    return partition, wire


def records(*offsets: int, key: bytes = b"k") -> tuple[Record, ...]:
    return tuple(Record(offset, 0, key, b"v") for offset in offsets)


async def test_a_barrier_sends_outputs_rows_cells_and_the_partition_row_last() -> None:
    partition, wire = made()
    partition.apply(records(0, 1))
    await partition.barrier()
    assert wire.sent == [
        ("order-facts", b"k"), ("order-facts", b"k"),
        ("orders-changelog", b"k"), ("kpi-cells", b"k"), ("orders-changelog", PARTITION_KEY),
    ]  # fmt: skip
    assert partition.durable == partition.applied == 1


async def test_cells_stay_unpublished_until_every_recovered_offset_is_passed() -> None:
    """The partition row says 3, a row of a crashed flush 6: as of 4 or 5 the cells would
    count the record at 6 and not yet those before it."""
    partition, wire = made(rows=[(b"k", 6), (b"old", 2)], applied=3)

    def published() -> set:
        return {key for topic, key in wire.sent if topic == "kpi-cells"}

    for offset in (4, 5):
        partition.apply(records(offset, key=b"new"))
        await partition.barrier()
        assert published() == set()
    partition.apply(records(6))
    await partition.barrier()
    # And now all of them, also those that did not change: what another published is replaced.
    assert published() == {b"k", b"new", b"old"}


@pytest.mark.parametrize(
    "refusal",
    [MessageSizeTooLargeError(), TopicAuthorizationFailedError("t"), ProducerFenced()],
)
async def test_what_the_broker_refuses_is_a_sentence_and_nothing_after_it(refusal) -> None:
    partition, wire = made()
    partition.apply(records(0))
    wire.refusal = refusal
    with pytest.raises(TowerError, match=r"for order-log/0 .* before anything of it"):
        await partition.barrier()
    assert wire.sent == [("order-facts", b"k")]  # no row, no partition row
    assert partition.durable == -2


async def flushed(partition) -> asyncio.Task:
    task = asyncio.create_task(partition.flush())
    for _ in range(5):
        await asyncio.sleep(0)
    return task


async def test_it_is_full_with_too_many_things_gathered() -> None:
    partition, _ = made()
    relieved: list[int] = []
    partition.relieved = lambda: relieved.append(partition.flushes)
    count = bounds.WAITING - 1  # facts, and the one row
    partition.apply(records(*range(count)))
    assert not partition.full
    partition.apply(records(count))
    assert partition.full
    assert relieved == []
    await partition.flush()
    assert not partition.full
    assert len(relieved) == 1


async def test_it_is_full_with_too_many_flushes_under_way() -> None:
    partition, wire = made()
    wire.rows.clear()
    for number in range(bounds.FLUSHES + 1):
        assert not partition.full
        assert partition.flushes_in_flight == number
        partition.apply(records(number))
        await partition.flush()
    assert partition.full
    wire.rows.set()
    await partition.barrier()
    assert not partition.full
    assert partition.flushes_in_flight == 0


@pytest.mark.parametrize("what", ["outputs", "rows"])
async def test_it_is_full_with_too_many_bytes_under_way(what) -> None:
    partition, wire = made()
    partition.fold.size = 600_000
    getattr(wire, what).clear()
    tasks = []
    for number in range(4):  # each 1.2 MB as fact and row
        partition.apply(records(number))
    tasks.append(await flushed(partition))
    for number in range(4, 9):
        assert not partition.full, number
        partition.apply(records(number, key=b"%d" % number))
    # Of the first four 2.4 MB of facts or 0.6 MB of the row that changed four times are under
    # way, of the others ten things of a mean 0.6 MB wait: 8.4 or 6.6 MB, and 8.39 are allowed.
    assert partition.full == (what == "outputs")
    getattr(wire, what).set()
    await asyncio.gather(*tasks)
    await partition.barrier()
    assert not partition.full


async def test_memory_goes_on_only_where_the_changelog_ends_as_it_was_left() -> None:
    partition, wire = made(wire=Wire(end=10))
    partition.apply(records(0, 1))
    assert not partition.unchanged(10)  # it was not parked
    await partition.park()
    assert not partition.open
    assert wire.tail.end == 12  # a row and the partition row
    assert partition.unchanged(12)
    assert not partition.unchanged(13)  # somebody wrote behind us
    assert not partition.unchanged(11)  # the log was cut
    wire.tail.foreign.append((12, 13))
    assert not partition.unchanged(12)


async def test_a_partition_that_could_not_be_parked_does_not_go_on() -> None:
    partition, wire = made()
    partition.apply(records(0))
    wire.rows.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await partition.park()
    assert not partition.parked
    assert not partition.unchanged(wire.tail.end)
