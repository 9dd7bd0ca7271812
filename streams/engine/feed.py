"""Reads the sources in an unbroken chain of answers and hands batches to the agents.

What the chain certifies, and what has to be asked for again, is streams/engine/contiguity.py;
this module keeps aiokafka's reader and that rule in step, and notices what happened to the
reader without our doing. A partition that is full is not asked for: what aiokafka fetched
ahead of it waits (one answer), and the others are read on.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faust import ChannelT

from streams.engine.api import Beat, Record, RecordBatch
from streams.engine.partition import Partition
from streams.engine.reader import patiently
from streams.engine.recovery import gone
from streams.engine.source import Source
from streams.errors import TowerError

log = logging.getLogger(__name__)

MARGIN_MS = 2_000  # between the broker's clock and the time a fetch was asked for
IDLE_SECONDS = 2.0  # before a tail that was answered but never arrived is asked for again
SHRUNK_SECONDS = 10.0  # a source that shows a shorter log for this long is truncated
AGAIN_SECONDS = 0.5  # between two seeks to one place
ANSWER_MS = 200  # to wait for an answer
PAUSED_MS = 20  # the same while a partition is full, which may end at any moment
ANSWER_BATCHES = 4  # batches taken at once; one answer is folded whole, so not too many


class _View:
    """What the reader saw of one partition."""

    __slots__ = ("asked_at", "moved_at", "polled_at", "polled_before", "shrunk_at")

    def __init__(self) -> None:
        self.moved_at = time.monotonic()
        self.asked_at = 0.0
        self.shrunk_at: float | None = None
        self.polled_at: int | None = None
        self.polled_before: int | None = None

    def poll(self, at: int | None) -> None:
        """Note the time (epoch ms) of the newest fetch answer."""
        if at is not None and at != self.polled_at:
            self.polled_before, self.polled_at = self.polled_at, at


class Feed:
    """The reading side of the engine, over its consumer and its open partitions."""

    def __init__(
        self,
        consumer: Any,  # noqa: ANN401
        partitions: Mapping[TopicPartition, Partition],
        max_batch: int,
    ) -> None:
        self._consumer = consumer
        self._partitions = partitions
        self._max_batch = max_batch
        self._views: dict[TopicPartition, _View] = {}
        self._relieved = asyncio.Event()

    def opened(self, tp: TopicPartition) -> None:
        """Begin to read a partition where it goes on."""
        partition = self._partitions[tp]
        partition.relieved = self._relieved.set
        order = partition.order
        self._views[tp] = _View()
        self._consumer.seek(tp, order.expected)
        order.sought()
        self._consumer.resume(tp)

    def closed(self, tp: TopicPartition) -> None:
        """Forget a partition."""
        self._views.pop(tp, None)

    async def run(self, source: Source, channel: ChannelT[RecordBatch]) -> None:
        """Read one source and put its batches on the channel of its agent."""
        size = self._max_batch
        while True:
            for tp, records in (await self._answers(source)).items():
                for start in range(0, len(records), size):
                    part = tuple(records[start : start + size])
                    value: Any = RecordBatch(source.topic, tp.partition, part)
                    await channel.put(value)  # a value of its own, not a Faust event

    async def _answers(self, source: Source) -> dict[TopicPartition, Sequence[Record]]:
        ours = {tp: p for tp, p in self._partitions.items() if p.source is source and p.open}
        tps = [tp for tp, partition in ours.items() if not partition.full]
        if not tps:
            self._hear_complaints()
            await self._rest()
            return {}
        for tp in tps:
            await self._look(tp)
        try:
            answers = await self._consumer.getmany(
                *tps,
                timeout_ms=ANSWER_MS if len(tps) == len(ours) else PAUSED_MS,
                max_records=ANSWER_BATCHES * self._max_batch,
            )
        except IllegalStateError:  # a rebalance came in between
            return {}
        except KafkaError as failure:
            if not failure.retriable:
                raise
            await asyncio.sleep(0.2)
            return {}
        found: dict[TopicPartition, Sequence[Record]] = {}
        for tp in tps:
            records: Sequence[Record] = answers.get(tp, ())
            if await self._heard(tp, records) and records:
                found[tp] = records
        return found

    def _hear_complaints(self) -> None:
        """Raise what the group's coordination failed of; aiokafka tells only who reads."""
        try:
            self._consumer._coordinator.check_errors()  # noqa: SLF001
        except KafkaError as failure:
            if not failure.retriable:
                raise TowerError(
                    f"The broker keeps this worker out of its group ({failure!r})."
                ) from failure

    async def _rest(self) -> None:
        """Wait until a partition may be read again, or for a moment."""
        self._relieved.clear()
        try:
            async with asyncio.timeout(0.05):
                await self._relieved.wait()
        except TimeoutError:
            return

    async def _look(self, tp: TopicPartition) -> None:
        """Notice what happened to a partition's reading that was not our doing."""
        partition, view = self._partitions.get(tp), self._views.get(tp)
        position = self._position(tp)
        if partition is None or view is None or position is None:
            return
        order, high, now = partition.order, self.highwater(tp), time.monotonic()
        if order.cursor != position:
            order.broken()  # asking again may have to wait; no answer before it is believed
            self.ask_again(tp, "the reader moved by itself")
        elif now - view.moved_at > IDLE_SECONDS and (high or 0) > order.expected != position:
            self.ask_again(tp, "a tail that did not arrive")
        if high is None or high >= order.expected:
            view.shrunk_at = None
        elif view.shrunk_at is None:
            view.shrunk_at = now
        elif now - view.shrunk_at > SHRUNK_SECONDS:
            raise TowerError(
                f"{tp.topic}/{tp.partition} ends at offset {high}, before offset "
                f"{order.expected} that comes next: the topic was truncated or made anew"
            )

    async def _heard(self, tp: TopicPartition, records: Sequence[Record]) -> bool:
        """Take an answer into the chain; return whether its partition is still ours."""
        partition, view = self._partitions.get(tp), self._views.get(tp)
        position = self._position(tp)
        if partition is None or view is None or position is None:
            return False
        view.poll(self._consumer.last_poll_timestamp(tp))
        cursor = partition.order.cursor
        if cursor is None or (position == cursor and not records):
            return True
        view.moved_at = time.monotonic()
        if partition.order.answered(records, position):
            await self._check_begin(tp, cursor)
        return True

    async def _check_begin(self, tp: TopicPartition, cursor: int) -> None:
        """Raise if a hole is what retention deleted before we read it."""
        begins = await patiently(lambda: self._consumer.beginning_offsets([tp]))
        begin: int = begins[tp]
        if begin > cursor:
            raise TowerError(gone(tp, cursor, begin))

    def ask_again(self, tp: TopicPartition, why: str) -> None:
        """Seek back to what comes next, not too often for one place."""
        partition, view = self._partitions.get(tp), self._views.get(tp)
        now = time.monotonic()
        if partition is None or view is None or now - view.asked_at < AGAIN_SECONDS:
            return
        expected = partition.order.expected
        log.warning("%s/%d: %s, asking for %d again", tp.topic, tp.partition, why, expected)
        view.asked_at = view.moved_at = now
        self._consumer.seek(tp, expected)
        partition.order.sought()

    def _position(self, tp: TopicPartition) -> int | None:
        assignment = self._consumer._subscription.subscription.assignment  # noqa: SLF001
        state = None if assignment is None else assignment.state_value(tp)
        if state is None or not state.has_valid_position:
            return None
        position: int = state.position
        return position

    def highwater(self, tp: TopicPartition) -> int | None:
        """Return the end of a partition's log as of its last answer."""
        if tp not in self._consumer.assignment():
            return None
        high: int | None = self._consumer.highwater(tp)
        return high

    def readable(self, tp: TopicPartition) -> int | None:
        """Return the end of what may be read: no further than a transaction that is open."""
        if tp not in self._consumer.assignment():
            return None
        stable: int | None = self._consumer.last_stable_offset(tp)
        high = self.highwater(tp)
        return high if stable is None or high is None or stable < 0 else min(stable, high)

    def beat(self, tp: TopicPartition) -> Beat:
        """Return the pulse of an open partition (api.Beat says what `safe_at` means)."""
        partition = self._partitions[tp]
        view = self._views[tp]
        view.poll(self._consumer.last_poll_timestamp(tp))
        position = self._position(tp)
        caught_up = (
            position is not None and position == self.highwater(tp) == partition.order.expected
        )
        safe_at = None
        if caught_up and view.polled_before is not None:
            safe_at = view.polled_before - MARGIN_MS
        return Beat(int(time.time() * 1000), caught_up, safe_at)
