"""Was it on time: the outcomes of orders that came due, by both views (kpis 2.2, 2.12)."""

from models.base import Millis
from streams.domain.accountable import judge_accountable
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, ratio
from streams.domain.order import Order
from streams.domain.promises import Resolved
from streams.domain.suspects import Answers
from streams.domain.tracking import Track
from streams.domain.verdicts import Verdict, judge

OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")

# Names of measures: the raw view and the accountable one.
FROZEN = ("frozen", "accountable.frozen")
RESTATED = ("restated", "accountable.restated")


def count(measures: Measures, order: Order, clock: Millis) -> None:
    """Add the frozen verdicts and the restated ones, each once its deadline passed (L1)."""
    promise, frozen_track = order.promise, order.frozen
    if promise is not None and clock < promise.late_from and frozen_track is order.track:
        return  # most of the time: one promise, and it is to come
    restated = _verdicts(order, order.track, promise, clock, order.presence)
    answers = order.frozen_presence
    if frozen_track is order.track and answers == order.presence:
        frozen = restated
    else:
        frozen = _verdicts(order, frozen_track, order.frozen_promise, clock, answers)
    for names, verdicts in ((RESTATED, restated), (FROZEN, frozen)):
        for name, verdict in zip(names, verdicts, strict=False):
            measures[f"{name}.{verdict.outcome}"] = 1
            if verdict.early_day:
                measures[f"{name}.early_days"] = 1
    if restated and order.track.changed_mind:
        measures["delivered_then_changed"] = 1
    if frozen and (changes := order.revisions(clock)):
        measures["revisions"] = changes


def _verdicts(
    order: Order, track: Track, promise: Resolved | None, clock: Millis, answers: Answers
) -> tuple[Verdict, ...]:
    """Return the raw and the accountable verdict by a track; none before the deadline."""
    raw = judge(track, promise, clock, order.judgement)
    if raw.outcome is None:
        return ()
    return raw, judge_accountable(track, promise, clock, order.judgement, answers)


def block(m: Measures) -> Json:
    """Return the section `delivery_time`: frozen at maturity, and restated by all evidence."""
    return {
        **_views(m, FROZEN),
        "restated": _views(m, RESTATED),
        "delivered_then_changed": m.get("delivered_then_changed", 0),
        "revisions": m.get("revisions", 0),
    }


def _views(m: Measures, names: tuple[str, str]) -> Json:
    raw, accountable = names
    return {**_view(m, raw), "accountable": _view(m, accountable)}


def _view(m: Measures, view: str) -> Json:
    counts = {outcome: m.get(f"{view}.{outcome}", 0) for outcome in OUTCOMES}
    due = sum(counts[outcome] for outcome in ("on_time", "early", "late", "failed"))
    return {
        "due": due,
        **counts,
        "early_days": m.get(f"{view}.early_days", 0),
        "accuracy": ratio(counts["on_time"], due),
        "otd": ratio(counts["on_time"] + counts["early"], due),
    }
