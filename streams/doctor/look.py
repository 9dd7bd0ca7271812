"""The doctor's eyes on Kafka: everything a broker must be asked for, within seconds.

One look takes groups, offsets and clocks together; a second follows some seconds later. What
does not answer in time is unseen, with the reason, and the rest goes on.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError, for_code
from pydantic import ValidationError

from models.base import Millis
from models.letters import DeadLetter
from models.notices import NoticeCommand, NoticeSuperseded
from streams import topics
from streams.admin import TopicOnBroker, connected, describe_topics, findings, unreachable
from streams.config import Settings
from streams.dispatch.intake import decode_said
from streams.doctor.seen import (
    DISPATCHED,
    SOURCES,
    Group,
    Letters,
    Look,
    Looks,
    Member,
    Partition,
    Unread,
    Unseen,
)
from streams.domain.zones import DAY_MS, HOUR_MS
from streams.engine.reader import bounds, group_less, read
from streams.engine.rows import PARTITION_KEY
from streams.errors import TowerError
from streams.published import Published
from streams.refusal import refusal
from streams.topics import named

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 9.0  # for everything after the first answer
LOOK_SECONDS = 3.0
ASIDE_SECONDS = 1.2  # for each thing that is looked at between the two looks
APART_SECONDS = 4.0
UNREAD = 20_000  # records of a partition in which unread notices are counted
NEWEST = 200  # dead letters of a partition whose reasons are counted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OnKafka:
    """What a broker had to show; the fields are those of `Seen`."""

    broker: Unseen | None
    topics: tuple[str, ...] | Unseen
    looks: Looks | Unseen
    letters: Letters | Unseen
    unread: Unread | Unseen
    model: bool | Unseen | None


async def look_at(settings: Settings) -> OnKafka:
    """Look at the tower twice and at what lies still in between; never raises."""
    names = [named(settings.namespace, each.name) for each in topics.TOPICS]
    asked = describe_topics(settings.kafka, names)
    there = await tried(asked, CONNECT_SECONDS, str(unreachable(settings.kafka)))
    if isinstance(there, Unseen):
        refused = await tried(refusal(settings.kafka), CONNECT_SECONDS)
        if isinstance(refused, TowerError):
            there = Unseen(str(refused))
        blind = Unseen("No broker answers.")
        return OnKafka(there, blind, blind, blind, blind, blind)
    wrong = tuple(findings(there, settings))
    seen = await tried(_watched(settings, there), WHOLE_SECONDS, "It took too long.")
    if isinstance(seen, Unseen):
        return OnKafka(None, wrong, seen, seen, seen, seen)
    return OnKafka(None, wrong, *seen)


async def _watched(
    settings: Settings, there: Mapping[str, TopicOnBroker]
) -> tuple[Looks | Unseen, Letters | Unseen, Unread | Unseen, bool | Unseen | None]:
    async with (
        connected(settings.kafka, CONNECT_SECONDS) as admin,
        group_less(settings.kafka, "tower.doctor") as consumer,
    ):
        eyes = Eyes(settings.namespace, there, admin, consumer)
        first = await tried(eyes.look(), LOOK_SECONDS)
        begun = time.monotonic()
        letters = await tried(eyes.letters(), ASIDE_SECONDS)
        model = await tried(eyes.model(), ASIDE_SECONDS)
        if isinstance(first, Unseen):
            return first, letters, first, model
        unread = await tried(eyes.unread(first), ASIDE_SECONDS)
        await asyncio.sleep(APART_SECONDS - (time.monotonic() - begun))
        second = await tried(eyes.look(), LOOK_SECONDS)
        looks = second if isinstance(second, Unseen) else Looks(first, second)
        return looks, letters, unread, model


async def tried(
    asked: Awaitable[T], seconds: float, slow: str = "The broker did not answer in time."
) -> T | Unseen:
    """Return an answer, or why there is none within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError:
        return Unseen(slow)
    except TowerError as error:
        return Unseen(str(error))
    except (KafkaError, OSError, ValueError, KeyError, AttributeError) as error:
        # aiokafka raises the last one instead of the error a broker gave for an offset.
        return Unseen(f"The broker did not do as asked ({error!r}).")


class Eyes:
    """One connection of each kind, over the topics that exist."""

    def __init__(
        self,
        namespace: str,
        there: Mapping[str, TopicOnBroker],
        admin: Any,  # noqa: ANN401  # aiokafka is untyped
        consumer: Any,  # noqa: ANN401
    ) -> None:
        self._namespace = namespace
        self._there = there
        self._admin = admin
        self._consumer = consumer
        self._published = Published()

    async def look(self) -> Look:
        """Take groups, offsets and clocks as they are now."""
        at = _now()
        workers = await self._group("worker")
        dispatchers = await self._group("dispatcher")
        sources, dispatched = self._all(SOURCES), self._all(DISPATCHED)
        cells = self._all([topics.KPI_CELLS])
        logs = await bounds(self._consumer, [*sources, *dispatched, *cells])
        await self._published.read(self._consumer, {tp: logs[tp] for tp in cells})
        return Look(
            at=at,
            workers=workers,
            dispatchers=dispatchers,
            logs={self._short(tp): logs[tp] for tp in (*sources, *dispatched)},
            applied=await self._committed(workers, sources),
            read=await self._committed(dispatchers, dispatched),
            clocks=self._published.clocks(),
            times=self._published.words("time"),
            rules=self._published.words("rules"),
        )

    async def letters(self) -> Letters:
        """Count what was set aside lately, and why."""
        tps = self._all([topics.DEAD_LETTERS])
        logs = await bounds(self._consumer, tps)
        hour = await self._since(logs, HOUR_MS)
        quarter = await self._since(logs, HOUR_MS // 4)
        reasons: Counter[str] = Counter()

        def heard(_: TopicPartition, __: bytes, value: bytes | None) -> None:
            try:
                reasons[DeadLetter.model_validate_json(value or b"").reason] += 1
            except ValidationError:
                reasons["unreadable"] += 1

        newest = {tp: (max(hour[tp], end - NEWEST), end) for tp, (_, end) in logs.items()}
        await read(self._consumer, newest, heard)
        return Letters(_between(hour, logs), _between(quarter, logs), dict(reasons))

    async def unread(self, look: Look) -> Unread:
        """Count the notices no dispatcher has read; a withdrawn one is none."""
        waiting: dict[str, tuple[int, NoticeCommand]] = {}

        def heard(tp: TopicPartition, _: bytes, value: bytes | None) -> None:
            match decode_said(value):
                case NoticeCommand() as command:
                    waiting[command.notice_id] = (tp.partition, command)
                case NoticeSuperseded(order_id=ended):
                    for each in [k for k, (_, v) in waiting.items() if v.order_id == ended]:
                        del waiting[each]
                case _:
                    pass

        ranges, cut = {}, False
        for tp in self._all([topics.NOTICE_COMMANDS]):
            begin, end = look.logs[self._short(tp)]
            start = max(begin, look.read.get(self._short(tp), begin))
            ranges[tp] = (start, min(end, start + UNREAD))
            cut = cut or end > start + UNREAD
        await read(self._consumer, ranges, heard)
        return Unread(
            notices=len(waiting),
            oldest=min((each.decided_at for _, each in waiting.values()), default=None),
            expired=sum(
                look.clocks.get(f"orders/{number}/~partition", 0) >= each.expires_at
                for number, each in waiting.values()
            ),
            cut=cut,
        )

    async def model(self) -> bool | None:
        """Return whether the model is of the last day; None: nothing was ever learnt.

        A learner that has learnt nothing writes its partition row all the same.
        """
        learnt = 0

        def heard(_: TopicPartition, key: bytes, __: bytes | None) -> None:
            nonlocal learnt
            learnt += key != PARTITION_KEY

        tps = self._all([topics.MODEL])
        logs = await bounds(self._consumer, tps) if tps else {}
        await read(self._consumer, logs, heard)
        if not learnt:
            return None
        return _between(await self._since(logs, DAY_MS), logs) > 0

    async def _group(self, name: str) -> Group:
        whole = named(self._namespace, name)
        try:
            # One at a time: aiokafka misreads an answer about several groups.
            answers = await self._admin.describe_consumer_groups([whole])
        except GroupCoordinatorNotAvailableError:  # no group was ever made here
            return Group(whole, "Dead")
        error, _, state, _, _, members, *_ = answers[0].groups[0]
        if error:
            raise for_code(error)(f"the group {whole} could not be described")
        return Group(
            whole,
            state,
            tuple(
                Member(member[0], member[2].lstrip("/"), self._given(member[4]))
                for member in members
            ),
        )

    def _given(self, assignment: bytes) -> frozenset[Partition]:
        if not assignment:
            return frozenset()
        decoded = ConsumerProtocolMemberAssignment.decode(assignment)
        return frozenset(self._short(tp) for tp in decoded.partitions())

    async def _committed(self, group: Group, tps: list[TopicPartition]) -> dict[Partition, int]:
        try:
            answer = await self._admin.list_consumer_group_offsets(group.name, partitions=tps)
        except GroupCoordinatorNotAvailableError:
            return {}
        return {
            self._short(tp): found.offset for tp, found in answer.items() if found.offset >= 0
        }

    async def _since(
        self, logs: Mapping[TopicPartition, tuple[int, int]], span: Millis
    ) -> dict[TopicPartition, int]:
        """Return the first offset of each log that was appended within the span until now."""
        found = await self._consumer.offsets_for_times(dict.fromkeys(logs, _now() - span))
        return {tp: logs[tp][1] if found.get(tp) is None else found[tp].offset for tp in logs}

    def _all(self, names: Iterable[str]) -> list[TopicPartition]:
        whole = [named(self._namespace, name) for name in names]
        return [
            TopicPartition(name, number)
            for name in whole
            if name in self._there
            for number in range(self._there[name].partitions)
        ]

    def _short(self, tp: TopicPartition) -> Partition:
        return tp.topic.removeprefix(f"{self._namespace}."), tp.partition


def _between(
    begins: Mapping[TopicPartition, int], logs: Mapping[TopicPartition, tuple[int, int]]
) -> int:
    return sum(end - begins[tp] for tp, (_, end) in logs.items())


def _now() -> Millis:
    return time.time_ns() // 1_000_000
