"""Customers who asked where their order was, and whether we should have said it first (2.9)."""

from collections.abc import Sequence

from models.base import Millis
from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json
from streams.domain.zones import DAY_MS


def count(measures: Measures, asked: Sequence[Millis], first_notice: Millis | None) -> None:
    """Add the questions after an order, by event time.

    One within the day before the first notice of a delay was a chance missed.
    """
    measures["asked.orders"], measures["asked.questions"] = 1, len(asked)
    if first_notice is not None and any(
        first_notice - DAY_MS <= at < first_notice for at in asked
    ):
        measures["notices.asked_before"] = 1


def block(m: Measures) -> Json:
    """Return the section `questions`."""
    orders, asked = m.get("orders", 0), m.get("asked.orders", 0)
    return {
        "orders": asked,
        "questions": m.get("asked.questions", 0),
        "per_1000": 1_000 * asked / orders if orders else None,
    }
