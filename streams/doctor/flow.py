"""Whether what comes in is read: members of the groups, their partitions, how far they are."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from models.base import Millis
from streams.doctor.finding import (
    Finding,
    blind,
    count,
    good,
    listed,
    owner,
    span,
    wrong,
)
from streams.doctor.seen import (
    DISPATCHED,
    SOURCES,
    Group,
    Look,
    Looks,
    Offsets,
    Partition,
    Seen,
    Unread,
    Unseen,
)

LONG_MS: Millis = 30_000  # of work waiting in a topic, at the pace of the two looks


def workers(seen: Seen) -> list[Finding]:
    """Judge the group of the workers: who is in it, and whether every partition has one."""
    if isinstance(seen.looks, Unseen):
        return [blind(seen.looks)]
    look = seen.looks.second
    group, wanted = look.workers, _partitions(look, SOURCES)
    waiting = sum(look.lag(each, look.applied) for each in wanted)
    if not group.members:
        return [
            wrong(
                f"No worker is in the group {group.name}; unread: {count(waiting, 'record')}.",
                "Start one (tower worker); if one runs, its log says why it is not in the"
                " group.",
            )
        ]
    found = list(_membership(group, wanted, "worker"))
    idle = sum(not member.partitions for member in group.members)
    return found or [
        good(
            f"{count(len(group.members), 'worker')} share"
            f"{'s' if len(group.members) == 1 else ''} {count(len(wanted), 'partition')}"
            + (f"; without any: {idle}." if idle else ".")
        )
    ]


def lag(seen: Seen) -> list[Finding]:
    """Judge how much is unread: partitions that stand still, topics that take too long."""
    if isinstance(seen.looks, Unseen):
        return [blind(seen.looks)]
    looks = seen.looks
    look = looks.second
    stuck = [each for each in _partitions(look, SOURCES) if _stands(looks, each, _applied)]
    found = [_standing(looks, group) for group in _by_owner(look, stuck)]
    for topic in SOURCES:
        moving = [each for each in look.partitions(topic) if each not in stuck]
        found += _slow(looks, topic, moving)
    lags = {topic: _unread(look, topic) for topic in SOURCES}
    said = ", ".join(f"{topic} {records:,}" for topic, records in lags.items())
    return found or [good(f"Records unread: {said}; none stands still.")]


def dispatcher(seen: Seen) -> list[Finding]:
    """Judge the group of the dispatcher and what lies unread before it."""
    if isinstance(seen.looks, Unseen):
        return [blind(seen.looks)]
    if isinstance(seen.unread, Unseen):
        return [blind(seen.unread)]
    looks = seen.looks
    look = looks.second
    group, wanted = look.dispatchers, _partitions(look, DISPATCHED)
    waiting = _waiting(seen.unread, look)
    if not group.members:
        return [
            wrong(
                f"No dispatcher is in the group {group.name}; {waiting}.",
                "Start it (tower dispatcher), on the machine that has its claims file.",
            )
        ]
    found = list(_membership(group, wanted, "dispatcher"))
    stuck = [each for each in wanted if _stands(looks, each, _read)]
    if stuck:
        found.append(
            wrong(
                f"The dispatcher has read nothing of {listed(stuck)} for"
                f" {span(looks.apart)}; {waiting}.",
                "Read its log: the claims file, the disk or the broker may hold it up.",
            )
        )
    return found or [
        good(f"{count(len(group.members), 'dispatcher')} in the group; {waiting}.")
    ]


def _membership(group: Group, wanted: Iterable[Partition], who: str) -> Iterator[Finding]:
    if group.state != "Stable":
        yield wrong(
            f"The group {group.name} shares out its partitions anew ({group.state},"
            f" {count(len(group.members), 'member')}).",
            f"Ask again in some seconds; if it stays so a {who} joins and dies again and"
            " again: read the logs.",
        )
        return
    without = [each for each in wanted if group.owner(each) is None]
    if without:
        yield wrong(
            f"No {who} has {listed(without)}, members of the group: {len(group.members)}.",
            f"Restart the {who}s one by one; each must run the same version and namespace.",
        )


def _applied(look: Look) -> Offsets:
    return look.applied


def _read(look: Look) -> Offsets:
    return look.read


def _stands(looks: Looks, partition: Partition, of: Callable[[Look], Offsets]) -> bool:
    """Tell whether something lay unread at both looks and none of it was read."""
    first, second = looks.first, looks.second
    return (
        first.lag(partition, of(first)) > 0
        and second.lag(partition, of(second)) > 0
        and of(second).get(partition, 0) <= of(first).get(partition, 0)
    )


def _standing(looks: Looks, partitions: list[Partition]) -> Finding:
    look = looks.second
    records = sum(look.lag(each, look.applied) for each in partitions)
    who = owner(look.workers, partitions[0])
    stand = "stands" if len(partitions) == 1 else "stand"
    if look.workers.owner(partitions[0]) is None:
        first = "Start a worker, or see under workers why it is not in the group."
    else:
        first = (
            "Ask that worker: its log and /readyz say whether it recovers (then wait) or"
            " hangs (then end it, another takes over)."
        )
    return wrong(
        f"{listed(partitions)} {stand} still with {count(records, 'record')} unread, nothing"
        f" was committed for {span(looks.apart)}; {who}.",
        first,
    )


def _by_owner(look: Look, partitions: Iterable[Partition]) -> list[list[Partition]]:
    groups: dict[object, list[Partition]] = defaultdict(list)
    for each in partitions:
        groups[look.workers.owner(each)].append(each)
    return list(groups.values())


def _slow(looks: Looks, topic: str, moving: list[Partition]) -> Iterator[Finding]:
    """Judge by the time that the work waiting takes: a record count says little."""
    first, second = looks.first, looks.second
    before = sum(first.lag(each, first.applied) for each in moving)
    waits = sum(second.lag(each, second.applied) for each in moving)
    done = sum(
        second.applied.get(each, 0) - first.applied.get(each, second.logs[each][0])
        for each in moving
    )
    if done <= 0 or looks.apart <= 0 or waits * looks.apart <= LONG_MS * done:
        return
    pace = done * 1_000 // looks.apart
    shrinks = waits < before
    yield wrong(
        f"{topic} has {count(waits, 'record')} unread; at {pace:,} a second they take"
        f" {span(waits * looks.apart // done)}, and the pile"
        f" {'shrinks' if shrinks else 'grows'}.",
        "Wait until it is worked off: nothing is lost and nobody is late by it."
        if shrinks
        else "Start another worker, as long as there are more partitions than workers.",
    )


def _waiting(unread: Unread, look: Look) -> str:
    """Say how many notices lie unread, since when, and how many of them say nothing more."""
    if not unread.notices or unread.oldest is None:
        return "no notice lies unread"
    clocks = [at for key, at in look.clocks.items() if key.startswith("orders/")]
    age = max(clocks, default=unread.oldest) - unread.oldest
    said = f"{'at least ' if unread.cut else ''}{count(unread.notices, 'notice')}"
    plural = unread.notices > 1
    return (
        f"{said} lie{'' if plural else 's'} unread, {'the oldest ' if plural else ''}asked for"
        f" {span(age)} ago by the tower's clock, {unread.expired} of them expired"
    )


def _partitions(look: Look, names: Iterable[str]) -> list[Partition]:
    return [each for name in names for each in look.partitions(name)]


def _unread(look: Look, topic: str) -> int:
    return sum(look.lag(each, look.applied) for each in look.partitions(topic))
