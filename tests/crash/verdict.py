"""What the topics hold at the end of a run, and in which ways it is not what it must be."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from models.letters import DeadLetter
from streams import topics
from streams.engine.api import Record
from streams.engine.reader import close
from streams.engine.rows import PARTITION_KEY, unpack
from streams.topics import named
from tests.crash.oracle import Letter, Told, Words, last_words

SOURCES = {
    topics.ORDER_EVENTS: "ingest-order-events-changelog",
    topics.COURIER_EVENTS: "ingest-courier-events-changelog",
    topics.COURIER_LOG: "couriers-changelog",
    topics.GROUP_LOG: "groups-changelog",
    topics.ORDER_LOG: "orders-changelog",
}

Place = tuple[str, int]  # topic (short name), partition


@dataclass
class Topics:
    """What was read: the inbox, facts, letters by place, and how far the workers came."""

    inbox: dict[int, list[Record]] = field(default_factory=dict)
    facts: Told = field(default_factory=Told)
    letters: dict[bytes, Counter[bytes]] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    committed: dict[Place, int] = field(default_factory=dict)
    applied: dict[Place, int] = field(default_factory=dict)
    cleanup: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Ids of facts: lost, told without a reason, told twice alike, told in two ways."""

    lost: list[str]
    foreign: list[str]
    repeated: list[str]
    contradicted: list[str]

    @classmethod
    def compared(cls, told: Told, wanted: Mapping[str, bytes]) -> "Facts":
        """Hold what was told against what had to be told."""
        both = told.bodies.keys() & wanted.keys()
        return cls(
            lost=sorted(wanted.keys() - told.bodies.keys()),
            foreign=sorted(told.bodies.keys() - wanted.keys()),
            repeated=sorted(id_ for id_ in both if told.bodies[id_].total() > 1),
            contradicted=sorted(id_ for id_ in both if set(told.bodies[id_]) != {wanted[id_]}),
        )


class Reading:
    """Clients of one broker that read a namespace, open as a context."""

    def __init__(self, bootstrap: str, namespace: str, partitions: int) -> None:
        self._namespace, self._partitions = namespace, partitions
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await close(self._consumer)
        await self._admin.close()

    async def lag(self) -> int:
        """Return how many records the group has not committed, by the admin API."""
        ends, committed = await self.ends(), await self._committed()
        return sum(end - committed.get(place, 0) for place, end in ends.items())

    async def progress(self) -> Topics:
        """Return the ends of the sources, what is committed, what partition rows say."""
        found = Topics(
            committed=await self._committed(),
            ends=await self.ends(),
            cleanup=await self._cleanup(),
        )
        for topic, table in SOURCES.items():
            async for record in self._records(table):
                if record.key == PARTITION_KEY and record.value is not None:
                    place = (topic, record.partition)
                    off = unpack(record.value)[0]
                    found.applied[place] = max(found.applied.get(place, -1), off)
        return found

    async def everything(self) -> Topics:
        """Return all a verdict needs."""
        found = await self.progress()
        async for r in self._records(topics.ORDER_LOG):
            record = Record(r.offset, r.timestamp, r.key, r.value, tuple(r.headers))
            found.inbox.setdefault(r.partition, []).append(record)
        async for r in self._records(topics.ORDER_FACTS):
            found.facts.add(r.value)
        async for r in self._records(topics.DEAD_LETTERS):
            found.letters.setdefault(r.key, Counter())[r.value] += 1
        return found

    def _places(self, topic: str) -> list[TopicPartition]:
        name = named(self._namespace, topic)
        return [TopicPartition(name, number) for number in range(self._partitions)]

    def _short(self, tp: TopicPartition) -> Place:
        return tp.topic.removeprefix(f"{self._namespace}."), tp.partition

    async def ends(self) -> dict[Place, int]:
        """Return where the logs that workers read end."""
        tps = [tp for topic in SOURCES for tp in self._places(topic)]
        ends = await self._consumer.end_offsets(tps)
        return {self._short(tp): end for tp, end in ends.items()}

    async def _committed(self) -> dict[Place, int]:
        found = await self._admin.list_consumer_group_offsets(f"{self._namespace}.worker")
        return {self._short(tp): max(at.offset, 0) for tp, at in found.items()}

    async def _records(self, topic: str) -> AsyncIterator[Any]:
        consumer, tps = self._consumer, self._places(topic)
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    yield record

    async def _cleanup(self) -> dict[str, str]:
        names = [named(self._namespace, table) for table in SOURCES.values()]
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        return {
            name: entry[1]
            for answer in await self._admin.describe_configs(asked)
            for _, _, _, name, entries in answer.resources
            for entry in entries
            if entry[0] == "cleanup.policy"
        }


def findings_of_progress(found: Topics, *, ended: bool) -> list[str]:
    """Return what is wrong with how far the workers say they are.

    Nothing may ever be committed that no partition row covers; once all is `ended` every
    commit stands at the end of its log.
    """
    wrong = [
        f"{topic}/{number}: {at} is committed, its partition row says"
        f" {found.applied.get((topic, number), -1)}"
        for (topic, number), at in sorted(found.committed.items())
        if at > found.applied.get((topic, number), -1) + 1
    ]
    if ended:
        wrong += [
            f"{place[0]}/{place[1]} ends at {end}, committed is {found.committed.get(place)}"
            for place, end in sorted(found.ends.items())
            if found.committed.get(place, 0) != end
        ]
        wrong += [
            f"the changelog {name} has cleanup.policy={policy}"
            for name, policy in sorted(found.cleanup.items())
            if policy != "compact"
        ]
    return wrong


def findings_of_letters(
    letters: Mapping[bytes, Mapping[bytes, int]], wanted: Counter[Letter]
) -> list[str]:
    """Return which letters are missing, for nothing, or differ from their own repeats."""
    wrong = [
        f"two letters of {place.decode()} differ"
        for place, bodies in letters.items()
        if len(bodies) > 1
    ]
    have: Counter[Letter] = Counter()
    for place, bodies in letters.items():
        for body in list(bodies)[:1]:
            letter = DeadLetter.model_validate_json(body)
            if place.decode() != f"{letter.topic}/{letter.partition}/{letter.offset}":
                wrong.append(f"the letter of {place.decode()} says another place")
            have[letter.topic, str(letter.reason), letter.raw or b""] += 1
    wrong += [f"no letter: {_named(one)} x{n}" for one, n in (wanted - have).items()]
    return wrong + [
        f"a letter for nothing: {_named(one)} x{n}" for one, n in (have - wanted).items()
    ]


def _named(letter: Letter) -> str:
    topic, reason, raw = letter
    return f"{topic} {reason} {raw[:60]!r}"


def findings_of_last_words(facts: Iterable[bytes], verdicts: Words) -> list[str]:
    """Return where the last word of the facts is not what is true in the end.

    What was said and is no longer true of anything (a handover that was taken back) stays.
    """
    said = last_words(facts)
    return [
        f"{kind} of {subject}: told {said.get((subject, kind))}, replayed {words}"
        for (subject, kind), words in sorted(verdicts.items())
        if said.get((subject, kind)) != words
    ]
