"""What customers said: CSAT, NPS, CES and the courier's marks (kpis 2.8, 2.12 F1)."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, ratio
from streams.domain.tracking import INSTRUMENTS

# Per instrument: which answers are the good ones and which the bad (kpis 2.8).
GOOD = {"csat": range(4, 6), "nps": range(9, 11), "ces": range(5, 8)}
BAD = {"nps": range(7)}


def count(measures: Measures, answers: dict[str, int]) -> None:
    """Add the last answer to each instrument."""
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


def block(m: Measures) -> Json:
    """Return the section `feedback`."""
    found: Json = {"answered": m.get("feedback.answered", 0)}
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
    return found
