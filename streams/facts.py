"""What changed about an order since it was last told: facts with ids that a crash repeats."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import msgspec

from models import facts
from models.base import Millis
from models.estimates import CourierEta
from models.facts import Fact
from models.notices import NoticeCommand, NoticeReceipt
from streams import estimates
from streams.domain.accountable import Fault, fault, judge_accountable
from streams.domain.arrivals import Arrived
from streams.domain.eta import deviations
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.row import Row
from streams.domain.scoring.said import Foreseen
from streams.domain.scoring.scores import Score, scores
from streams.domain.sla import Change, changes
from streams.domain.slarules import ServiceLevels
from streams.domain.suspects import suspicion
from streams.domain.verdicts import Verdict, judge
from streams.kept import kept

# What comes of our own arithmetic needs no validation: facts are made as structs.
DeliveryOutcome = kept(facts.DeliveryOutcome)
AttemptConcluded = kept(facts.AttemptConcluded)
EtaDeviation = kept(facts.EtaDeviation)
SlaBreached = kept(facts.SlaBreached)
SlaReversed = kept(facts.SlaReversed)
DelayPredicted = kept(facts.DelayPredicted)
PredictionScored = kept(facts.PredictionScored)
NoticeSettled = kept(facts.NoticeSettled)
EtaEstimated = kept(facts.EtaEstimated)
Correction = kept(facts.Correction)

encoded: Callable[[Any], bytes] = msgspec.json.Encoder().encode


def news(row: Row, key: bytes, clock: Millis) -> Iterator[Fact]:
    """Yield what is to be said of the present life that was not said before."""
    order = row.order
    if order is None or not order.track.is_order:
        return
    promise, told = order.promise, row.told
    if promise is not None and (clock >= promise.late_from or told.outcome is not None):
        yield from _outcome(row, order, key.decode(), promise, clock)
    if order.track.attempts.visits:
        yield from _attempt(row, order, key.decode(), clock)
    if order.track.handover is not None:
        yield from _deviation(row, order, key.decode(), clock)
    foreseen = told.foreseen
    if foreseen is not None and order.due_no_sooner <= clock < foreseen.next_at:
        yield from _scored(row, order, key.decode(), foreseen, clock)


def _outcome(
    row: Row, order: Order, order_id: str, promise: Resolved, clock: Millis
) -> Iterator[Fact]:
    verdict = judge(order.track, promise, clock, order.judgement)
    answers = order.presence
    owed = judge_accountable(order.track, promise, clock, order.judgement, answers)
    told = (row.told.outcome, row.told.accountable)
    if verdict.outcome is None or (verdict.outcome, owed.outcome) == told:
        return
    row.told.revisions += 1
    handover = order.track.handover
    at_fault = fault(order.track, promise, verdict, answers)
    yield DeliveryOutcome(
        **_common(row, order, order_id, clock, f"outcome/{row.told.revisions}"),
        service=order.track.service or "unknown",
        outcome=verdict.outcome,
        previous=row.told.outcome,
        revision=row.told.revisions,
        deadline=promise.deadline,
        handover=None if handover is None else handover.at,
        rule=verdict.rule,
        accountable=owed.outcome,
        accountable_rule=owed.rule,
        fault=None if at_fault is None else at_fault.party,
        evidence=_evidence(verdict, owed, at_fault),
    )
    row.told.outcome, row.told.accountable = verdict.outcome, owed.outcome


def _evidence(
    verdict: Verdict, owed: Verdict, at_fault: Fault | None
) -> tuple[tuple[str, str], ...]:
    """Return the events that decided, each once."""
    charged = () if at_fault is None else at_fault.because
    return tuple(
        dict.fromkeys(each.identity for each in (*verdict.because, *owed.because, *charged))
    )


def _attempt(row: Row, order: Order, order_id: str, clock: Millis) -> Iterator[Fact]:
    first = order.track.attempts.visits[0]
    suspect = suspicion(order.track, order.presence) is not None
    told = "success" if first.succeeded else f"{first.reason}{'!' if suspect else ''}"
    if told == row.told.attempt:
        return
    row.told.attempt = told
    row.told.attempts += 1
    yield AttemptConcluded(
        **_common(row, order, order_id, clock, f"attempt/{row.told.attempts}"),
        service=order.track.service or "unknown",
        succeeded=first.succeeded,
        reason=None if first.succeeded else first.reason,
        implicit=first.implicit,
        revision=row.told.attempts,
        suspect=suspect,
    )


def _deviation(row: Row, order: Order, order_id: str, clock: Millis) -> Iterator[Fact]:
    handover = order.track.handover
    if handover is None or handover.at == row.told.handover:
        return
    row.told.handover = handover.at
    row.told.deviations += 1
    yield EtaDeviation(
        **_common(row, order, order_id, clock, f"deviation/{row.told.deviations}"),
        deviations=deviations(order.track, order.promise),
        by_tower=deviations(
            order.track, order.promise, by_tower=True, estimates=order.estimates
        ),
        lateness=None if order.promise is None else handover.at - order.promise.deadline,
        revision=row.told.deviations,
    )


def _scored(
    row: Row, order: Order, order_id: str, foreseen: Foreseen, clock: Millis
) -> Iterator[Fact]:
    """Yield how the predictions of an order did, all of them whenever its verdict changed."""
    found = {score.horizon: score for score in scores(order, foreseen, clock)}
    state = _state(found.values())
    if state == (row.told.scored or ""):
        return
    row.told.scored = state
    row.told.scorings += 1
    for horizon in foreseen.said:
        score = found.get(horizon)
        if score is not None or row.told.scorings > 1:
            yield _score(row, order, order_id, foreseen, horizon, score, clock)


def _state(found: Collection[Score]) -> str:
    """Return what scores follow from, beside the predictions."""
    return "/".join(
        f"{each.horizon}{each.late:d}{each.intervened:d}{each.moved:d}{each.handed_at}{each.lead}"
        for each in found
    )


def _score(  # noqa: PLR0913, PLR0917 - an order, a horizon, what is known of both
    row: Row, order: Order, order_id: str, foreseen: Foreseen, horizon: str,
    score: Score | None, clock: Millis,
) -> Fact:  # fmt: skip
    said, revision = foreseen.said[horizon], row.told.scorings
    return PredictionScored(
        **_common(row, order, order_id, clock, f"score/{horizon}/{revision}"),
        service=order.track.service or "unknown",
        region=order.track.region or "unknown",
        direction=order.track.direction,
        horizon=horizon,
        predicted_at=said.at,
        model=said.model,
        fallback=said.learnt is not None,
        probability=said.p,
        base=said.base,
        threshold=said.threshold,
        deadline=said.deadline,
        low=said.low,
        middle=said.middle,
        high=said.high,
        late=None if score is None else score.late,
        intervened=score is not None and score.intervened,
        rescheduled=score is not None and score.moved,
        handover=None if score is None else score.handed_at,
        lead=None if score is None else score.lead,
        reasons=said.reasons,
        revision=revision,
    )


def sla_news(row: Row, levels: ServiceLevels, key: bytes, clock: Millis) -> list[Fact]:
    """Return the service levels that were broken or cleared since last told, and note them."""
    order = row.order
    if order is None or not order.track.is_order:
        return []
    found: list[Fact] = []
    for change in list(changes(order, levels, row.told.sla, clock)):
        name = change.level.rule.name
        row.told.sla[name] = row.told.sla.get(name, 0) + 1
        found.append(_service_level(row, order, key.decode(), change, clock))
    return found


def _service_level(
    row: Row, order: Order, order_id: str, change: Change, clock: Millis
) -> Fact:
    rule, agreement = change.level.rule, change.agreement
    revision = row.told.sla[rule.name]
    deadline = None if agreement is None else agreement.deadline
    common = {
        **_common(row, order, order_id, clock, f"sla/{rule.name}/{revision}"),
        "service": order.track.service or "unknown",
        "rule": rule.name,
        "metric": rule.metric,
        "view": rule.view,
        "severity": rule.severity,
        "deadline": deadline,
        "ended": None if agreement is None else agreement.ended_at,
        "revision": revision,
    }
    if agreement is None or deadline is None or not change.broken:
        return SlaReversed(**common)
    return SlaBreached(
        **common,
        started=agreement.starts_at,
        elapsed=agreement.elapsed(clock),
        lag=clock - deadline,
        derived=agreement.derived,
    )


def predicted(row: Row, order: Order, command: NoticeCommand) -> facts.DelayPredicted:
    """Return the fact that goes with the first notice of a delay."""
    return DelayPredicted(
        **_common(row, order, command.order_id, command.decided_at, f"delay/{command.version}"),
        cause=command.cause,
        eta=command.eta,
        promise_end=command.promise_end or 0,  # it has one: nothing else can be delayed
        notice_id=command.notice_id,
    )


def settled(
    row: Row, order: Order, receipt: NoticeReceipt, clock: Millis
) -> facts.NoticeSettled:
    """Return the fact that a notice came to an end."""
    name = f"notice/{receipt.notice_id}/{receipt.result}"
    return NoticeSettled(
        **_common(row, order, receipt.order_id, clock, name),
        notice_id=receipt.notice_id,
        notice=receipt.kind,
        result=receipt.result,
        reason=receipt.reason,
    )


def estimated(row: Row, order: Order, said: CourierEta) -> facts.EtaEstimated:
    """Return what a courier's positions say of an order, as a fact."""
    expected = estimates.estimated(said)
    name = f"estimate/{said.event_id}"
    return EtaEstimated(
        **_common(row, order, said.order_id, expected.at, name),
        courier_id=said.courier_id,
        stage=said.stage,
        halts_ahead=said.halts_ahead,
        eta=expected.eta,
        low=expected.low,
        high=expected.high,
    )


def correction(arrived: Arrived, carrier: str, clock: Millis, rules: str) -> facts.Correction:
    """Return an event that came after its order had been closed, as a fact."""
    order_id = arrived.event.order_id
    source, event_id = arrived.identity
    return Correction(
        fact_id=f"{order_id}/correction/{source}/{event_id}/{arrived.received_at}",
        order_id=order_id,
        carrier=carrier,
        at=clock,
        rules=rules,
        event=arrived.canonical.decode(),
    )


def _common(row: Row, order: Order, order_id: str, clock: Millis, name: str) -> dict[str, Any]:
    return {
        "fact_id": f"{order_id}/{row.ledger.life}/{name}",
        "order_id": order_id,
        "carrier": order.track.carrier,
        "at": clock,
        "rules": order.judgement.id,
    }
