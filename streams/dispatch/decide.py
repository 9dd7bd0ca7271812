"""Whether a notice is said now, later or never: one pure function and its table of rules.

The rules are looked at in their order; the first that speaks decides. Every retry passes
through here again, so news that has grown old is dropped however long the mail server was away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.contacts import Channel, ContactUpdate
from models.notices import LINES, NoticeCommand, NoticeKind
from streams.dispatch.channels.base import point_of

STALE_MS = 600_000

Reason = Literal[
    "superseded",
    "expired",
    "stale_replay",
    "not_told",
    "no_contact",
    "opt_out",
    "muted",
    "duplicate",
]


@dataclass(frozen=True, slots=True)
class Ending:
    """Nothing of an order decided before `at` or with a version below `version` is said."""

    version: int
    at: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a notice and its order.

    `ended`: the order's ending came after the command; `later`: kinds asked for since;
    `told`: a delay was said, None if none was asked for; `attempts`: sends that are known to
    have failed; `not_before`: wall clock, epoch ms, at which the next try is due;
    `doubtful`: an earlier send may have reached the customer; `in_doubt`: channel and
    provider that are to be asked once more; `spent`: channels given up for this notice;
    `barred`: addresses of the customer (`point_of`) that are never used again.
    """

    ended: bool = False
    ending: Ending | None = None
    later: frozenset[NoticeKind] = frozenset()
    told: bool | None = None
    attempts: int = 0
    not_before: int = 0
    doubtful: bool = False
    in_doubt: tuple[str, str] | None = None
    spent: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Moment:
    """Now: the tower's clock (None before its first tick) and the wall clock, epoch ms.

    `current`: everything appended so far to the command's partition and to the contact
    updates has been read, so no withdrawal of the notice is lying there unread. `channels`:
    those there is a provider for.
    """

    tower: int | None
    wall: int
    current: bool = True
    channels: frozenset[str] = frozenset({"email"})


@dataclass(frozen=True, slots=True)
class Send:
    """Say it now, over the first of these channels that can take it."""

    ways: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Suppress:
    """Never say it."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Wait:
    """Ask again at `until` (wall clock, epoch ms); None: once the partition is read up."""

    until: int | None


Decision = Send | Suppress | Wait
_Rule = Callable[[NoticeCommand, Known, Moment], bool]


def decide(
    command: NoticeCommand, contact: ContactUpdate | None, known: Known, now: Moment
) -> Decision:
    """Return what becomes of a notice at this moment."""
    for reason, holds in _RULES:
        if holds(command, known, now):
            return Suppress(reason)
    if _overtaken(command, contact, known):
        return Suppress("superseded")
    if not now.current:
        return Wait(None)
    if known.doubtful and known.not_before > now.wall:
        return Wait(known.not_before)
    ways = ways_to(contact, known, now.channels)
    refused = _refused(command, contact, ways)
    if refused is not None:
        return Suppress(refused)
    if known.not_before > now.wall:
        return Wait(known.not_before)
    return Send(ways)


def ways_to(
    contact: ContactUpdate | None, known: Known, channels: frozenset[str]
) -> tuple[Channel, ...]:
    """Return how to reach a customer with a notice, in the customer's own order.

    Of each kind the first address counts; what is in doubt on one channel stays on it.
    """
    only = channels if known.in_doubt is None else {known.in_doubt[0]}
    ways: dict[str, Channel] = {}
    for each in contact.channels if contact is not None else ():
        if point_of(each) not in known.barred:
            ways.setdefault(each.kind, each)
    return tuple(each for kind, each in ways.items() if kind in channels & only - known.spent)


def _superseded(command: NoticeCommand, known: Known, _: Moment) -> bool:
    ending = known.ending
    older = ending is not None and (
        command.version < ending.version or command.decided_at < ending.at
    )
    return known.ended or older


def _overtaken(command: NoticeCommand, contact: ContactUpdate | None, known: Known) -> bool:
    """Tell whether newer news of its line is there that the customer wants to hear."""
    unheard = contact.muted or () if contact is not None else ()
    return not (known.later & LINES[command.kind]).issubset(unheard)


def _expired(command: NoticeCommand, _: Known, now: Moment) -> bool:
    return now.tower is not None and now.tower >= command.expires_at


def _stale(command: NoticeCommand, known: Known, now: Moment) -> bool:
    """A command of long ago that nobody has tried to send comes from a repeated history."""
    untried = known.attempts == 0 and not known.doubtful
    return untried and now.tower is not None and now.tower - command.decided_at > STALE_MS


def _not_told(command: NoticeCommand, known: Known, _: Moment) -> bool:
    """An all-clear without an alarm would only puzzle its reader."""
    return command.kind == "delay_cleared" and known.told is False


_RULES: tuple[tuple[Reason, _Rule], ...] = (
    ("superseded", _superseded),
    ("expired", _expired),
    ("stale_replay", _stale),
    ("not_told", _not_told),
)


def _refused(
    command: NoticeCommand, contact: ContactUpdate | None, ways: tuple[Channel, ...]
) -> Reason | None:
    if contact is None or not ways:
        return "no_contact"
    if contact.consent is False:
        return "opt_out"
    if command.kind in (contact.muted or ()):
        return "muted"
    return None
