"""What customers were told: notices asked for, and their ends."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, part, ratio


def block(m: Measures) -> Json:
    """Return the section `notices`: requested = sent + suppressed + failed + waiting."""
    return {
        "requested": m.get("notices.requested", 0),
        "sent": m.get("notices.sent", 0),
        "suppressed": part(m, "notices.suppressed."),
        "failed": m.get("notices.failed", 0),
        "waiting": m.get("notices.waiting", 0),
        "duplicates": 0,
        "asked_before": m.get("notices.asked_before", 0),
        "response": ratio(m.get("feedback.of_invited", 0), m.get("feedback.invited", 0)),
    }
