"""The verdicts of an order in both views: rule, evidence, fault, and what would turn them."""

from collections.abc import Iterable
from typing import Any

from models.base import Millis
from streams.domain.accountable import fault, judge_accountable
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.reasons import Party
from streams.domain.suspects import Answers, suspicion
from streams.domain.tracking import Track
from streams.domain.verdicts import Verdict, effective, judge
from streams.explaining.definitions import ACCOUNTABLE, RAW, definition, sentence
from streams.explaining.turning import Case, View, turning
from streams.wording import Face, beside, duration, plain, says

Json = dict[str, Any]

PARTIES: dict[Party, str] = {
    "consignee": "the consignee",
    "carrier": "the carrier",
    "shipper": "the shipper",
    "authority": "an authority",
    "force_majeure": "nobody: force majeure",
}

UNEXPLAINED = {"unknown": "nobody gave a reason"}


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
        "fault": _fault(order, clock, face),
    }


def _views(
    order: Order, track: Track, evidence: list[Arrived], clock: Millis, face: Face
) -> dict[str, Json]:
    return {
        RAW: _raw(order, track, evidence, clock, face),
        ACCOUNTABLE: _ruled(ACCOUNTABLE, order, track, evidence, clock, face),
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
        "evidence": _events(verdict.because, face),
        "would_turn": turning(case, face),
    }


def _fault(order: Order, clock: Millis, face: Face) -> Json | None:
    """Return whose fault it is that the verdict that counts is not on time."""
    track, promise = order.frozen, order.frozen_promise
    if promise is None:
        return None
    at = max(clock, promise.late_from)
    found = fault(track, promise, judge(track, promise, at, order.judgement), order.presence)
    if found is None:
        return None
    return {
        "party": found.party,
        "rule": found.rule,
        "says": f"{PARTIES[found.party]}: {UNEXPLAINED.get(found.rule, plain(found.rule))}"
        + _distance(order, found.rule),
        "evidence": _events(found.because, face),
    }


def _distance(order: Order, rule: str) -> str:
    """Return how far from the door an attempt was recorded, where that decided."""
    doubt = suspicion(order.frozen, order.presence)
    if doubt is None or doubt.rule != rule or doubt.metres is None or doubt.allowed is None:
        return ""
    return f", {doubt.metres:,.0f} m (at most {doubt.allowed:,.0f} m are believed)"


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
            f"will be {plain(str(then.outcome))}: {_evidence(track, promise, face)}"
        )
    said = f"{plain(verdict.outcome)}: {_evidence(track, promise, face)}"
    if verdict.outcome == "late" and track.handover is None:
        said += f"; overdue by {duration(clock - promise.end)} now"
    return said + ("; a day or more before the promised day" if verdict.early_day else "")


def _evidence(track: Track, promise: Resolved, face: Face) -> str:
    """Say what a verdict looked at: the deciding event against the promise."""
    if track.decided is not None:
        decided = track.decided.by
        return f"{says(decided.event, face)}, said {face.words(decided.at)}"
    grace = promise.deadline - promise.end
    allowed = f" (grace {duration(grace)})" if grace else " (no grace)"
    end = f"the promised end {face.words(promise.end)}{allowed}"
    if track.handover is not None:
        at = track.handover.at
        said = f"handed over {face.words(at)}, {beside(at, promise.end, end)}"
        if promise.first_good is not None and at < promise.first_good:
            said += f", and early is before {face.words(promise.first_good)}"
        if track.handover.event.time_quality == "assumed":
            said += "; the zone of that time was assumed"
        return said
    ending = track.ending
    if ending is not None:
        what = f"{plain(ending.event.kind)} {face.words(ending.at)}"
        return f"{what}, {beside(ending.at, promise.end, end)}"
    return f"nothing was handed over by {end}"


def _events(because: Iterable[Arrived], face: Face) -> list[Json]:
    """Return the events something rests on: `source/event_id`, kind and time."""
    return [
        {"event": "/".join(each.identity), "kind": each.event.kind, "at": face.iso(each.at)}
        for each in because
    ]
