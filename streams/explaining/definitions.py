"""Where docs/kpis.md defines the rule that made a verdict, and that rule as a sentence."""

from typing import Any

from streams.domain.promises import Resolved
from streams.domain.verdicts import Verdict
from streams.wording import plain

Json = dict[str, Any]

PAGE = "docs/kpis.md"
RAW, ACCOUNTABLE = "Delivery time", "Accountable view"

# What a verdict's rule contains, and the line of the table that it is, view by view.
_SHARED = {
    "no promise": 1,
    "the deadline is to come": 2,
    "decided in a dispute": 3,
    "cancelled before the deadline": 4,
}
LINES: dict[str, dict[str, int]] = {
    RAW: {
        "the plausible time zones": 5,
        "handed over, promise of": 6,
        "and no handover after it": 7,
        "called off by the carrier": 8,
        "no handover when the deadline": 9,
    },
    ACCOUNTABLE: {
        "and no handover after it": 5,
        "called off by the carrier": 5,
        "held over the deadline": 6,
        "the consignee wished otherwise": 7,
        "first attempt, promise of": 8,
        "the plausible time zones": 9,
        "handed over, promise of": 9,
        "no handover when the deadline": 10,
    },
}


def definition(rule: str, view: str) -> Json:
    """Return page, table and line that define the rule of a verdict in a view."""
    for words, line in _SHARED.items():
        if words in rule:
            return {"page": PAGE, "table": RAW, "line": line}
    line = next(line for words, line in LINES[view].items() if words in rule)
    return {"page": PAGE, "table": view, "line": line}


# A rule that says nothing of its own, as a sentence with its outcome; after `;` in the rule
# stands a reason with its party, or what speaks against the first attempt.
SENTENCES = {
    "no promise": "an order without a promise is excluded",
    "the deadline is to come": "an order is judged once its deadline has passed",
    "decided in a dispute": "what was decided in a dispute is the verdict, here {outcome}",
    "cancelled before the deadline": (
        "an order that somebody else than its carrier cancelled before the deadline is excluded"
    ),
    "the plausible time zones": (
        "a handover is indeterminate if its time was said without a zone and the zones that it "
        "may be in give different verdicts"
    ),
    "called off by the carrier": "an order that its carrier called off has failed",
    "held over the deadline": (
        "an order is excluded if it was held over the deadline for a reason of the consignee's "
        "or an authority's"
    ),
    "the consignee wished otherwise": (
        "an order is excluded if its consignee wished another time after a failed first "
        "attempt, both within the promise"
    ),
    "no handover when the deadline": (
        "an order that was not handed over when its deadline passed is late"
    ),
    "the first attempt is not believed": (
        "an order that ended without a handover has failed, whatever the reason, if its first "
        "attempt is not believed"
    ),
    "the carrier's": (
        "an order that ended without a handover has failed if the reason is the carrier's"
    ),
    "; ": (
        "an order that ended without a handover is excluded if the reason is not the carrier's"
    ),
    "and no handover after it": "an order that ended without a handover has failed",
}
_PLACED = {
    "first attempt, promise of": "a first attempt",
    "handed over, promise of": "a handover",
}
PROMISED = {"window": "window", "instant": "time", "date": "day"}


def sentence(verdict: Verdict, promise: Resolved | None) -> str:
    """Return the rule of a verdict as a sentence that ends in its outcome."""
    outcome = plain(verdict.outcome or "")
    for words, subject in _PLACED.items():
        if words in verdict.rule and promise is not None:
            return f"{subject} {_placed(outcome, promise)} is {outcome}"
    said = next(said for words, said in SENTENCES.items() if words in verdict.rule)
    return said.format(outcome=outcome)


def _placed(outcome: str, promise: Resolved) -> str:
    """Say where something lies in relation to a promise and its tolerances."""
    name = f"the promised {PROMISED[promise.precision]}"
    end = name if promise.precision == "instant" else f"the end of {name}"
    grace = " (plus grace)" if promise.deadline > promise.end else ""
    if outcome == "late":
        return f"after {end}{grace}"
    start = name if promise.precision == "instant" else f"the start of {name}"
    early = f"{start} (less the minutes allowed)"
    if outcome == "early":
        return f"before {early}"
    if promise.first_good is None:
        return f"not after {end}{grace}"
    return f"neither before {early} nor after {end}{grace}"
