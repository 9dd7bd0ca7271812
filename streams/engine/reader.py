"""Reads partitions from their beginning (or a place) to the end they have now, in no group."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.kafka import Where, consumer_options

log = logging.getLogger(__name__)

AT_ONCE = 2_000  # records between two turns of the loop, so that heartbeats go on

Heard = Callable[[TopicPartition, bytes, bytes | None], None]
Passed = Callable[[int], None]


@asynccontextmanager
async def group_less(where: Where, client: str) -> AsyncIterator[Any]:
    """Yield a consumer of no group."""
    consumer = AIOKafkaConsumer(
        **consumer_options(where),
        client_id=client,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * 1024 * 1024,
        fetch_max_wait_ms=100,
        retry_backoff_ms=20,
    )
    await patiently(consumer.start)
    try:
        yield consumer
    finally:
        await close(consumer)


async def close(client: Any, seconds: float = 3.0) -> None:  # noqa: ANN401
    """Stop an aiokafka client, at most for so long.

    While the broker is away its stop() may hang, or raise the CancelledError of a task of
    its own, which must not be taken for ours.
    """
    stopping = asyncio.create_task(client.stop())
    await asyncio.wait([stopping], timeout=seconds)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled() and (failure := stopping.exception()) is not None:
        log.info("not closed cleanly: %r", failure)


async def patiently(ask: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Ask the broker until it answers; it may be away for a while."""
    while True:
        try:
            return await ask()
        except KafkaError as failure:
            if not failure.retriable:
                raise
            log.info("the broker does not answer yet: %s", failure)
            await asyncio.sleep(1.0)


async def bounds(
    consumer: Any,  # noqa: ANN401
    partitions: Iterable[TopicPartition],
) -> dict[TopicPartition, tuple[int, int]]:
    """Return [begin, end) of every partition's log."""
    wanted = list(partitions)
    begins = await patiently(lambda: consumer.beginning_offsets(wanted))
    ends = await patiently(lambda: consumer.end_offsets(wanted))
    return {tp: (begins[tp], ends[tp]) for tp in wanted}


async def read(
    consumer: Any,  # noqa: ANN401
    ranges: Mapping[TopicPartition, tuple[int, int]],
    heard: Heard,
    passed: Passed | None = None,
) -> int:
    """Tell every record with a key in the ranges [from, to); return how many there were.

    `passed` is told, as the reading goes on, how many offsets more lie behind it.
    """
    left = {tp: end for tp, (begin, end) in ranges.items() if begin < end}
    stands = {tp: ranges[tp][0] for tp in left}
    count = 0
    if not left:
        return count
    consumer.assign(list(left))
    for tp in left:
        consumer.seek(tp, stands[tp])
    while left:
        try:
            answers = await consumer.getmany(*left, timeout_ms=200, max_records=AT_ONCE)
        except KafkaError as failure:
            if not failure.retriable:
                raise
            await asyncio.sleep(0.2)
            continue
        for tp, records in answers.items():
            count += _tell(tp, records, left[tp], heard)
        await asyncio.sleep(0)  # getmany does not yield while it has records
        for tp, end in list(left.items()):
            position = min(end, await consumer.position(tp))
            if passed is not None:
                passed(position - stands[tp])
            stands[tp] = position
            if position == end:
                del left[tp]
    return count


def _tell(tp: TopicPartition, records: Iterable[Any], end: int, heard: Heard) -> int:
    count = 0
    for record in records:
        if record.offset < end and record.key is not None:
            heard(tp, record.key, record.value)
            count += 1
    return count
