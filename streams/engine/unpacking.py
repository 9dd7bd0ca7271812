"""Fetched answers as our own records, a batch at a time.

aiokafka makes an object with eleven fields of each record, one step of a generator at a time,
and we would make a second one of it: more than half of what the engine costs a record. Here
the answer is turned into `Record`s where aiokafka keeps it; its reader goes on as before.
tests/engine/test_versions.py guards the version whose insides these are.
"""

import sys
from collections import OrderedDict
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult
from aiokafka.errors import CorruptRecordException

from streams.engine.api import Record


def unpack(consumer: Any) -> None:  # noqa: ANN401  # aiokafka is untyped
    """Let `getmany` of a consumer that was started return `Record`s."""
    consumer._fetcher._records = _Answers()  # noqa: SLF001


class _Answers(OrderedDict[TopicPartition, Any]):
    """Where aiokafka keeps an answer until somebody asks for its records."""

    def __setitem__(self, tp: TopicPartition, answer: Any) -> None:  # noqa: ANN401
        if type(answer) is FetchResult:
            _Unpacked(tp, answer)
        super().__setitem__(tp, answer)


class _Unpacked:
    """What is left of one answer; `next_fetch_offset` is where the reader stands."""

    def __init__(self, tp: TopicPartition, answer: Any) -> None:  # noqa: ANN401
        self._tp = tp
        self._answer = answer
        self._source = answer._partition_records  # noqa: SLF001
        self._batches = self._source._records  # noqa: SLF001
        self._ready: list[Record] = []
        self._taken = 0
        self.next_fetch_offset: int = self._source.next_fetch_offset
        self._end = self.next_fetch_offset  # of what was unpacked, control records included
        answer._partition_records = self  # noqa: SLF001
        answer.getall = self.getall

    def getall(self, max_records: int | None = None) -> list[Record]:
        """Return the next records, as FetchResult.getall does."""
        answer = self._answer
        if not answer.check_assignment(self._tp) or not answer.has_more():
            return []
        limit = sys.maxsize if max_records is None else max_records
        found = self._take(limit)
        while len(found) < limit and self._batches.has_next():
            self._ready, self._taken = self._unpack(self._batches.next_batch()), 0
            found += self._take(limit - len(found))
        done = self._taken == len(self._ready)
        self.next_fetch_offset = self._end if done else found[-1].offset + 1
        answer._update_position()  # noqa: SLF001
        if done and not self._batches.has_next():
            answer._partition_records = None  # noqa: SLF001
        return found

    def _take(self, limit: int) -> list[Record]:
        found = self._ready[self._taken : self._taken + limit]
        self._taken += len(found)
        return found

    def _unpack(self, batch: Any) -> list[Record]:  # noqa: ANN401
        """Return the records of a batch that are to be read; raise where it is damaged."""
        if self._source._check_crcs and not batch.validate_crc():  # noqa: SLF001
            self._answer._partition_records = None  # noqa: SLF001  # it is fetched again
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        begin, self._end = self._end, batch.next_offset
        if self._withheld(batch):
            return []
        new = tuple.__new__  # not by name: half the time of Record(...)
        records = [
            new(
                Record,
                (r.offset, r.timestamp, r.key, r.value, tuple(h) if (h := r.headers) else ()),
            )
            for r in batch
        ]
        if records and records[0].offset < begin:  # a batch is answered whole
            return [record for record in records if record.offset >= begin]
        return records

    def _withheld(self, batch: Any) -> bool:  # noqa: ANN401
        """Tell whether a batch is of control records or of an aborted transaction."""
        source = self._source
        if source._isolation_level == READ_COMMITTED and batch.producer_id is not None:  # noqa: SLF001
            source._consume_aborted_up_to(batch.base_offset)  # noqa: SLF001
            aborted = source._aborted_producers  # noqa: SLF001
            if batch.is_control_batch and source._contains_abort_marker(batch):  # noqa: SLF001
                aborted.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in aborted:
                return True
        return bool(batch.is_control_batch)
