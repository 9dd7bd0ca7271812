"""Shares the partitions out so that only what must move moves.

aiokafka's own sticky assignor never hears the generation, so of two members that claim one
partition it believes either, and it evens out sums over all topics: one worker may get every
partition of the expensive one. This one evens out topic by topic. A member claims what it
still holds in memory; of two claims the one from the later round counts.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

_VERSION = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """What a member still holds, and the round (count of assignments) it was given it in."""

    round: int = 0
    held: frozenset[TopicPartition] = frozenset()


class StickyAssignor:
    """The group's assignor as aiokafka calls it; an object of one consumer, not a class."""

    name = "tower-sticky"

    def __init__(self, held: Callable[[], Iterable[TopicPartition]]) -> None:
        """Claim what `held` returns whenever the group is joined."""
        self._held = held
        self._round = 0

    def metadata(self, topics: Iterable[str]) -> Any:  # noqa: ANN401  # aiokafka is untyped
        """Return what this member tells the leader."""
        claim = encode(self._round, self._held())
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), claim)

    def on_assignment(self, assignment: Any) -> None:  # noqa: ANN401
        """Remember the round this member was given its partitions in."""
        self._round = decode(assignment.user_data).round

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
        """Return every member's assignment; called where this member leads the group."""
        topics = sorted({topic for said in members.values() for topic in said.subscription})
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in topics}
        claims = {member: decode(said.user_data) for member, said in members.items()}
        following = encode(1 + max(claim.round for claim in claims.values()), ())
        return {
            member: ConsumerProtocolMemberAssignment(_VERSION, _by_topic(share), following)
            for member, share in shares(counts, claims).items()
        }


def shares(
    counts: Mapping[str, int], claims: Mapping[str, Claim]
) -> dict[str, list[TopicPartition]]:
    """Return the partitions of each member.

    In every topic two members differ by at most one partition, and so do their sums: who has
    one more is who has had it least often so far, then who holds more, then the first by name.
    """
    owners = _owners(claims)
    members = sorted(claims)
    extra_so_far = dict.fromkeys(members, 0)
    shared: dict[str, list[TopicPartition]] = {member: [] for member in members}
    for topic in sorted(counts):
        tps = [TopicPartition(topic, number) for number in range(counts[topic])]
        least, extras = divmod(len(tps), len(members))
        held = {member: [tp for tp in tps if owners.get(tp) == member] for member in members}
        order = sorted(members, key=lambda one: (extra_so_far[one], -len(held[one]), one))
        free = {tp for tp in tps if tp not in owners}
        quota = {}
        for place, member in enumerate(order):
            quota[member] = least + (place < extras)
            extra_so_far[member] += place < extras
            free |= set(held[member][quota[member] :])
        waiting = sorted(free, reverse=True)
        for member in members:
            kept = held[member][: quota[member]]
            given = [waiting.pop() for _ in range(quota[member] - len(kept))]
            shared[member] += sorted(kept + given)
    return shared


def _owners(claims: Mapping[str, Claim]) -> dict[TopicPartition, str]:
    """Return whose claim on each partition counts."""
    owners: dict[TopicPartition, str] = {}
    for member in sorted(claims, key=lambda one: (claims[one].round, one)):
        owners |= dict.fromkeys(claims[member].held, member)
    return owners


def encode(round_: int, held: Iterable[TopicPartition]) -> bytes:
    """Return a claim as user data of the group's protocol."""
    return json.dumps([round_, _by_topic(held)]).encode()


def decode(user_data: bytes) -> Claim:
    """Return a claim; a member that says nothing we understand claims nothing."""
    try:
        round_, by_topic = json.loads(user_data)
        held = frozenset(
            TopicPartition(str(topic), int(number))
            for topic, numbers in by_topic
            for number in numbers
        )
        return Claim(int(round_), held)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return Claim()


def _by_topic(tps: Iterable[TopicPartition]) -> list[tuple[str, list[int]]]:
    numbers: dict[str, list[int]] = {}
    for topic, number in sorted(tps):
        numbers.setdefault(topic, []).append(number)
    return list(numbers.items())
