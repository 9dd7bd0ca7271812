"""Was the carrier on time: first-attempt clock, accountable view (kpis 2.4, 2.12).

The rules of the definition in their order, each verdict with the rule in words and the events
it rests on; and whose fault it was that an order did not arrive as promised.
"""

from typing import NamedTuple

from models.base import Millis
from streams.domain import reasons
from streams.domain.arrivals import Arrived
from streams.domain.attempts import Attempt
from streams.domain.judgement import Judgement
from streams.domain.marks import Hold
from streams.domain.promises import Resolved
from streams.domain.reasons import PARTY, Party
from streams.domain.suspects import Answers, Suspicion, suspicion
from streams.domain.tracking import Track, cancelled_by_carrier
from streams.domain.verdicts import (
    NO_PROMISE,
    NOTHING_CAME,
    Verdict,
    classify,
    judge_handover,
    original,
    place_at,
    settle,
)

# A hold by these stops the carrier's clock (kpis 2.12).
STOPS_THE_CLOCK: frozenset[Party] = frozenset({"consignee", "authority"})

WHOSE: dict[Party, str] = {
    "consignee": "the consignee's",
    "carrier": "the carrier's",
    "shipper": "the shipper's",
    "authority": "an authority's",
    "force_majeure": "nobody's",
}


class Fault(NamedTuple):
    """Whose fault a missed promise is, why in words, and the events that say so."""

    party: Party
    rule: str
    because: tuple[Arrived, ...] = ()


def judge_accountable(
    track: Track,
    promise: Resolved | None,
    clock: Millis,
    judgement: Judgement,
    answers: Answers,
) -> Verdict:
    """Judge an order by what its carrier answers for; the first rule that applies decides."""
    if promise is None:
        return NO_PROMISE
    settled = settle(track, promise, clock)
    if settled is not None:
        return settled
    doubt = suspicion(track, answers)
    ended = _ended(track, doubt)
    if ended is not None:
        return ended
    for hold in covering(track, promise):
        reason = _reason_of(hold.by)
        if PARTY[reason] in STOPS_THE_CLOCK:
            rule = f"held over the deadline; {reason}: {WHOSE[PARTY[reason]]}"
            return Verdict("excluded", rule, because=(hold.by,))
    if doubt is None and (wish := _wish_after_attempt(track, judgement)) is not None:
        rule = "the consignee wished otherwise after a failed first attempt"
        return Verdict("excluded", rule, because=wish)
    first = track.attempts.first
    if first is not None and first.by is not track.handover and doubt is None:
        rule = f"first attempt, promise of precision {promise.precision}"
        return place_at(first.at, classify(first.at, promise), rule, (first.by,), promise)
    if track.handover is not None:
        return judge_handover(track.handover, track, promise, judgement)
    return NOTHING_CAME


def fault(track: Track, promise: Resolved, verdict: Verdict, answers: Answers) -> Fault | None:
    """Return whose fault it is that a raw verdict is not on time; None where there is none.

    A hold with a code over the deadline, then evidence against what was said, then the
    reason that was given; what nobody explained is the carrier's (kpis 2.4). No reason of a
    visit explains that the first one came too late or too soon.
    """
    if verdict.outcome not in {"early", "late", "failed"}:
        return None
    if verdict.outcome == "early":
        return Fault("carrier", verdict.rule, verdict.because)
    for hold in covering(track, promise):
        reason = _reason_of(hold.by)
        if reason != "unknown":
            return Fault(PARTY[reason], f"held: {reason}", (hold.by,))
    doubt = suspicion(track, answers)
    if doubt is not None:
        return Fault("carrier", doubt.rule, doubt.because)
    reason, by = deciding_reason(track)
    first = track.attempts.first
    if first is not None and by:
        if verdict.outcome == "late" and first.at > promise.last_good:
            return Fault("carrier", "first attempted after the promise", (first.by,))
        if first.by in by and before_window(first, promise):
            return Fault("carrier", "attempted before the promised window", by)
    return Fault(PARTY[reason], reason, by)


def excused(first: Attempt, promise: Resolved | None) -> bool:
    """Tell whether a first attempt that is believed failed for somebody else (kpis 2.3).

    One made before a promised window had begun is the carrier's, whatever its reason (P4).
    """
    return PARTY[first.reason or "unknown"] != "carrier" and not before_window(first, promise)


def before_window(first: Attempt, promise: Resolved | None) -> bool:
    """Tell whether an attempt was made before the start of a window, less the tolerance."""
    return (
        promise is not None
        and promise.precision == "window"
        and promise.first_good is not None
        and first.at < promise.first_good
    )


def covering(track: Track, promise: Resolved) -> tuple[Hold, ...]:
    """Return the holds that began before the deadline and did not end before it."""
    return tuple(
        hold
        for hold in track.holds
        if hold.by.at < promise.deadline
        and (hold.until is None or hold.until >= promise.deadline)
    )


def deciding_reason(track: Track) -> tuple[str, tuple[Arrived, ...]]:
    """Return why an order failed: as the failing event says, else the last failed attempt."""
    failing, last = track.failing, track.last_failed
    if failing is not None:
        if getattr(failing.event, "reason", None) is not None:
            return _reason_of(failing), (failing,)
        if failing.event.kind in PARTY:  # lost and damaged are reasons as they stand
            return failing.event.kind, (failing,)
    return ("unknown", ()) if last is None else (_reason_of(last), (last,))


def _ended(track: Track, doubt: Suspicion | None) -> Verdict | None:
    """Judge an order that failed and was not handed over; None if it did not fail.

    A handover makes the track forget what failed, and that the carrier called it off.
    """
    failing, cancelled = track.failing, track.cancelled
    if failing is None:
        if cancelled is None or not cancelled_by_carrier(track):
            return None
        return Verdict("failed", "called off by the carrier", because=(cancelled,))
    what = f"{failing.event.kind}, and no handover after it"
    if doubt is not None:
        rule = f"{what}; the first attempt is not believed: {doubt.rule}"
        return Verdict("failed", rule, because=(failing, *doubt.because))
    reason, by = deciding_reason(track)
    party = PARTY[reason]
    because = by if failing in by else (failing, *by)
    rule = f"{what}; {reason}: {WHOSE[party]}"
    return Verdict("failed" if party == "carrier" else "excluded", rule, because=because)


def _reason_of(arrived: Arrived) -> str:
    return reasons.canonical(getattr(arrived.event, "reason", None))


def _wish_after_attempt(track: Track, judgement: Judgement) -> tuple[Arrived, ...] | None:
    """Return a failed first attempt and a wish after it, both inside the first promise.

    After one that succeeded no wish is heard: the order has been handed over.
    """
    first, window = track.attempts.first, original(track, judgement)
    if first is None or window is None or not _inside(first.at, window):
        return None
    for wish in track.consignee:
        if wish.at > first.at and _inside(wish.at, window):
            return first.by, wish.by
    return None


def _inside(at: Millis, window: Resolved) -> bool:
    """Tell whether an instant lies in a promise and its tolerances, of a day in the day."""
    if window.precision == "date":
        return window.start is not None and window.start <= at < window.end
    opens = window.first_good
    return at <= window.last_good and (opens is None or at >= opens)
