"""The verdicts of an order in both views: rule, evidence, fault, and what would turn them."""

from typing import Any

from models.base import Millis
from streams.domain.accountable import judge_accountable
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.suspects import Answers, suspicion
from streams.domain.tracking import Track
from streams.domain.verdicts import Verdict, effective, judge
from streams.explaining.accounted import accounted
from streams.explaining.definitions import ACCOUNTABLE, RAW, definition, sentence
from streams.explaining.faults import fault_of
from streams.explaining.timeline import events_of
from streams.explaining.turning import Case, View, turning
from streams.wording import Face, beside, duration, plain, says

Json = dict[str, Any]


def _by_handover(
    track: Track, promise: Resolved | None, at: Millis, judgement: Judgement, _: Answers
) -> Verdict:
    return judge(track, promise, at, judgement)


VIEWS: dict[str, View] = {RAW: _by_handover, ACCOUNTABLE: judge_accountable}


def verdicts(order: Order, clock: Millis, face: Face) -> Json:
    """Return the frozen verdict (the one that counts) and the restated one, in both views."""
    mature = order.matures_at
    everything = list(order.arrivals.values())
    timely = [each for each in everything if mature is None or each.received_at <= mature]
    frozen = _views(order, order.frozen, timely, clock, face)
    if order.frozen is order.track:
        restated = frozen
    else:
        restated = _views(order, order.track, everything, clock, face)
    return {
        "freezes_at": None if mature is None else face.iso(mature),
        "final": mature is not None and clock > mature,
        "frozen": frozen[RAW],
        "restated": restated[RAW],
        "accountable": {"frozen": frozen[ACCOUNTABLE], "restated": restated[ACCOUNTABLE]},
        "fault": fault_of(order, clock, face),
    }


def _views(
    order: Order, track: Track, evidence: list[Arrived], clock: Millis, face: Face
) -> dict[str, Json]:
    return {
        RAW: _raw(order, track, evidence, clock, face),
        ACCOUNTABLE: _accountable(order, track, evidence, clock, face),
    }


def _raw(
    order: Order, track: Track, evidence: list[Arrived], clock: Millis, face: Face
) -> Json:
    """Return a verdict by the handover clock, raw view, with the numbers in it."""
    promise = effective(track, order.judgement)
    verdict = judge(track, promise, clock, order.judgement)
    handover = track.handover
    told: Json = _ruled(RAW, order, track, evidence, clock, face) | {
        "why": _why(order, track, promise, clock, verdict, face),
        "early_day": verdict.early_day,
    }
    if promise is not None:
        told |= {
            "promise_end": face.iso(promise.end),
            "grace_minutes": (promise.deadline - promise.end) / 60_000,
            "last_good": face.iso(promise.last_good),
            "first_good": None if promise.first_good is None else face.iso(promise.first_good),
            "handover": None if handover is None else face.iso(handover.at),
            "lateness": None if handover is None else (handover.at - promise.end) // 1_000,
        }
    return told


def _accountable(
    order: Order, track: Track, evidence: list[Arrived], clock: Millis, face: Face
) -> Json:
    """Return what the carrier answers for, and why it is, or is not, the raw verdict."""
    promise = effective(track, order.judgement)
    verdict = judge_accountable(track, promise, clock, order.judgement, order.presence)
    doubt = suspicion(track, order.presence)
    told = _ruled(ACCOUNTABLE, order, track, evidence, clock, face)
    return told | {"why": accounted(track, promise, verdict, doubt, face)}


def _ruled(
    view: str, order: Order, track: Track, evidence: list[Arrived], clock: Millis, face: Face
) -> Json:
    """Return outcome, rule and its definition, evidence, and what would have turned it."""
    case = Case(evidence, order.judgement, order.presence, VIEWS[view], clock)
    verdict = case.judged(track)
    return {
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "rule_says": sentence(verdict, effective(track, order.judgement)),
        "definition": definition(verdict.rule, view),
        "evidence": events_of(verdict.because, face),
        "would_turn": turning(case, face),
    }


def _why(
    order: Order,
    track: Track,
    promise: Resolved | None,
    clock: Millis,
    verdict: Verdict,
    face: Face,
) -> str:
    """Say the rule that made a verdict, with its numbers."""
    if promise is None:
        return "excluded: no promise was made, so there is none to keep"
    if verdict.outcome is None:
        then = judge(track, promise, promise.late_from, order.judgement)
        return (
            f"not judged before {face.words(promise.deadline)} has passed; as things stand it "
            f"will be {plain(str(then.outcome))}: {_evidence(track, promise, then, face)}"
        )
    said = f"{plain(verdict.outcome)}: {_evidence(track, promise, verdict, face)}"
    if verdict.outcome == "late" and track.handover is None:
        said += f"; overdue by {duration(clock - promise.end)} now"
    return said + ("; a day or more before the promised day" if verdict.early_day else "")


def _evidence(track: Track, promise: Resolved, verdict: Verdict, face: Face) -> str:
    """Say what a verdict looked at: the deciding event against the promise."""
    if track.decided is not None:
        decided = track.decided.by
        return f"{says(decided.event, face)}, said {face.words(decided.at)}"
    if verdict.outcome == "failed":
        return _failed(track, face)
    grace = promise.deadline - promise.end
    allowed = f" (grace {duration(grace)})" if grace else " (no grace)"
    end = f"the promised end {face.words(promise.end)}{allowed}"
    if track.handover is not None and verdict.outcome != "excluded":
        return _handed_over(track.handover, promise, end, face)
    ending = track.cancelled if verdict.outcome == "excluded" else track.ending
    if ending is not None:
        what = f"{plain(ending.event.kind)} {face.words(ending.at)}"
        return f"{what}, {beside(ending.at, promise.end, end)}"
    return f"nothing was handed over by {end}"


def _failed(track: Track, face: Face) -> str:
    """Say why an order failed; when that was promised has no part in it."""
    failing, cancelled = track.failing, track.cancelled
    if failing is None:
        at = "" if cancelled is None else f" {face.words(cancelled.at)}"
        return f"cancelled{at} by the carrier"
    reason = getattr(failing.event, "reason", None)
    said = f": {plain(reason)}" if reason else ""
    what = f"{plain(failing.event.kind)} {face.words(failing.at)}{said}"
    return f"{what}, and no handover after it"


def _handed_over(handover: Arrived, promise: Resolved, end: str, face: Face) -> str:
    """Say when it was handed over, an early one from the start of what was promised."""
    at, first_good = handover.at, promise.first_good
    where = beside(at, promise.end, end)
    if first_good is not None and at < first_good:
        start = promise.end if promise.start is None else promise.start
        name = "the promised time" if promise.start is None else "the promised start"
        allowed = f"{duration(start - first_good)} are allowed"
        where = beside(at, start, f"{name} {face.words(start)} ({allowed})")
    assumed = handover.event.time_quality == "assumed"
    zone = "; the zone of that time was assumed" if assumed else ""
    return f"handed over {face.words(at)}, {where}{zone}"
