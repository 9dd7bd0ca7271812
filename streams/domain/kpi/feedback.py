"""What customers said: CSAT, NPS, CES and the courier's marks (kpis 2.8, 2.12 F1).

Customers whose parcel was late answer at another rate than the rest; so answers are counted by
the outcome of their order too, and satisfaction is given as if all outcomes had answered alike.
"""

from streams.domain.cells import Measures
from streams.domain.kpi.delivery_time import FROZEN, OUTCOMES
from streams.domain.kpi.figures import Json, interval, ratio
from streams.domain.tracking import INSTRUMENTS

# Per instrument: which answers are the good ones and which the bad (kpis 2.8).
GOOD = {"csat": range(4, 6), "nps": range(9, 11), "ces": range(5, 8)}
BAD = {"nps": range(7)}
SCALES = {"csat": range(1, 6), "ces": range(1, 8)}
MARKS = range(1, 6)

DUE = {outcome: f"{FROZEN[0]}.{outcome}" for outcome in OUTCOMES[:4]}


def count(measures: Measures, answers: dict[str, int]) -> None:
    """Add the last answer to each instrument, and satisfaction by the order's outcome.

    The outcome is the frozen one, among the measures already if the order is due.
    """
    measures["feedback.answered"] = 1
    if "feedback.invited" in measures:
        measures["feedback.of_invited"] = 1
    for instrument, answer in answers.items():
        name = f"feedback.{instrument}"
        measures[f"{name}:{answer}"] = measures[f"{name}.n"] = 1
        if answer:
            measures[f"{name}.sum"] = answer
        if answer in GOOD.get(instrument, ()):
            measures[f"{name}.good"] = 1
        if answer in BAD.get(instrument, ()):
            measures[f"{name}.bad"] = 1
    for outcome, due in DUE.items():
        if due in measures:
            measures[f"feedback.of.{outcome}"] = 1
            if "csat" in answers:
                measures[f"feedback.of.{outcome}.csat:{answers['csat']}"] = 1


def block(m: Measures) -> Json:
    """Return the section `feedback`."""
    found: Json = {
        "invited": m.get("feedback.invited", 0),
        "answered": m.get("feedback.answered", 0),
    }
    for instrument in INSTRUMENTS:
        name = f"feedback.{instrument}"
        n, total, good = (m.get(f"{name}.{each}", 0) for each in ("n", "sum", "good"))
        mean = total / n if n else None
        match instrument:
            case "csat":
                found[instrument] = {"n": n, "mean": mean, "top2": ratio(good, n)}
            case "ces":
                found[instrument] = {"n": n, "mean": mean, "top3": ratio(good, n)}
            case "nps":
                score = 100 * (good - m.get(f"{name}.bad", 0)) / n if n else None
                found[instrument] = {"n": n, "score": score}
            case _:
                found[instrument] = {"n": n, "mean": mean}
    by_outcome = {outcome: _of(m, outcome) for outcome in DUE}
    return {
        **found,
        "intervals": {instrument: _interval(m, instrument) for instrument in INSTRUMENTS},
        "by_outcome": by_outcome,
        "csat_weighted": _weighted(m, by_outcome),
    }


def _interval(m: Measures, instrument: str) -> Json:
    """Return the interval of an instrument's mean; of the NPS, of the score."""
    name = f"feedback.{instrument}"
    n = m.get(f"{name}.n", 0)
    if instrument == "nps":
        good, bad = m.get(f"{name}.good", 0), m.get(f"{name}.bad", 0)
        return interval(n, 100 * (good - bad), 10_000 * (good + bad), (-100, 100))
    scale = SCALES.get(instrument, MARKS)
    squares = sum(answer * answer * m.get(f"{name}:{answer}", 0) for answer in scale)
    return interval(n, m.get(f"{name}.sum", 0), squares, (scale[0], scale[-1]))


def _of(m: Measures, outcome: str) -> Json:
    """Return who answered among the orders due with an outcome, and how satisfied they are."""
    name = f"feedback.of.{outcome}"
    counts = {answer: m.get(f"{name}.csat:{answer}", 0) for answer in SCALES["csat"]}
    n = sum(counts.values())
    total = sum(answer * count for answer, count in counts.items())
    return {
        "answered": ratio(m.get(name, 0), m.get(DUE[outcome], 0)),
        "csat": {
            "n": n,
            "mean": total / n if n else None,
            "top2": ratio(sum(counts[answer] for answer in GOOD["csat"]), n),
        },
    }


def _weighted(m: Measures, by_outcome: Json) -> Json:
    """Return satisfaction weighted by the orders due; outcomes without an answer have none."""
    heard = {
        outcome: (m.get(DUE[outcome], 0), part["csat"])
        for outcome, part in by_outcome.items()
        if part["csat"]["n"]
    }
    orders = sum(due for due, _ in heard.values())
    if not orders:
        return {"mean": None, "top2": None}
    return {
        "mean": sum(due * csat["mean"] for due, csat in heard.values()) / orders,
        "top2": sum(due * csat["top2"]["value"] for due, csat in heard.values()) / orders,
    }
