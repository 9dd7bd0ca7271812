"""How an order stands by its service levels at an instant, and what has changed since told.

Between an agreement's two turning points, when it becomes risky and when it is breached,
nothing changes but by an event (kpis 2.6).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from models.base import Millis
from streams.domain.accountable import deciding_reason
from streams.domain.agreements import Agreement
from streams.domain.eta import in_force
from streams.domain.reasons import PARTY
from streams.domain.slarules import Level, ServiceLevels
from streams.domain.suspects import suspicion
from streams.domain.tracking import cancelled_by_carrier

if TYPE_CHECKING:
    from streams.domain.order import Order

State = Literal["none", "at_risk", "breached", "resolved"]

# How often each rule was said to be broken or cleared, in turn: an odd count stands broken.
Said = Mapping[str, int]
NOTHING_SAID: Said = MappingProxyType({})


class Change(NamedTuple):
    """A rule was broken, or late evidence cleared it; the agreement unless it fell away."""

    level: Level
    broken: bool
    agreement: Agreement | None


def held_to(order: "Order") -> Iterator[Agreement]:
    """Yield the agreements that count: not called off in time, nor ended by somebody else."""
    if order.track.cancelled is None and order.track.failing is None:
        yield from order.agreements
        return
    for agreement in order.agreements:
        if not _called_off(agreement, order) and not _excused(agreement, order):
            yield agreement


def state(agreement: Agreement, order: "Order", clock: Millis) -> State:
    """Return how an agreement stands: what is done is resolved, broken or not."""
    if agreement.ended_at is not None:
        return "resolved"
    if agreement.breached(clock):
        return "breached"
    return "at_risk" if at_risk(agreement, order, clock) else "none"


def at_risk(agreement: Agreement, order: "Order", clock: Millis) -> bool:
    """Tell whether a running clock has less than 20 % left, or the last ETA is too late."""
    breaks = agreement.breached_from
    if breaks is None or agreement.ended_at is not None or clock >= breaks:
        return False
    if agreement.risky_from is not None and clock >= agreement.risky_from:
        return True
    track = order.track
    if agreement.level.rule.metric not in {"handover", "first_attempt"} or not track.etas:
        return False
    expected = in_force(track, track.last[0])
    return expected is not None and expected >= breaks


def cleared(said: Said) -> int:
    """Return how many breaches that were told late evidence has cleared."""
    return sum(count > 0 and count % 2 == 0 for count in said.values())


def next_turn(order: "Order", now: Millis) -> Millis | None:
    """Return the next instant at which time alone changes how an order stands."""
    turns = (
        at
        for agreement in order.agreements
        for at in (agreement.risky_from, agreement.breached_from)
        if at is not None and at > now
    )
    return min(turns, default=None)


def derived_deadline(order: "Order") -> Millis | None:
    """Return the deadline of an order without a promise: that of its handover, if agreed."""
    for agreement in held_to(order):
        if agreement.derived and agreement.level.rule.metric == "handover":
            return agreement.deadline
    return None


def changes(
    order: "Order", levels: ServiceLevels, said: Said, clock: Millis
) -> Iterator[Change]:
    """Yield what is broken and was not said to be, and what was and is no longer."""
    now = {each.level.rule.name: each for each in held_to(order)}
    for name, agreement in now.items():
        broken = agreement.breached(clock)
        if broken != _stands_broken(said, name):
            yield Change(agreement.level, broken, agreement)
    for name in said:
        if name not in now and name in levels.named and _stands_broken(said, name):
            yield Change(levels.named[name], broken=False, agreement=None)


def _stands_broken(said: Said, name: str) -> bool:
    return said.get(name, 0) % 2 == 1


def _called_off(agreement: Agreement, order: "Order") -> bool:
    """Tell whether the order was cancelled, not by its carrier, before all was said (L3)."""
    cancelled = order.track.cancelled
    if cancelled is None or cancelled_by_carrier(order.track):
        return False
    return _before_all_was_said(agreement, cancelled.at)


def _excused(agreement: Agreement, order: "Order") -> bool:
    """Tell whether the order ended in time without a handover, and not by the carrier."""
    track = order.track
    if agreement.level.rule.view == "raw" or track.failing is None:
        return False
    return (
        _before_all_was_said(agreement, track.failing.at)
        and PARTY[deciding_reason(track)[0]] != "carrier"
        and suspicion(track, order.presence) is None
    )


def _before_all_was_said(agreement: Agreement, at: Millis) -> bool:
    """Tell whether an instant lies before both the end of an agreement and its breach."""
    done, breaks = agreement.ended_at, agreement.breached_from
    return (done is None or at < done) and (breaks is None or at < breaks)
