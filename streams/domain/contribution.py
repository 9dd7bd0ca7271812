"""What one order adds to the KPIs, as of a clock: constant between two of its deadlines."""

from models.base import Millis
from streams.domain.cells import EVENTS, Contribution, Measures
from streams.domain.kpi import (
    attempt_companions,
    couriers,
    delivery_time,
    eta_deviation,
    eta_quality,
    events,
    feedback,
    first_attempt,
    life,
    predictions,
    quality,
    questions,
    sla,
)
from streams.domain.ledger import Ledger
from streams.domain.order import Order
from streams.domain.scoring.said import Foreseen
from streams.domain.sla import NOTHING_SAID, Said


def contribution(
    order: Order,
    clock: Millis,
    ledger: Ledger,
    breaches: Said = NOTHING_SAID,
    foreseen: Foreseen | None = None,
    *,
    ended_silent: bool = False,
) -> Contribution:
    """Return the measures of one life; `ended_silent` closes one that was still open (L22).

    `breaches` are those that were told, `foreseen` what was predicted.

    Only what is not 0 is named: a cell that sums to nothing holds nothing.
    """
    counted = {EVENTS: events.counted(order)}
    track = order.track
    if track.is_order:
        measures: Measures = {"orders": 1}
        if ledger.results:
            measures |= ledger.measures()
        life.count(measures, order, clock, ended_silent=ended_silent)
        delivery_time.count(measures, order, clock)
        first_attempt.count(measures, order)
        attempt_companions.count(measures, track)
        if track.handover is not None:
            measures |= _expected(order, track.handover.at, ledger.accepted_eta)
        elif track.etas and track.attempts.visits:
            eta_quality.count_open(measures, track)
        if track.asked:
            questions.count(measures, track.asked, ledger.first_at)
        if track.answers:
            feedback.count(measures, track.answers)
            couriers.count(counted, order)
        if foreseen is not None and clock >= order.due_no_sooner:
            predictions.count(measures, order, foreseen, clock)
        if order.judgement.levels is not None:
            sla.count(measures, order, clock, breaches, ended_silent=ended_silent)
        if ended_silent or track.ending is not None:
            counted[quality.cell(order)] = _looked_through(order)
        counted[order.cell] = measures
    return counted


def _expected(order: Order, handed_at: Millis, accepted_eta: Millis | None) -> Measures:
    """Return what the ETAs before a handover add; no clock changes it until the next event."""
    kept = order.expected
    if kept is None or kept[0] != accepted_eta:
        found: Measures = {}
        eta_deviation.count(found, order, handed_at, accepted_eta)
        eta_quality.count(found, order.track, handed_at)
        kept = order.expected = accepted_eta, found
    return kept[1]


def _looked_through(order: Order) -> Measures:
    """Return what the events of an ended order add; no clock changes it until the next."""
    if order.looked_through is None:
        order.looked_through = quality.measures(order)
    return order.looked_through
