"""What one order adds to the KPIs, as of a clock: constant between two of its deadlines."""

from models.base import Millis
from streams.domain import sketch
from streams.domain.cells import EVENTS, Cell, Contribution, Measures
from streams.domain.eta import deviations
from streams.domain.judgement import Judgement
from streams.domain.notices import Ledger
from streams.domain.order import Order
from streams.domain.promises import Resolved, place
from streams.domain.tracking import Track
from streams.domain.verdicts import judge
from streams.domain.zones import day_text

WITHIN: dict[str, Millis] = {"within_10min": 600_000, "within_15min": 900_000}


def contribution(
    order: Order, clock: Millis, ledger: Ledger, *, ended_silent: bool = False
) -> Contribution:
    """Return the measures of one life; `ended_silent` closes one that was still open (L22)."""
    counted = {EVENTS: _events(order)}
    if order.track.is_order:
        judgement = order.judgement
        measures: Measures = {"orders": 1} | ledger.measures()
        _life(measures, order, clock, ended_silent=ended_silent)
        _verdicts(measures, order, clock, judgement)
        _attempts(measures, order.track)
        _etas(measures, order, ledger)
        _feedback(measures, order.track.answers)
        counted[cell_of(order)] = {
            name: int(value) for name, value in measures.items() if value
        }
    return counted


def cell_of(order: Order) -> Cell:
    """Return the cell an order counts in."""
    track = order.track
    return Cell(
        track.carrier,
        track.service or "unknown",
        track.region or "unknown",
        track.direction,
        _cohort_day(order.promise, order),
    )


def _cohort_day(promise: Resolved | None, order: Order) -> str:
    """Return the local day on which the promise ends (kpis 2.0: cohort by due date)."""
    track = order.track
    if promise is None or track.original is None:
        return "none"
    where = place(track.original, track.timezone, order.judgement.tolerance(track.carrier))
    last = promise.end - 1 if promise.precision == "date" else promise.end
    return day_text(last, where)


def _events(order: Order) -> Measures:
    counts = {
        "accepted": len(order.arrivals),
        "duplicate": order.duplicates,
        "id_conflict": order.conflicts,
        "unknown_fields": order.with_unknown_fields,
    }
    return {name: count for name, count in counts.items() if count}


def _life(measures: Measures, order: Order, clock: Millis, *, ended_silent: bool) -> None:
    track, promise = order.track, order.promise
    is_open = track.open and not ended_silent
    measures["open"] = is_open
    measures[f"state.{track.status}"] = is_open
    measures["overdue"] = is_open and promise is not None and clock >= promise.late_from
    measures["ended_silent"] = track.open and ended_silent
    measures["handed_over"] = track.handover is not None
    measures["changed_by_carrier"] = track.carrier_changes
    moved = order.promise_moved
    if moved is not None:
        measures["promised"] = 1
        measures[f"slack:{sketch.bin_of(moved)}"] = 1


def _verdicts(measures: Measures, order: Order, clock: Millis, judgement: Judgement) -> None:
    """Count the frozen verdict and the restated one, each once its deadline has passed (L1)."""
    if _verdict(measures, "restated", order.track, order.promise, clock, judgement):
        measures["delivered_then_changed"] = order.track.changed_mind > 0
    _verdict(measures, "frozen", order.frozen, order.frozen_promise, clock, judgement)


def _verdict(
    measures: Measures,
    view: str,
    track: Track,
    promise: Resolved | None,
    clock: Millis,
    judgement: Judgement,
) -> bool:
    """Count a verdict if there is one; return whether there is."""
    verdict = judge(track, promise, clock, judgement)
    if verdict.outcome is None:
        return False
    measures[f"{view}.{verdict.outcome}"] = 1
    measures[f"{view}.early_days"] = verdict.early_day
    return True


def _attempts(measures: Measures, track: Track) -> None:
    measures["attempt.no_attempt_return"] = track.attempts.no_attempt_returns
    if not track.attempts.visits:
        return
    first = track.attempts.visits[0]
    measures["attempt.concluded"] = 1
    measures["attempt.succeeded"] = first.succeeded
    measures["attempt.implicit"] = first.implicit
    if not first.succeeded:
        measures[f"attempt.reason.{first.reason}"] = 1


def _etas(measures: Measures, order: Order, ledger: Ledger) -> None:
    handover = order.track.handover
    if handover is None:
        return
    for series, by_tower in (("eta", False), ("eta_tower", True)):
        found = deviations(order.track, order.promise, by_tower=by_tower)
        if ledger.accepted_eta is not None and not by_tower:
            found["notified"] = handover.at - ledger.accepted_eta
        for snapshot, deviation in found.items():
            name = f"{series}.{snapshot}"
            measures[f"{name}.n"] = 1
            measures[f"{name}.sum"] = deviation
            measures[f"{name}.abs"] = abs(deviation)
            measures[f"{name}:{sketch.bin_of(deviation)}"] = 1
            for within, bound in WITHIN.items():
                measures[f"{name}.{within}"] = abs(deviation) <= bound


# Per instrument: which answers are the good ones and which the bad (kpis 2.8).
GOOD = {"csat": range(4, 6), "nps": range(9, 11), "ces": range(5, 8)}
BAD = {"nps": range(7)}


def _feedback(measures: Measures, answers: dict[str, int]) -> None:
    if not answers:
        return
    measures["feedback.answered"] = 1
    for instrument, answer in answers.items():
        measures[f"feedback.{instrument}:{answer}"] = 1
        measures[f"feedback.{instrument}.n"] = 1
        measures[f"feedback.{instrument}.sum"] = answer
        measures[f"feedback.{instrument}.good"] = answer in GOOD.get(instrument, ())
        measures[f"feedback.{instrument}.bad"] = answer in BAD.get(instrument, ())
