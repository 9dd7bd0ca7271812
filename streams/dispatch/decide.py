"""Whether a notice is said now, later or never: one pure function and its table of rules.

The rules are looked at in their order; the first that speaks decides. Every retry passes
through here again, so news that has grown old is dropped however long the mail server was away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from models.contacts import Channel, ContactUpdate
from models.notices import LINES, NoticeCommand, NoticeKind
from models.rules import QuietPolicy
from streams.dispatch.channels.base import point_of
from streams.dispatch.consent import allows
from streams.dispatch.quiet import UTC_ZONE, release, zone_of
from streams.dispatch.stops import NEVER_STOPPED, Stops, is_stopped

STALE_MS = 600_000
USUAL_QUIET = QuietPolicy()

Reason = Literal[
    "superseded",
    "expired",
    "stale_replay",
    "not_told",
    "no_contact",
    "opt_out",
    "muted",
    "stopped",
    "quiet_hours",
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
    those there is a provider for; `quiet`: the quiet hours of customers who named
    none; `stops`: what somebody has stopped.
    """

    tower: int | None
    wall: int
    current: bool = True
    channels: frozenset[str] = frozenset({"email"})
    quiet: QuietPolicy = USUAL_QUIET
    stops: Stops = NEVER_STOPPED


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
    """Ask again at `until` (wall clock, epoch ms); None: once the partition is read up.

    With `tower` ask again once the tower's clock has reached it (epoch ms).
    """

    until: int | None
    tower: int | None = None


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
    if _stale(command, contact, known, now):
        return Suppress("stale_replay")
    if not now.current:
        return Wait(None)
    if known.doubtful and known.not_before > now.wall:
        return Wait(known.not_before)
    ways = ways_to(contact, known, now.channels)
    refused = _refused(command, contact, ways)
    if refused is not None:
        return Suppress(refused)
    held_back = _held_back(command, contact, now)
    if held_back is not None:
        return held_back
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
        allowed = contact is not None and allows(contact, each.kind)
        if allowed and point_of(each) not in known.barred:
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


def _stale(
    command: NoticeCommand, contact: ContactUpdate | None, known: Known, now: Moment
) -> bool:
    """A command that could be sent long ago and was not comes from a repeated history."""
    if now.tower is None or known.attempts or known.doubtful:
        return False
    at = command.decided_at
    quiet = (_quiet_until(command, contact, each, now) for each in (at, at + STALE_MS))
    return now.tower - next(filter(None, quiet), at) > STALE_MS


def _held_back(
    command: NoticeCommand, contact: ContactUpdate | None, now: Moment
) -> Suppress | Wait | None:
    """Return what comes between a notice and its sending: a stop, or quiet hours."""
    if is_stopped(command, now.stops):
        return Suppress("stopped")
    at = command.decided_at if now.tower is None else now.tower
    loud = _quiet_until(command, contact, at, now)
    if loud is None:
        return None
    return Suppress("quiet_hours") if loud >= command.expires_at else Wait(None, tower=loud)


def _quiet_until(
    command: NoticeCommand, contact: ContactUpdate | None, at: int, now: Moment
) -> int | None:
    """Return when the customer's quiet hours of an instant end, None if it is in none.

    They are those of where the customer is, else of where the parcel goes.
    """
    hours = None if contact is None else contact.quiet_hours
    own = None if contact is None else contact.timezone
    zone = zone_of(own) or zone_of(command.timezone) or UTC_ZONE
    quiet = now.quiet if hours is None else hours
    return release(at, zone, quiet.start, quiet.end)


def _not_told(command: NoticeCommand, known: Known, _: Moment) -> bool:
    """An all-clear without an alarm would only puzzle its reader."""
    return command.kind == "delay_cleared" and known.told is False


_RULES: tuple[tuple[Reason, _Rule], ...] = (
    ("superseded", _superseded),
    ("expired", _expired),
    ("not_told", _not_told),
)


def _refused(
    command: NoticeCommand, contact: ContactUpdate | None, ways: tuple[Channel, ...]
) -> Reason | None:
    if contact is None or not contact.channels:
        return "no_contact"
    if not any(allows(contact, each.kind) for each in contact.channels):
        return "opt_out"
    if not ways:
        return "no_contact"
    if command.kind in (contact.muted or ()):
        return "muted"
    return None
