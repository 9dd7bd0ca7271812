"""Which clock holds the tower back: every fold's clock is the least of its upstreams'.

Ingest of `courier-events` drives the couriers; they and the ingest of `order-events` drive
the orders, and these the groups. Whoever stands still while its upstreams go on is the one
to look at; who stands behind it is only held back.
"""

from collections import defaultdict
from collections.abc import Iterable

from models.base import Millis
from streams import topics
from streams.doctor.finding import (
    Finding,
    blind,
    good,
    owner,
    shortened,
    span,
    wrong,
)
from streams.doctor.seen import Look, Looks, Partition, Seen, Unseen
from streams.domain.zones import instant
from streams.published import clock_keys

STILL_MS: Millis = 10_000  # behind the present and not moving: it stands
BEHIND_MS: Millis = 60_000  # behind the present though moving: it is late

_INGEST_ORDERS = f"ingest/{topics.ORDER_EVENTS}/"
_INGEST_COURIERS = f"ingest/{topics.COURIER_EVENTS}/"
_LOGS = {
    "couriers": topics.COURIER_LOG,
    "orders": topics.ORDER_LOG,
    "groups": topics.GROUP_LOG,
}


def clocks(seen: Seen) -> list[Finding]:
    """Judge the clocks: against the present, or in a feed against each other."""
    if isinstance(seen.looks, Unseen):
        return [blind(seen.looks)]
    looks = seen.looks
    count = len(looks.second.partitions(topics.ORDER_LOG))
    keys = [key for number in range(count) for key in clock_keys(number)]
    modes = looks.second.times or frozenset({seen.place.clock})
    if len(modes) > 1:
        return [
            wrong(
                f"Workers follow different clocks: {' and '.join(sorted(modes))}.",
                "Give all workers of a namespace the same TOWER_CLOCK.",
            )
        ]
    silent = [key for key in keys if key not in looks.second.clocks]
    if silent or not keys:
        return [_silent(silent, keys)]
    return _wall(looks, keys) if modes == {"wall"} else [_feed(looks, keys)]


def upstreams(key: str, keys: Iterable[str]) -> list[str]:
    """Return the keys of those whose ticks drive the clock of a key."""
    if key.startswith("couriers/"):
        return [each for each in keys if each.startswith(_INGEST_COURIERS)]
    if key.startswith("orders/"):
        return [each for each in keys if each.startswith((_INGEST_ORDERS, "couriers/"))]
    if key.startswith("groups/"):
        return [each for each in keys if each.startswith("orders/")]
    return []


def _silent(silent: list[str], keys: list[str]) -> Finding:
    names = shortened([_name(key) for key in silent]) or "nobody"
    if len(silent) == len(keys) or not silent:
        said = "No fold has published its clock yet."
    else:
        said = f"{names} never published a clock; without them the tower's clock stands."
    return wrong(said, "Start a worker, or wait until those that start have recovered.")


def _wall(looks: Looks, keys: list[str]) -> list[Finding]:
    look = looks.second
    still = {key for key in keys if _stands(looks, key)}
    blamed = [key for key in keys if key in still and _to_blame(look, key, keys, still)]
    if blamed:
        return [_holding(look, group, keys, still) for group in _by_owner(look, blamed)]
    key = min((key for key in keys if key.startswith("orders/")), key=look.clocks.__getitem__)
    behind = look.at - look.clocks[key]
    if behind > BEHIND_MS:
        return [_late(looks, key, keys)]
    return [
        good(
            f"The tower's clock is {span(behind)} behind the present, and every upstream"
            " goes on."
        )
    ]


def _stands(looks: Looks, key: str) -> bool:
    now, before = looks.second.clocks[key], looks.first.clocks.get(key)
    return now == before and looks.second.at - now > STILL_MS


def _to_blame(look: Look, key: str, keys: list[str], still: set[str]) -> bool:
    """Tell whether a clock that stands does so by itself, or worse than its upstreams."""
    above = upstreams(key, keys)
    if not still.intersection(above):
        return True
    return look.clocks[key] + STILL_MS < min(look.clocks[each] for each in above)


def _holding(look: Look, group: list[str], keys: list[str], still: set[str]) -> Finding:
    held = sum(key.startswith("orders/") for key in still)
    inboxes = sum(key.startswith("orders/") for key in keys)
    since = min(look.clocks[key] for key in group)
    partition = _partition(group[0])
    have = look.workers.owner(partition) is not None
    return wrong(
        f"{shortened([_name(key) for key in group])} stand{'s' if len(group) == 1 else ''}"
        f" still {_since(since, look.at)}; {held} of {inboxes} inbox partitions"
        f" stand with {'it' if len(group) == 1 else 'them'};"
        f" {owner(look.workers, partition)}.",
        "Look at that worker: its log and /readyz say whether it recovers (then wait); if it"
        " hangs, end it and another takes over."
        if have
        else "Start a worker: until then no promise is judged later than that.",
    )


def _late(looks: Looks, key: str, keys: list[str]) -> Finding:
    look = looks.second
    above = upstreams(key, keys)
    slowest = min(above, key=look.clocks.__getitem__)
    behind = look.at - look.clocks[key]
    gained = look.clocks[key] - looks.first.clocks.get(key, look.clocks[key]) - looks.apart
    if gained > 0:
        first = (
            f"Wait: it gains {gained / looks.apart:.1f} s a second and needs another"
            f" {span(behind * looks.apart // gained)}."
        )
    else:
        first = "See under lag what is not worked off, and start another worker."
    return wrong(
        f"The tower's clock is {span(behind)} behind the present; furthest behind is"
        f" {_name(slowest)} with {span(look.at - look.clocks[slowest])}.",
        first,
    )


def _feed(looks: Looks, keys: list[str]) -> Finding:
    """In a feed time comes with the data: only a partition left without ticks is wrong."""
    look = looks.second
    told = {key: look.clocks[key] for key in keys if not upstreams(key, keys)}
    newest = max(told.values())
    left = [key for key, at in told.items() if at < newest]
    idle = looks.first.clocks == look.clocks and not any(
        look.lag(_partition(key), look.applied) for key in told
    )
    if left and idle:
        return wrong(
            f"{shortened([_name(key) for key in left])} heard no tick after"
            f" {_when(min(told[key] for key in left))}, others one of {_when(newest)}: the"
            " tower's clock waits for them.",
            "Let the feed send its ticks to every partition of both inbound topics.",
        )
    clock = min(at for key, at in look.clocks.items() if key.startswith("orders/"))
    there = f"it is {_when(clock)} there" if clock else "no tick has come yet"
    return good(
        f"Time comes with the data (clock feed): {there}; nothing is compared with the present."
    )


def _by_owner(look: Look, keys: Iterable[str]) -> list[list[str]]:
    groups: dict[object, list[str]] = defaultdict(list)
    for key in keys:
        groups[look.workers.owner(_partition(key))].append(key)
    return list(groups.values())


def _partition(key: str) -> Partition:
    """Return the source partition whose owner publishes a clock."""
    kind, *rest = key.split("/")
    if kind == "ingest":
        return rest[0], int(rest[1])
    return _LOGS[kind], int(rest[0])


def _name(key: str) -> str:
    """Say whose clock it is: `ingest of order-events/1`."""
    topic, number = _partition(key)
    return f"{key.split('/', maxsplit=1)[0]} of {topic}/{number}"


def _since(clock: Millis, now: Millis) -> str:
    return f"since {_when(clock)}, {span(now - clock)} ago" if clock else "since it began"


def _when(clock: Millis) -> str:
    if not clock:
        return "the beginning"
    return instant(clock).strftime("%Y-%m-%d %H:%M:%S UTC")
