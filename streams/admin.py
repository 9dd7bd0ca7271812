"""The topics on a broker: create what is missing, and say in words what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.config import Settings
from streams.errors import TowerError
from streams.kafka import Where, client_options, cluster_of
from streams.refusal import FORBIDDEN, forbidden, refusal
from streams.topics import COURIER_EVENTS, ORDER_EVENTS, TOPICS, Topic, named

ANSWER_SECONDS = 8.0
_SETTLE_SECONDS = 20.0
_EXISTS: int = TopicAlreadyExistsError.errno

# What a wrong setting leads to; a setting that is not here may differ.
_MATTERS = {
    "cleanup.policy": "rows would be lost or logs would grow for ever",
    "message.timestamp.type": "received_at must be the broker's time",
    "max.message.bytes": "large messages would be refused",
    "min.compaction.lag.ms": "recovery needs recent rows in full",
}
_AT_LEAST = {"max.message.bytes", "min.compaction.lag.ms"}
_ONLY_WALL = {"message.timestamp.type"}
_CLOCKED = {ORDER_EVENTS, COURIER_EVENTS}


@dataclass(frozen=True, slots=True)
class TopicOnBroker:
    """What a broker has of a topic: the number of partitions and all settings."""

    partitions: int
    config: Mapping[str, str]


@asynccontextmanager
async def connected(
    where: Where, answer_seconds: float = ANSWER_SECONDS
) -> AsyncIterator[AIOKafkaAdminClient]:
    """Yield an admin client; a broker that does not answer or let us in is one sentence."""
    admin = AIOKafkaAdminClient(
        **client_options(where), request_timeout_ms=int(answer_seconds * 1_000)
    )
    try:
        try:
            async with asyncio.timeout(answer_seconds):
                await admin.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise await refusal(where) or unreachable(where) from error
        try:
            yield admin
        except FORBIDDEN as error:
            raise forbidden(where, error) from error
        except (KafkaError, TimeoutError) as error:
            raise TowerError(
                f"The Kafka broker at {cluster_of(where).brokers} did not do as asked"
                f" ({error!r})."
            ) from error
    finally:
        await admin.close()


def unreachable(where: Where) -> TowerError:
    """Return the one sentence for a broker that does not answer."""
    return TowerError(
        f"No Kafka broker answers at {cluster_of(where).brokers}: start it, or name another"
        " with --brokers or TOWER_BROKERS."
    )


async def ensure_topics(where: Where, settings: Settings) -> tuple[str, ...]:
    """Create the topics that are missing and return their full names.

    Returns once every partition of all topics has a leader. Topics that exist are left as
    they are; `check_topics` says what is wrong with them.
    """
    async with connected(where) as admin:
        there = set(await admin.list_topics())
        missing = [
            NewTopic(
                name=named(settings.namespace, topic.name),
                num_partitions=topic.partitions or settings.partitions,
                replication_factor=settings.replication,
                topic_configs=topic.config,
            )
            for topic in TOPICS
            if named(settings.namespace, topic.name) not in there
        ]
        created = await _create(admin, missing) if missing else ()
        await _settled(admin, [named(settings.namespace, topic.name) for topic in TOPICS])
        return created


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> tuple[str, ...]:
    answer = await admin.create_topics(topics)
    created = []
    for name, code, *message in answer.topic_errors:
        if code == 0:
            created.append(name)
        elif code != _EXISTS:  # another process was quicker
            reason = (message and message[0]) or for_code(code).__name__
            raise TowerError(f"The topic {name} could not be created: {reason}")
    return tuple(created)


async def _settled(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until the brokers know every topic and each partition has a leader."""
    async with asyncio.timeout(_SETTLE_SECONDS):
        while True:
            topics = await admin.describe_topics(names)
            codes = [topic["error_code"] for topic in topics]
            codes += [part["error_code"] for topic in topics for part in topic["partitions"]]
            if not any(codes):
                return
            await asyncio.sleep(0.05)


async def describe_topics(where: Where, names: Iterable[str]) -> dict[str, TopicOnBroker]:
    """Return what the broker has of the topics named in full; absent ones are left out."""
    async with connected(where) as admin:
        wanted = set(names)
        found = {
            topic["topic"]: len(topic["partitions"])
            for topic in await admin.describe_topics()
            if topic["topic"] in wanted
        }
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in found]
        answers = await admin.describe_configs(resources) if resources else []
        configs = {
            name: {entry[0]: entry[1] for entry in entries}
            for answer in answers
            for _, _, _, name, entries in answer.resources
        }
        return {name: TopicOnBroker(count, configs[name]) for name, count in found.items()}


async def check_topics(where: Where, settings: Settings) -> list[str]:
    """Return every finding about the namespace's topics as a sentence; none is good."""
    names = [named(settings.namespace, topic.name) for topic in TOPICS]
    there = await describe_topics(where, names)
    return findings(there, settings)


def findings(there: Mapping[str, TopicOnBroker], settings: Settings) -> list[str]:
    """Compare what a broker has with what the tower needs."""
    if not there:
        missing = named(settings.namespace, "*")
        return [f"The broker has none of the topics {missing}; a worker creates them all."]
    said = []
    for topic in TOPICS:
        name = named(settings.namespace, topic.name)
        if name not in there:
            said.append(f"The topic {name} does not exist; a worker that starts creates it.")
            continue
        said += _partition_findings(topic, name, there[name], settings)
        said += _config_findings(topic, name, there[name], settings)
    return said


def _partition_findings(
    topic: Topic, name: str, there: TopicOnBroker, settings: Settings
) -> list[str]:
    needed = topic.partitions or settings.partitions
    if there.partitions == needed:
        return []
    said = (
        f"The topic {name} has {there.partitions} partitions and needs {needed}"
        " (TOWER_PARTITIONS); the count is fixed for a log's life."
    )
    return [said]


def _config_findings(
    topic: Topic, name: str, there: TopicOnBroker, settings: Settings
) -> list[str]:
    said = []
    for setting, reason in _MATTERS.items():
        needed = topic.config.get(setting)
        clocked = settings.clock == "wall" and topic.name in _CLOCKED
        if needed is None or (setting in _ONLY_WALL and not clocked):
            continue
        has = there.config.get(setting, "")
        if setting in _AT_LEAST:
            good = has.isdecimal() and int(has) >= int(needed)
            words = f"at least {needed}"
        else:
            good, words = has == needed, needed
        if not good:
            said.append(f"The topic {name} has {setting}={has} and needs {words}: {reason}.")
    return said
