"""Whole orders of several parcels, on time and in full (kpis 2.9 OTIF, 2.12 L19)."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json, ratio


def block(m: Measures) -> Json:
    """Return the section `groups`; `n` is how many groups are due."""
    due = m.get("due", 0)
    return {"n": due, "otif": ratio(m.get("otif", 0), due)}
