"""The smallest change that would have turned a verdict, found by trying.

Each alternative changes one event of the evidence (when it happened, its reason, its position,
or whether it happened at all) or adds a handover; the order is then folded and judged by the
functions that judged it. What is told is only what came out otherwise.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from models.base import Millis, millis
from streams.codec import Rejected, decode_order
from streams.domain import lifecycle
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.domain.presence import Presence, Question
from streams.domain.promises import Resolved
from streams.domain.suspects import Answers
from streams.domain.tracking import Track, derive
from streams.domain.verdicts import Verdict, effective
from streams.domain.zones import instant, wall_time_in
from streams.explaining.boundaries import bound, marks, shifted
from streams.wording import Face, plain

Json = dict[str, Any]
View = Callable[[Track, Resolved | None, Millis, Judgement, Answers], Verdict]

AT_MOST = 2  # changes told, each to another verdict
_NO_TURN = [*({each} for each in OUTCOMES), {"early", "late"}]

_PHRASES = {
    "delivered": "had it been handed over",
    "attempt_failed": "had the first attempt been made",
    "cancelled": "had it been cancelled",
}


# Other reasons that an event of a kind may give, to see whether its own decided: those of the
# consignee that make sense with it, and none at all, which is the carrier's.
_NO_REASON = "no_reason_given"
_OTHER_REASONS = {
    "attempt_failed": ("not_home", _NO_REASON),
    "returning": ("refused", _NO_REASON),
    "returned": ("refused", _NO_REASON),
}
# Their reasons are words of people, not codes that decide.
_REASONS_OF_ANOTHER_SORT = frozenset({"verdict_decided", "promise_changed"})


@dataclass(frozen=True, slots=True)
class Case:
    """What a verdict was made of: the evidence, rules, answers of couriers, view and clock."""

    evidence: list[Arrived]
    judgement: Judgement
    answers: Answers
    view: View
    clock: Millis

    def judged(self, track: Track, *, due: bool = False) -> Verdict:
        """Return the verdict by a track; `due` as if its deadline had passed."""
        promise = effective(track, self.judgement)
        at = self.clock
        if due and promise is not None:
            at = max(at, promise.late_from)
        return self.view(track, promise, at, self.judgement, self.answers)


@dataclass(frozen=True, slots=True)
class Change:
    """An alternative: the case as it would have been, and in words what had to differ.

    `event` is the one that differs, `shift` by how much it is moved: milliseconds, positive is
    later. `at_latest`: its time is the latest that will do; `restores`: without the event a
    delivery that it took back stands.
    """

    kind: str
    says: str
    case: Case
    event: Arrived | None = None
    shift: Millis = 0
    at_latest: bool = False
    restores: bool = False


# Which changes are smaller than which: another time, another word, one event less or more.
_KINDS = ("moved", "reworded", "left_out", "added")


class _ByCourier(dict[Question, Presence]):
    """What was answered of a courier, whatever the minute that is asked about."""

    def get(self, question: Question, default: Any = None) -> Any:  # noqa: ANN401 - as a dict
        """Return the answer for a question's courier."""
        found = (
            answer for each, answer in self.items() if each.courier_id == question.courier_id
        )
        return next(found, default)


def turning(case: Case, face: Face) -> list[Json]:
    """Return the smallest changes by which a verdict would have been another one.

    Of a bad verdict the way to `on_time` comes first, if there is one; then a delivery that was
    taken back, as if it had not been; then the smaller change.
    """
    verdict = case.judged(derive(case.evidence, case.judgement), due=True)
    bad = verdict.outcome not in {"on_time", "excluded"}
    found: dict[str, tuple[tuple[bool, bool, int, Millis], Change, str]] = {}
    for change in _alternatives(case, verdict, face):
        track = derive(change.case.evidence, case.judgement)
        turned = change.case.judged(track, due=True)
        outcome = turned.outcome
        if outcome is None or {outcome, verdict.outcome} in _NO_TURN or not _by(change, turned):
            continue
        far = bad and outcome != "on_time"
        size = (far, not change.restores, _KINDS.index(change.kind), abs(change.shift))
        if outcome not in found or size < found[outcome][0]:
            says = change.says + _not_before(change, outcome, track, face)
            found[outcome] = size, change, says
    ranked = sorted(found.items(), key=lambda each: each[1][0])
    return [_told(outcome, change, says) for outcome, (_, change, says) in ranked[:AT_MOST]]


def _not_before(change: Change, outcome: str, track: Track, face: Face) -> str:
    """Return the early bound of a change that says only the latest time which is on time."""
    promise = effective(track, track.judgement)
    if not change.at_latest or outcome != "on_time":
        return ""
    if promise is None or promise.first_good is None:
        return ""
    return f" and not before {face.words(promise.first_good)}"


def _by(change: Change, turned: Verdict) -> bool:
    """Tell whether a verdict is another by the change itself: it rests on what was moved."""
    event = change.event
    if change.kind != "moved" or event is None or event.event.kind == "cancelled":
        return True
    return event.identity in turned.evidence


def _told(outcome: str, change: Change, says: str) -> Json:
    event = change.event
    return {
        "outcome": outcome,
        "says": f"{plain(outcome)} {says}",
        "change": change.kind,
        "event": None if event is None else "/".join(event.identity),
        "seconds": change.shift / 1_000 if change.kind == "moved" else None,
    }


def _alternatives(case: Case, verdict: Verdict, face: Face) -> Iterator[Change]:
    track = derive(case.evidence, case.judgement)
    promise = effective(track, case.judgement)
    for event in verdict.because:
        if promise is not None and verdict.outcome != "indeterminate":
            yield from _moved(case, event, promise, face)
        yield from _reworded(case, event, face)
        yield _without(case, event, face)
    for visit in track.attempts.visits:
        if visit.undone_by is not None:
            yield replace(_without(case, visit.undone_by, face), restores=True)
    if case.answers:
        says = "had the courier's positions or shifts not spoken against the attempt"
        yield Change("reworded", says, replace(case, answers={}))
    if promise is not None and case.evidence:
        yield from _handed_over(case, promise, face)


def _moved(case: Case, event: Arrived, promise: Resolved, face: Face) -> Iterator[Change]:
    """Yield an event at each boundary of the promise, on either side of it."""
    phrase = _PHRASES.get(event.event.kind, f"had {plain(event.event.kind)} come")
    for at, word in marks(event, promise):
        shift = at - event.at
        if not shift:
            continue
        moved = _again(event, occurred_at=instant(at).isoformat(), time_quality=None)
        rest = [each for each in case.evidence if not _skipped(each, event, at)]
        says = f"{phrase} {shifted(event.at, at, word)}, {bound(word, at, face)}"
        case_ = replace(case, evidence=[*rest, moved], answers=_ByCourier(case.answers))
        yield Change("moved", says, case_, event, shift, at_latest=word == "by")


def _without(case: Case, event: Arrived, face: Face) -> Change:
    left = replace(case, evidence=_others(case, event))
    return Change("left_out", f"without {_name(event, face)}", left, event)


def _skipped(each: Arrived, event: Arrived, at: Millis) -> bool:
    """Tell whether an event would not have been, had another happened at an instant.

    What lay between is gone when that happened earlier, and a void handover before it.
    """
    kind = each.event.kind
    void = kind == event.event.kind == "delivered" and each.at < event.at
    return each is event or void or (kind in lifecycle.MOVES and at < each.at < event.at)


def _reworded(case: Case, event: Arrived, face: Face) -> Iterator[Change]:
    """Yield an event with another reason, believed, agreed to, or with its zone known."""
    said, rest = event.event, _others(case, event)
    changes: list[tuple[str, Json]] = []
    if hasattr(said, "reason") and said.kind not in _REASONS_OF_ANOTHER_SORT:
        was = "" if said.reason is None else f" instead of {plain(said.reason)}"
        for reason in _OTHER_REASONS.get(said.kind, (_NO_REASON,)):
            other = f"the reason been {plain(reason)}"
            other = "no reason been given" if reason == _NO_REASON else other
            changes.append((f"had {other}{was}", {"reason": reason}))
    if getattr(said, "position", None) is not None:
        says = "had the attempt not been recorded so far from the door"
        changes.append((says, {"position": None}))
    if said.time_quality == "assumed":
        says = "had the zone of its time been known:"
        changes.append((f"{says} it is as written", {"time_quality": None}))
        local = instant(wall_time_in(said.occurred_at, face.where)).isoformat()
        ours = {"time_quality": None, "occurred_at": local}
        changes.append((f"{says} it is the order's", ours))
    if said.kind == "delivered" and said.to is not None and said.consented is not True:
        says = f"had the customer agreed to {plain(said.to)}"
        changes.append((says, {"consented": True}))
    for says, new in changes:
        evidence = [*rest, _again(event, **new)]
        yield Change("reworded", says, replace(case, evidence=evidence), event)


def _handed_over(case: Case, promise: Resolved, face: Face) -> Iterator[Change]:
    """Yield the order as handed over at the last good moment, and nothing after it."""
    at, known = promise.last_good, case.evidence
    until = bound("by", at, face)
    before = [each for each in known if each.event.kind not in lifecycle.MOVES or each.at < at]
    handover = _again(
        known[0], kind="delivered", event_id="had-it-been", occurred_at=instant(at).isoformat(),
        to=None, consented=None, time_quality=None,
    )  # fmt: skip
    there = replace(case, evidence=[*before, handover])
    yield Change("added", f"had it been handed over {until}", there, at_latest=True)
    straight = [each for each in before if each.event.kind not in lifecycle.TURNS]
    turns = dict.fromkeys(plain(each.event.kind) for each in before if each not in straight)
    if turns:
        says = f"had it been handed over, not {', '.join(turns)}, {until}"
        there = replace(case, evidence=[*straight, handover])
        yield Change("added", says, there, at_latest=True)


def _others(case: Case, event: Arrived) -> list[Arrived]:
    return [each for each in case.evidence if each is not event]


def _again(event: Arrived, **said: object) -> Arrived:
    """Return an event that says something else; None leaves a field out."""
    data = json.loads(event.canonical) | said
    decoded = decode_order(
        json.dumps({name: value for name, value in data.items() if value is not None}).encode()
    )
    if isinstance(decoded, Rejected):
        raise TypeError(f"{event.identity}: {decoded.detail}")
    received_at = max(event.received_at, millis(decoded.event.occurred_at))
    return Arrived(decoded.event, received_at, decoded.canonical)


def _name(event: Arrived, face: Face) -> str:
    return f"{plain(event.event.kind)} of {face.words(event.at)}"
