"""Whose fault it is that an order did not come as promised: which step said so, and why."""

from typing import Any

from models.base import Millis
from streams.domain.accountable import Fault, fault
from streams.domain.arrivals import Arrived
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.reasons import Party
from streams.domain.suspects import suspicion
from streams.domain.verdicts import Verdict, judge
from streams.explaining.definitions import ACCOUNTABLE, PAGE, PROMISED
from streams.explaining.doors import doubted
from streams.explaining.timeline import events_of, standing
from streams.wording import Face, plain

Json = dict[str, Any]

PARTIES: dict[Party, str] = {
    "consignee": "the consignee",
    "carrier": "the carrier",
    "shipper": "the shipper",
    "authority": "an authority",
    "force_majeure": "nobody: force majeure",
}
PLACE = f"{PAGE}, {ACCOUNTABLE}, Fault"

# The steps in the order of the definition; the first that applies decides.
_EARLY = "too early is the carrier's fault"
_HELD = "a hold with a code over the deadline decides whose fault it is"
_DOUBTED = "a first attempt that evidence speaks against is the carrier's fault"
_TIMED = {
    "first attempted after the promise": (
        "no reason of a visit explains that the first one came after the promise"
    ),
    "attempted before the promised window": (
        "no reason of a visit explains that it came before the promised window"
    ),
}
_GIVEN = "the reason that was given decides whose fault it is"
_ITSELF = "what was lost or damaged is the carrier's fault, unless another reason was given"
_DEFAULT = "what nobody explained is the carrier's fault"

# The rule in words, why it applies here, and the events that say so.
_Reasoned = tuple[str, str, tuple[Arrived, ...]]


def fault_of(order: Order, clock: Millis, face: Face) -> Json | None:
    """Return whose fault it is that the verdict that counts is not on time."""
    track, promise = order.frozen, order.frozen_promise
    if promise is None:
        return None
    verdict = judge(track, promise, max(clock, promise.late_from), order.judgement)
    found = fault(track, promise, verdict, order.presence)
    if found is None:
        return None
    rule_says, why, because = _reasoned(order, found, verdict, promise, face)
    return {
        "party": found.party,
        "rule": found.rule,
        "rule_says": rule_says,
        "says": f"{PARTIES[found.party]}: {why}",
        "evidence": events_of(because, face),
    }


def _reasoned(
    order: Order, found: Fault, verdict: Verdict, promise: Resolved, face: Face
) -> _Reasoned:
    rule, because = found.rule, found.because
    if verdict.outcome == "early":
        why = f"handed over before the promised {PROMISED[promise.precision]}"
        return _EARLY, why, because
    if rule.startswith("held: "):
        return _HELD, plain(rule), because
    doubt = suspicion(order.frozen, order.presence)
    if doubt is not None and doubt.rule == rule:
        return _DOUBTED, doubted(doubt, face), because
    if rule in _TIMED:
        return _TIMED[rule], rule, because
    if rule == "unknown":
        return _unexplained(order, verdict, because)
    return _ITSELF if rule in {"lost", "damaged"} else _GIVEN, plain(rule), because


def _unexplained(order: Order, verdict: Verdict, because: tuple[Arrived, ...]) -> _Reasoned:
    """Say what is the carrier's for want of a reason that would make it another's."""
    if because:
        said = getattr(because[-1].event, "reason", None)
        if said not in {None, "unknown"}:
            return _DEFAULT, f"the reason that was given ({plain(said)}) is no code", because
    elif verdict.rule == "called off by the carrier":
        return _DEFAULT, "it called the order off itself", verdict.because
    elif moved := _moved_by_carrier(order):
        reason = getattr(moved.event, "reason", None)
        named = f" ({plain(reason)})" if reason else ""
        why = f"it moved the promise itself{named}, which does not count"
        return _DEFAULT, why, (moved, *verdict.because)
    why = "no reason was given, which counts as the carrier's"
    return _DEFAULT, why, because or verdict.because


def _moved_by_carrier(order: Order) -> Arrived | None:
    """Return the carrier's last change of the promise, known in time, before the handover."""
    mature, handover = order.matures_at, order.frozen.handover
    moved = [
        each
        for each in standing(order)
        if each.event.kind == "promise_changed"
        and each.event.by == "carrier"
        and (mature is None or each.received_at <= mature)
        and (handover is None or each.at < handover.at)
    ]
    return moved[-1] if moved else None
