"""A rebalance moves only what must move, and every topic stays even."""

from itertools import pairwise

import pytest
from aiokafka import TopicPartition
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment as Assignment
from aiokafka.coordinator.protocol import ConsumerProtocolMemberMetadata as Metadata
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.assignor import Claim, StickyAssignor, decode, encode, shares

TOPICS = {"courier-events": 8, "courier-log": 8, "order-events": 8, "order-log": 8}


def claims(shared, round_=1, but=()):
    return {
        member: Claim(round_, frozenset(share))
        for member, share in shared.items()
        if member not in but
    }


def stayed(before, after) -> int:
    return sum(len(set(before.get(member, ())) & set(share)) for member, share in after.items())


def even(counts, shared) -> bool:
    """Whether members differ by at most one in each topic and in sum, nothing twice."""
    everything = [tp for share in shared.values() for tp in share]
    assert len(everything) == len(set(everything)) == sum(counts.values())
    for topic in counts:
        sizes = [sum(tp.topic == topic for tp in share) for share in shared.values()]
        assert max(sizes) - min(sizes) <= 1
    sums = [len(share) for share in shared.values()]
    return max(sums) - min(sums) <= 1


def test_a_second_member_takes_half_of_every_topic() -> None:
    alone = shares(TOPICS, {"a": Claim()})
    both = shares(TOPICS, claims(alone) | {"b": Claim()})
    assert even(TOPICS, both)
    assert stayed(alone, both) == 16  # a keeps half of 32, the other half has to move


def test_who_leaves_is_inherited_and_nobody_else_moves() -> None:
    three = shares(TOPICS, {"a": Claim(), "b": Claim(), "c": Claim()})
    assert even(TOPICS, three)
    two = shares(TOPICS, claims(three, but=["b"]))
    assert even(TOPICS, two)
    assert stayed(three, two) == len(three["a"]) + len(three["c"])


def test_the_same_members_keep_all_they_have() -> None:
    three = shares(TOPICS, {"a": Claim(), "b": Claim(), "c": Claim()})
    assert shares(TOPICS, claims(three)) == three


def test_of_two_claims_the_later_round_counts() -> None:
    tp = TopicPartition("order-log", 0)
    mine, stale = Claim(7, frozenset([tp])), Claim(6, frozenset([tp]))
    assert shares({"order-log": 2}, {"a": stale, "b": mine})["b"] == [tp]
    assert shares({"order-log": 2}, {"a": mine, "b": stale})["a"] == [tp]


def test_claims_on_what_is_no_more_are_ignored() -> None:
    gone = frozenset([TopicPartition("order-log", 9), TopicPartition("old", 0)])
    assert shares({"order-log": 1}, {"a": Claim(1, gone)}) == {
        "a": [TopicPartition("order-log", 0)]
    }


@given(
    counts=st.dictionaries(st.sampled_from("uvwxyz"), st.integers(1, 9), min_size=1),
    crowds=st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), min_size=2, max_size=6),
)
def test_any_coming_and_going_stays_even_and_a_pause_moves_nothing(counts, crowds) -> None:
    shared: dict[str, list[TopicPartition]] = {}
    for round_, crowd in enumerate(crowds):
        holding = claims(shared, round_)
        said = {member: holding.get(member, Claim()) for member in crowd}
        shared = shares(counts, said)
        assert even(counts, shared)
        assert shares(counts, claims(shared, round_ + 1)) == shared


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=2, unique=True))
def test_coming_moves_only_to_who_comes_and_going_only_from_who_goes(sizes) -> None:
    """With topics that divide evenly no extra partition can force another to move."""
    counts = dict.fromkeys(TOPICS, 12)  # divides by 1 to 4
    crowds = ["abcd"[:size] for size in sizes]
    shared = shares(counts, {member: Claim() for member in crowds[0]})
    for before, after in pairwise(crowds):
        said = claims(shared)
        now = shares(counts, {member: said.get(member, Claim()) for member in after})
        # Who stays keeps min(old, new) of what it had: the share is 48 over the members.
        kept = sum(min(48 // len(before), 48 // len(after)) for m in after if m in before)
        assert stayed(shared, now) == kept
        shared = now


def test_a_claim_survives_the_wire_and_strangers_claim_nothing() -> None:
    held = [TopicPartition("b", 1), TopicPartition("a", 2), TopicPartition("a", 0)]
    assert decode(encode(3, held)) == Claim(3, frozenset(held))
    deep = b"[" * 100_000
    for said in (b"", b"\xff", b"7", b"[1]", b'["x", []]', b"[1, [[2]]]", b"[1e400, []]", deep):
        assert decode(said) == Claim()


class Cluster:
    def partitions_for_topic(self, topic):
        return {"order-log": {0, 1, 2, 3}}.get(topic)


@pytest.mark.parametrize("leader", [0, 1])
def test_the_group_protocol_carries_claims_and_rounds(leader) -> None:
    parked: list[set[TopicPartition]] = [set(), set()]
    assignors = [StickyAssignor(lambda: parked[0]), StickyAssignor(lambda: parked[1])]
    for _ in range(3):
        said = {
            str(number): Metadata.decode(assignor.metadata({"order-log"}).encode())
            for number, assignor in enumerate(assignors)
        }
        answers = assignors[leader].assign(Cluster(), said)
        for number, assignor in enumerate(assignors):
            answer = Assignment.decode(answers[str(number)].encode())
            assignor.on_assignment(answer)
            before, parked[number] = parked[number], set(answer.partitions())
            assert before in (set(), parked[number])
    assert decode(assignors[0].metadata(["order-log"]).user_data).round == 3
    assert [len(each) for each in parked] == [2, 2]
