"""The verdict that counts and the restated one, each with its rule and the numbers in it."""

from typing import Any

from models.base import Millis
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.tracking import Track
from streams.domain.verdicts import Verdict, effective, judge
from streams.wording import Face, beside, duration, plain, says

Json = dict[str, Any]


def verdicts(order: Order, clock: Millis, face: Face) -> Json:
    """Return the frozen verdict (the one that counts) and the restated one."""
    mature = order.matures_at
    return {
        "freezes_at": None if mature is None else face.iso(mature),
        "final": mature is not None and clock > mature,
        "frozen": _verdict(order, order.frozen, clock, face),
        "restated": _verdict(order, order.track, clock, face),
    }


def _verdict(order: Order, track: Track, clock: Millis, face: Face) -> Json:
    promise = effective(track, order.judgement)
    verdict = judge(track, promise, clock, order.judgement)
    handover = track.handover
    told: Json = {
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "early_day": verdict.early_day,
        "why": _why(order, track, promise, clock, verdict, face),
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
