"""Was it on time: one order by the handover clock, raw view (kpis 2.2, 2.12 L1 to L5).

The same function judges the frozen evidence and all of it; only the track differs. The
accountable view is in `accountable.py`.
"""

from dataclasses import dataclass

from models.base import Millis, millis
from models.events import Outcome
from streams.domain.arrivals import SKEW_MS, Arrived
from streams.domain.judgement import Judgement
from streams.domain.promises import Resolved, resolve
from streams.domain.tracking import Track, cancelled_by_carrier
from streams.domain.zones import wall_time_in, zone


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an order and what it rests on; None while its deadline is to come.

    `rule` says in a few words which rule decided, `because` are the events that did;
    `early_day` marks a promised day that was beaten by a day or more.
    """

    outcome: Outcome | None
    rule: str
    early_day: bool = False
    because: tuple[Arrived, ...] = ()

    @property
    def evidence(self) -> tuple[tuple[str, str], ...]:
        """Return the events that decided, as (source, event_id)."""
        return tuple(each.identity for each in self.because)


NO_PROMISE = Verdict("excluded", "no promise")
NOTHING_CAME = Verdict("late", "no handover when the deadline passed")
_TO_COME = Verdict(None, "the deadline is to come")


def original(track: Track, judgement: Judgement) -> Resolved | None:
    """Return the first promise, resolved (P1)."""
    if track.original is None:
        return None
    return resolve(track.original, track.timezone, judgement.tolerance(track.carrier))


def effective(track: Track, judgement: Judgement) -> Resolved | None:
    """Return the promise that counts: the consignee's last timely wish, else the first (P2)."""
    first = original(track, judgement)
    if first is None or not track.consignee:
        return first
    visits = track.attempts.visits
    concluded = visits[0].at if visits else None
    for wish in reversed(track.consignee):
        if wish.at < first.end and (concluded is None or wish.at < concluded):
            return resolve(wish.promise, track.timezone, judgement.tolerance(track.carrier))
    return first


def latest(track: Track, judgement: Judgement) -> Resolved | None:
    """Return what the customer was told last, whoever changed it (P5)."""
    if track.latest is None:
        return None
    return resolve(track.latest, track.timezone, judgement.tolerance(track.carrier))


def judge(
    track: Track, promise: Resolved | None, clock: Millis, judgement: Judgement
) -> Verdict:
    """Judge an order by the evidence of its track; `promise` is the effective one."""
    if promise is None:
        return NO_PROMISE
    settled = settle(track, promise, clock)
    if settled is not None:
        return settled
    if track.handover is not None:
        return judge_handover(track.handover, track, promise, judgement)
    failing, cancelled = track.failing, track.cancelled
    if failing is not None:
        rule = f"{failing.event.kind}, and no handover after it"
        return Verdict("failed", rule, because=(failing,))
    if cancelled is not None and cancelled_by_carrier(track):
        return Verdict("failed", "called off by the carrier", because=(cancelled,))
    return NOTHING_CAME


def settle(track: Track, promise: Resolved, clock: Millis) -> Verdict | None:
    """Return the verdict where both views have the same, None where evidence is weighed."""
    if clock < promise.late_from:
        return _TO_COME
    if (decided := track.decided) is not None:
        return Verdict(decided.verdict, "decided in a dispute", because=(decided.by,))
    cancelled = track.cancelled
    if (
        cancelled is not None
        and not cancelled_by_carrier(track)
        and cancelled.at < promise.deadline
    ):
        return Verdict("excluded", "cancelled before the deadline", because=(cancelled,))
    return None


def classify(at: Millis, promise: Resolved) -> Outcome:
    """Place a handover in relation to a promise; boundaries count as on time."""
    if at > promise.last_good:
        return "late"
    if promise.first_good is not None and at < promise.first_good:
        return "early"
    return "on_time"


def judge_handover(
    handover: Arrived, track: Track, promise: Resolved, judgement: Judgement
) -> Verdict:
    """Place a handover, in every plausible reading of its time (L17)."""
    readings = _readings(handover, track, judgement)
    outcomes: set[Outcome] = {classify(at, promise) for at in readings}
    if len(outcomes) > 1:
        rule = "the plausible time zones give different verdicts"
        return Verdict("indeterminate", rule, because=(handover,))
    rule = f"handed over, promise of precision {promise.precision}"
    return place_at(handover.at, outcomes.pop(), rule, (handover,), promise)


def place_at(
    at: Millis, outcome: Outcome, rule: str, because: tuple[Arrived, ...], promise: Resolved
) -> Verdict:
    """Return the verdict of something that happened at an instant."""
    early_day = (
        outcome == "on_time"
        and promise.precision == "date"
        and promise.start is not None
        and at < promise.start
    )
    return Verdict(outcome, rule, early_day, because)


def _readings(handover: Arrived, track: Track, judgement: Judgement) -> list[Millis]:
    """Return when a handover may have been: several instants if its zone was assumed (L17).

    None of them lies in the future of its receipt (L24); were all to, the receipt stands.
    """
    if handover.event.time_quality != "assumed":
        return [handover.at]
    written = handover.event.occurred_at
    names = (track.timezone or judgement.tolerance(track.carrier).timezone, "UTC")
    readings = [wall_time_in(written, zone(name)) for name in names if name is not None]
    readings.append(millis(written))
    plausible = [at for at in readings if at <= handover.received_at + SKEW_MS]
    return plausible or [handover.at]
