"""Outputs keep their order in every partition and become few batches."""

import asyncio
import time

import pytest
from aiokafka.errors import KafkaTimeoutError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from streams.engine.pulse import Pulse
from streams.engine.writer import Outbox, Writer
from streams.partitioner import partition_of


class FakeProducer:
    """Takes batches as aiokafka does and keeps what was in them."""

    def __init__(self, size: int = 10_000) -> None:
        self.size = size
        self.batches: list[tuple[str, int, list[tuple]]] = []
        self.refusals: list[Exception] = []
        self.times: list[int] = []
        self.failure: Exception | None = None
        self.offsets: dict[tuple[str, int], int] = {}
        self.futures: list[asyncio.Future] = []
        self.gate = asyncio.Event()
        self.gate.set()

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(self.size, 0)

    async def partitions_for(self, _topic: str) -> set[int]:
        return {0, 1, 2, 3}

    async def send_batch(self, builder, topic: str, *, partition: int) -> asyncio.Future:
        if self.refusals:
            raise self.refusals.pop()
        batch = list(DefaultRecordBatch(builder._build()))
        records = [(r.key, r.value, r.headers) for r in batch]
        assert [r.offset for r in batch] == list(range(builder.record_count()))
        self.times += (r.timestamp for r in batch)
        self.batches.append((topic, partition, records))
        future = asyncio.ensure_future(self._acknowledge(topic, partition, len(records)))
        self.futures.append(future)
        return future

    async def _acknowledge(self, topic: str, partition: int, count: int):
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure

        class Metadata:
            offset = self.offsets.get((topic, partition), 0)

        self.offsets[topic, partition] = Metadata.offset + count
        return Metadata


@pytest.fixture
async def writer():
    writer = Writer("127.0.0.1:1", "t", Pulse(10.0))
    await writer.producer.stop()
    writer.producer = FakeProducer()
    return writer


async def test_outputs_go_by_key_or_to_the_partition_named(writer) -> None:
    out = Outbox()
    out.send("order-log", b"a", b"1", (("kind", b"x"),))
    out.send("order-log", None, b"2", partition=3)
    out.send("order-log", b"a", b"3")
    out.send("order-facts", b"a", b"4")
    assert len(out) == 4
    await writer.post(out.take())
    assert len(out) == 0
    where = partition_of(b"a", 4)
    sent = {(topic, p): records for topic, p, records in writer.producer.batches}
    assert sent == {
        ("t.order-log", where): [(b"a", b"1", [("kind", b"x")]), (b"a", b"3", [])],
        ("t.order-log", 3): [(None, b"2", [])],
        ("t.order-facts", where): [(b"a", b"4", [])],
    }
    assert writer.records == 4


async def test_records_bear_the_time_their_batch_is_made(writer) -> None:
    before = int(time.time() * 1_000)
    await writer.lane("order-log", 0).put([(b"a", b"1", ()), (b"a", b"2", ())])
    assert before <= writer.producer.times[0] == writer.producer.times[1]
    assert writer.producer.times[0] <= time.time() * 1_000


async def test_what_comes_while_a_batch_is_under_way_goes_together(writer) -> None:
    writer.producer.gate.clear()
    lane = writer.lane("order-log", 0)
    puts = [lane.put([(b"k", b"%d" % number, ())]) for number in range(3)]
    await asyncio.sleep(0.01)
    puts += [lane.put([(b"k", b"%d" % number, ())]) for number in range(3, 9)]
    await asyncio.sleep(0.01)
    assert [len(records) for _, _, records in writer.producer.batches] == [3]
    writer.producer.gate.set()
    await asyncio.gather(*puts)
    values = [value for _, _, records in writer.producer.batches for _, value, _ in records]
    assert values == [b"%d" % number for number in range(9)]
    assert [len(records) for _, _, records in writer.producer.batches] == [3, 6]


async def test_a_large_put_is_cut_into_batches_and_acknowledged_in_order(writer) -> None:
    writer.producer.size = 500
    heard: list[tuple[int | None, int]] = []
    lane = writer.private_lane("orders-changelog", 1, lambda *ack: heard.append(ack))
    await lane.put([(b"k%d" % number, bytes(100), ()) for number in range(10)])
    assert len(writer.producer.batches) > 2
    assert sum(count for _, count in heard) == 10
    assert heard[1] == (heard[0][1], heard[1][1])  # base offsets continue


async def test_a_full_accumulator_is_asked_again(writer) -> None:
    writer.producer.refusals = [KafkaTimeoutError(), KafkaTimeoutError()]
    await writer.lane("order-log", 0).put([(b"k", b"v", ())])
    assert len(writer.producer.batches) == 1


async def test_a_failure_reaches_everybody_who_waits(writer) -> None:
    writer.producer.failure = RuntimeError("fenced")
    lane = writer.lane("order-log", 0)
    puts = [lane.put([(b"k", b"v", ())]) for _ in range(2)]
    answers = await asyncio.gather(*puts, return_exceptions=True)
    assert [str(answer) for answer in answers] == ["fenced", "fenced"]


async def test_what_is_given_up_before_it_was_sent_is_not_sent(writer) -> None:
    """Cells of a partition that went to another would replace newer ones of its new owner."""
    out = Outbox()
    out.send("kpi-cells", b"old", b"1", partition=0)
    writer._pulse.heartbeat_at -= 6  # more than half the session: sending waits
    posting = asyncio.create_task(writer.post(out.take()))
    await asyncio.sleep(0.01)
    posting.cancel()
    await asyncio.sleep(0.01)
    kept = writer.lane("kpi-cells", 0).put([(b"new", b"2", ())])
    writer._pulse.beat()
    await kept
    assert writer.producer.batches == [("t.kpi-cells", 0, [(b"new", b"2", [])])]


async def test_to_drop_a_lane_leaves_what_aiokafka_has_to_it(writer) -> None:
    writer.producer.gate.clear()
    lane = writer.private_lane("orders-changelog", 0, lambda *_: None)
    lane.put([(b"k", b"v", ())])
    await asyncio.sleep(0.01)
    lane.drop()
    await asyncio.sleep(0.01)
    [future] = writer.producer.futures
    assert not future.cancelled()
    writer.producer.gate.set()
    await future


async def test_outputs_without_a_place_or_over_the_limit_are_bugs(writer) -> None:
    out = Outbox()
    with pytest.raises(ValueError, match="key"):
        out.send("order-log", None, b"v")
    out.send("order-log", b"k", bytes(1_000_001))
    with pytest.raises(ValueError, match="1000001 bytes for order-log"):
        await writer.post(out.take())
    out.send("dead-letters", b"k", bytes(1_900_000))
    await writer.post(out.take())
