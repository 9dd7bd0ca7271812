"""What a check finds: one sentence of what is seen, one of what to do first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from models.base import Millis
from streams.doctor.seen import Group, Partition, Unseen
from streams.wording import duration, printable

Verdict = Literal["ok", "wrong", "unseen"]

MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Finding:
    """`seen` says it with numbers; `first` is what to do first, empty where nothing is."""

    verdict: Verdict
    seen: str
    first: str = ""


def good(seen: str) -> Finding:
    """Return that something is as it should be."""
    return Finding("ok", seen)


def wrong(seen: str, first: str) -> Finding:
    """Return that something is wrong."""
    return Finding("wrong", seen, first)


def blind(unseen: Unseen) -> Finding:
    """Return that something could not be looked at; the check of the broker is wrong then."""
    return Finding("unseen", unseen.why)


def listed(partitions: Iterable[Partition]) -> str:
    """Return partitions as words: `order-log/0, order-log/3`."""
    return shortened([f"{topic}/{number}" for topic, number in sorted(partitions)])


def shortened(names: list[str]) -> str:
    """Return names as words, the first few of many."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def owner(group: Group, partition: Partition) -> str:
    """Say who was given a partition."""
    member = group.owner(partition)
    if member is None:
        return "no worker has it" if group.members else "no worker runs"
    return f"owner: {printable(member.name)} on {printable(member.host)}"


def count(number: int, thing: str) -> str:
    """Return a number and what it counts: `1 record`, `1,234 records`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def span(length: Millis) -> str:
    """Return a span in words, in whole seconds; a negative one is none."""
    return duration(max(0, length) // 1_000 * 1_000) if length >= 1_000 else "0 s"  # noqa: PLR2004
