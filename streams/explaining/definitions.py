"""Where docs/kpis.md defines the rule that made a verdict."""

from typing import Any

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
