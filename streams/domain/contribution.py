"""What one order adds to the KPIs, as of a clock: constant between two of its deadlines."""

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import EVENTS, Contribution, Measures
from streams.domain.eta import deviations
from streams.domain.lifecycle import RANK
from streams.domain.notices import Ledger
from streams.domain.order import Order
from streams.domain.tracking import Track
from streams.domain.verdicts import judge

WITHIN: dict[str, Millis] = {"within_10min": 600_000, "within_15min": 900_000}


# Names of measures that are made of a status, an outcome or an instrument, spelt once.
_STATE: dict[str, str] = {status: f"state.{status}" for status in (*RANK, "unknown")}


def contribution(
    order: Order, clock: Millis, ledger: Ledger, *, ended_silent: bool = False
) -> Contribution:
    """Return the measures of one life; `ended_silent` closes one that was still open (L22).

    Only what is not 0 is named: a cell that sums to nothing holds nothing.
    """
    counted = {EVENTS: _events(order)}
    if order.track.is_order:
        measures: Measures = {"orders": 1}
        if ledger.results:
            measures |= ledger.measures()
        _life(measures, order, clock, ended_silent=ended_silent)
        _verdicts(measures, order, clock)
        _attempts(measures, order.track)
        if order.track.handover is not None:
            _etas(measures, order, order.track.handover.at, ledger)
        if order.track.answers:
            _feedback(measures, order.track.answers)
        counted[order.cell] = measures
    return counted


def _events(order: Order) -> Measures:
    counts = {"accepted": len(order.arrivals)}
    if order.copies:
        counts["duplicate"] = order.duplicates
        if conflicts := order.conflicts:
            counts["id_conflict"] = conflicts
    if order.with_unknown_fields:
        counts["unknown_fields"] = order.with_unknown_fields
    return counts


def _life(measures: Measures, order: Order, clock: Millis, *, ended_silent: bool) -> None:
    track, promise = order.track, order.promise
    if track.open:
        if ended_silent:
            measures["ended_silent"] = 1
        else:
            measures["open"] = measures[_STATE[track.status]] = 1
            if promise is not None and clock >= promise.late_from:
                measures["overdue"] = 1
    elif track.handover is not None:
        measures["handed_over"] = 1
    if track.carrier_changes:
        measures["changed_by_carrier"] = track.carrier_changes
    moved = order.promise_moved
    if moved is not None:
        measures["promised"] = measures[f"slack:{sketch.bin_of(moved)}"] = 1


def _verdicts(measures: Measures, order: Order, clock: Millis) -> None:
    """Count the frozen verdict and the restated one, each once its deadline has passed (L1)."""
    restated = judge(order.track, order.promise, clock, order.judgement)
    if order.frozen is order.track:
        frozen = restated
    else:
        frozen = judge(order.frozen, order.frozen_promise, clock, order.judgement)
    for view, verdict in (("restated", restated), ("frozen", frozen)):
        if verdict.outcome is not None:
            measures[f"{view}.{verdict.outcome}"] = 1
            if verdict.early_day:
                measures[f"{view}.early_days"] = 1
    if restated.outcome is not None and order.track.changed_mind:
        measures["delivered_then_changed"] = 1


def _attempts(measures: Measures, track: Track) -> None:
    if track.attempts.no_attempt_returns:
        measures["attempt.no_attempt_return"] = track.attempts.no_attempt_returns
    if not track.attempts.visits:
        return
    first = track.attempts.visits[0]
    measures["attempt.concluded"] = 1
    if first.succeeded:
        measures["attempt.succeeded"] = 1
    else:
        measures[f"attempt.reason.{first.reason}"] = 1
    if first.implicit:
        measures["attempt.implicit"] = 1


def _etas(measures: Measures, order: Order, actual: Millis, ledger: Ledger) -> None:
    for series, by_tower in (("eta", False), ("eta_tower", True)):
        found = deviations(order.track, order.promise, by_tower=by_tower)
        if ledger.accepted_eta is not None and not by_tower:
            found["notified"] = actual - ledger.accepted_eta
        for snapshot, deviation in found.items():
            name, distance = f"{series}.{snapshot}", abs(deviation)
            measures[f"{name}.n"] = measures[f"{name}:{sketch.bin_of(deviation)}"] = 1
            if deviation:
                measures[f"{name}.sum"], measures[f"{name}.abs"] = deviation, distance
            for within, bound in WITHIN.items():
                if distance <= bound:
                    measures[f"{name}.{within}"] = 1


# Per instrument: which answers are the good ones and which the bad (kpis 2.8).
GOOD = {"csat": range(4, 6), "nps": range(9, 11), "ces": range(5, 8)}
BAD = {"nps": range(7)}


def _feedback(measures: Measures, answers: dict[str, int]) -> None:
    measures["feedback.answered"] = 1
    for instrument, answer in answers.items():
        name = f"feedback.{instrument}"
        measures[f"{name}:{answer}"] = measures[f"{name}.n"] = 1
        if answer:
            measures[f"{name}.sum"] = answer
        if answer in GOOD.get(instrument, ()):
            measures[f"{name}.good"] = 1
        if answer in BAD.get(instrument, ()):
            measures[f"{name}.bad"] = 1
