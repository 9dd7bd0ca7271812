"""A tower in good health as the doctor would see it: two workers, two partitions, wall time."""

from dataclasses import replace

from streams.doctor.judge import CHECKS, judge
from streams.doctor.seen import (
    Claims,
    Group,
    Letters,
    Look,
    Looks,
    Member,
    Place,
    Seen,
    Unread,
)

NOW = 1_800_000_000_000  # 2027-01-15 08:00:00 UTC
SECOND = 1_000
MINUTE = 60 * SECOND
SOURCES = ("order-events", "courier-events", "order-log", "courier-log", "group-log")
A = Member("a", "host-a", frozenset((topic, 0) for topic in SOURCES))
B = Member("b", "host-b", frozenset((topic, 1) for topic in SOURCES))
D = Member("d", "host-d", frozenset({("notice-commands", 0), ("contact-updates", 0)}))
KEYS = ("ingest/order-events/{}", "ingest/courier-events/{}", "couriers/{}",
        "orders/{}/~partition", "groups/{}/~partition")  # fmt: skip


def clocks(at, **behind):
    """Return the clocks of all folds at an instant, some at another one."""
    return {key.format(number): at for number in (0, 1) for key in KEYS} | behind


def look(at, applied=100, end=100, **changes):
    """Return a look at which every log ends at `end` and is applied up to `applied`."""
    sources = [(topic, number) for topic in SOURCES for number in (0, 1)]
    dispatched = [("notice-commands", 0), ("contact-updates", 0)]
    found = Look(
        at=at,
        workers=Group("t.worker", "Stable", (A, B)),
        dispatchers=Group("t.dispatcher", "Stable", (D,)),
        logs=dict.fromkeys([*sources, *dispatched], (0, end)),
        applied=dict.fromkeys(sources, applied),
        read=dict.fromkeys(dispatched, end),
        clocks=clocks(at - 3 * SECOND),
        times=frozenset({"wall"}),
        rules=frozenset({"abc"}),
    )
    return replace(found, **changes)


def looks(**changes):
    """Return two looks, four seconds apart, both with the same changes."""
    return Looks(look(NOW - 4 * SECOND, **changes), look(NOW, **changes))


def seen(**changes):
    """Return what was seen of the whole tower."""
    found = Seen(
        at=NOW,
        place=Place("127.0.0.1:9092", "t"),
        broker=None,
        topics=(),
        looks=looks(),
        letters=Letters(0, 0),
        unread=Unread(),
        model=None,
        rules="abc",
        claims=Claims("claims.sqlite", 0, None, 0, 0, None, 2**33),
    )
    return replace(found, **changes)


def said(name, **changes):
    """Return the findings of one check."""
    check = next(each for each in CHECKS if each.name == name)
    return check.judge(seen(**changes))


def verdicts(**changes):
    """Return every check that is not in order, with its verdict."""
    return {
        each.check.name: each.verdict for each in judge(seen(**changes)) if each.verdict != "ok"
    }
