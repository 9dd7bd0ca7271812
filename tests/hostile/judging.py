"""What must have become of every message, worked out without looking at the tower's outputs.

The report must be that of a replay of the accepted messages alone, the counts of reading are
added up from the catalogue's verdicts, and each refused message has one dead letter.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from models.base import Millis
from models.letters import DeadLetter
from models.rules import Rules
from streams.feed import EARLIEST, Arrival
from streams.replay import Replay
from streams.topics import COURIER_EVENTS, ORDER_EVENTS, named
from tests.hostile.mixing import Sent


class Timed(Replay):
    """A replay of messages whose topic and arrival are known already."""

    def take_all(self, sent: Iterable[Sent], as_of: Millis) -> None:
        """Take messages in the order of arrival, then let time pass."""
        self.as_of = as_of
        for each in sorted(sent, key=lambda one: one.timestamp):
            value = each.message.value or b""
            self.take(Arrival(each.timestamp, value, each.message.topic, None, None))
        self.orders.advance(as_of, self._offset, self.out)


def expected_report(sent: list[Sent], as_of: Millis) -> dict:
    """Return the report of the messages that are kept, counted by their verdicts."""
    replay = Timed(Rules())
    replay.take_all([each for each in sent if each.message.kept], as_of)
    report = replay.report()
    verdicts = Counter(each.message.expect for each in sent if not each.message.kept)
    report["events"]["read"] += verdicts.total()
    for reason, times in verdicts.items():
        rejected = report["events"]["rejected"]
        rejected[reason] = rejected.get(reason, 0) + times
    return report


def timed_as_sent(sent: list[Sent]) -> list[Sent]:
    """Return messages with the arrival they were stamped with, for a tower in feed time."""
    return [
        Sent(each.message, each.partition, each.offset, each.message.received_at or EARLIEST)
        for each in sent
    ]


@dataclass
class Letters:
    """The dead letters of a namespace by the place of their message."""

    by_place: dict[str, list[DeadLetter]] = field(default_factory=dict)

    def add(self, key: bytes, value: bytes) -> None:
        """Take one record of the topic."""
        self.by_place.setdefault(key.decode(), []).append(DeadLetter.model_validate_json(value))


def judged(sent: list[Sent], letters: Letters) -> list[str]:
    """Return a sentence for every message that has not become what it must."""
    wrong, due = [], set()
    for each in sent:
        found = letters.by_place.get(each.place, [])
        message = each.message
        if message.kept:
            if found:
                wrong.append(f"{message.item}: {message.expect}, but {found[0].reason}")
            continue
        due.add(each.place)
        says = [(one.topic, one.partition, one.offset, one.reason, one.raw) for one in found]
        must = (message.topic, each.partition, each.offset, message.expect, message.value)
        if says != [must]:
            wrong.append(f"{message.item}: {[one[:4] for one in says]} is not {must[:4]}")
    strangers = letters.by_place.keys() - due - {each.place for each in sent}
    return wrong + [f"a letter for no message: {place}" for place in sorted(strangers)]


async def lags(bootstrap: str, namespace: str) -> dict[str, int]:
    """Return how far the workers' commits are behind the ends, summed by topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        committed = await admin.list_consumer_group_offsets(f"{namespace}.worker")
        inbound = [
            TopicPartition(named(namespace, topic), partition)
            for topic in (ORDER_EVENTS, COURIER_EVENTS)
            for partition in consumer.partitions_for_topic(named(namespace, topic)) or ()
        ]
        ends = await consumer.end_offsets([*inbound, *committed])
    finally:
        await consumer.stop()
        await admin.close()
    behind: Counter[str] = Counter()
    for tp, end in ends.items():
        at = committed[tp].offset if tp in committed else 0
        behind[tp.topic.removeprefix(f"{namespace}.")] += end - max(at, 0)
    return behind


def facts_of(records: Iterable) -> Counter:
    """Count the kinds of facts by order."""
    return Counter(
        (record.key.decode(), json.loads(record.value)["kind"]) for record in records
    )
