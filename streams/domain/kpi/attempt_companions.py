"""What comes after a first attempt: how many more, how long, who was at fault (kpis 2.3).

An order with one attempt at most adds nothing here: the figures of the first attempt and the
count of orders handed over say it already.
"""

from streams.domain import sketch
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, bins, part, quantile, ratio
from streams.domain.reasons import CODES, PARTY
from streams.domain.tracking import Track


def count(measures: Measures, track: Track) -> None:
    """Add the attempts after the first, and how long a handover waited for them."""
    visits = track.attempts.visits
    if len(visits) < 2:  # noqa: PLR2004 - there was no second attempt
        return
    measures["again.second"] = 1
    if visits[1].succeeded:
        measures["again.second_succeeded"] = 1
    for visit in visits[1:]:
        if not visit.succeeded:
            name = f"again.reason.{visit.reason}"
            measures[name] = measures.get(name, 0) + 1
    if track.handover is not None:
        waited = track.handover.at - visits[0].at
        measures["again.visits"] = len(visits) - 1
        measures[f"again.waited:{sketch.bin_of(waited)}"] = 1
        measures["again.waited"] = waited


def block(m: Measures) -> Json:
    """Return what the section `first_attempt` says of all attempts."""
    handed_over, second = m.get("handed_over", 0), m.get("again.second", 0)
    attempts = handed_over + m.get("again.visits", 0)
    return {
        "attempts_per_delivery": {
            "n": handed_over,
            "mean": attempts / handed_over if handed_over else None,
        },
        "second_success": ratio(m.get("again.second_succeeded", 0), second),
        "first_attempt_to_delivery": _waited(m),
        "failures": _failures(m),
    }


def _waited(m: Measures) -> Json:
    n = sum(bins(m, "again.waited").values())
    total = m.get("again.waited", 0)
    return {
        "n": n,
        "mean": total / n / 1_000 if n else None,
        "median": quantile(m, "again.waited", 0.5),
        "p90": quantile(m, "again.waited", 0.9),
    }


def _failures(m: Measures) -> Json:
    """Return all failed attempts by the party at fault and the reason."""
    first, later = part(m, "attempt.reason."), part(m, "again.reason.")
    found: Json = {party: {} for party in CODES}
    for code in sorted(first | later):
        found[PARTY[code]][code] = first.get(code, 0) + later.get(code, 0)
    return found
