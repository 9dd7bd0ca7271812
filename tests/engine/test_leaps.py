"""The feed: a reader that does not stay where it was left, a group that takes nobody in."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, RequestTimedOutError, UnknownError

from streams.engine.api import Record
from streams.engine.contiguity import Contiguity
from streams.engine.feed import Feed
from streams.engine.source import Source
from streams.errors import TowerError

TP = TopicPartition("t.order-log", 0)
SOURCE = Source("orders", "order-log", "orders-changelog", lambda _: None)  # type: ignore[arg-type, return-value]


class Reader:
    """One partition of thirty records, read as aiokafka reads."""

    def __init__(self) -> None:
        self.end = 30
        state = SimpleNamespace(has_valid_position=True, position=0)
        self.state = state
        assigned = SimpleNamespace(state_value=lambda _: state)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assigned))

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    def highwater(self, _: TopicPartition) -> int:
        return self.end

    def last_poll_timestamp(self, _: TopicPartition) -> None:
        return None

    def resume(self, _: TopicPartition) -> None:
        """Nothing was paused."""

    async def beginning_offsets(self, _: Any) -> dict[TopicPartition, int]:
        return {TP: 0}

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.state.position = offset

    async def getmany(self, *_tps: TopicPartition, **_more: Any) -> dict[TopicPartition, Any]:
        begin = self.state.position
        self.state.position = min(self.end, begin + 10)
        return {TP: [Record(each, 0, b"k", b"v") for each in range(begin, self.state.position)]}


def opened(order: Contiguity) -> tuple[Feed, Reader]:
    reader = Reader()
    partition: Any = SimpleNamespace(
        source=SOURCE, open=True, full=False, order=order, relieved=None
    )
    feed = Feed(reader, {TP: partition}, 10)
    feed.opened(TP)
    return feed, reader


async def test_a_leap_is_asked_about_and_passes_for_no_hole() -> None:
    order = Contiguity(0)
    feed, reader = opened(order)
    reader.seek(TP, 20)
    answers = await feed._answers(SOURCE)
    assert [each.offset for each in answers[TP]] == list(range(10))  # it sought back first
    assert order.believed == 0


async def test_a_leap_while_asking_again_has_to_wait_passes_for_no_hole() -> None:
    order = Contiguity(0)
    feed, reader = opened(order)
    feed.ask_again(TP, "a hole")
    reader.seek(TP, 20)  # at once: the feed may not seek to one place twice in a moment
    await feed._answers(SOURCE)
    assert (order.expected, order.believed) == (0, 0)


def waiting(trouble: KafkaError) -> Feed:
    """Return the feed of a worker that owns nothing and whose coordination failed."""

    def check_errors() -> None:
        raise trouble

    reader: Any = SimpleNamespace(_coordinator=SimpleNamespace(check_errors=check_errors))
    return Feed(reader, {}, 10)


async def test_a_worker_that_may_not_join_and_owns_nothing_ends() -> None:
    with pytest.raises(TowerError, match="out of its group"):
        await waiting(UnknownError())._answers(SOURCE)


async def test_what_may_pass_is_no_reason_to_end() -> None:
    assert await waiting(RequestTimedOutError())._answers(SOURCE) == {}
