"""What was read and taken of the two inbound topics (kpis 2.12 L11, L18)."""

from streams.domain.cells import Measures
from streams.domain.kpi.figures import Json
from streams.domain.order import Order


def counted(order: Order) -> Measures:
    """Return how many events and copies became part of an order."""
    counts = {"accepted": len(order.arrivals)}
    if order.copies:
        counts["duplicate"] = order.duplicates
        if conflicts := order.conflicts:
            counts["id_conflict"] = conflicts
    if order.with_unknown_fields:
        counts["unknown_fields"] = order.with_unknown_fields
    return counts


def block(read: dict[str, int], folded: Measures) -> Json:
    """Return the section `events`: what the edge counted and what the folds did, together."""
    rejected: dict[str, int] = {}
    for name, count in (*read.items(), *folded.items()):
        if name.startswith("rejected."):
            reason = name.removeprefix("rejected.")
            rejected[reason] = rejected.get(reason, 0) + count
    total = {
        name: read.get(name, 0) + folded.get(name, 0)
        for name in ("read", "accepted", "duplicate", "id_conflict", "unknown_fields")
    }
    return {**total, "rejected": rejected}
