"""The reduced job, the same for every Python peer: a small row an order, four counts a carrier.

Far less than the tower does: no validation, no copies, no order of arrival, no rules, no clock.
It imports nothing of the project, so that a peer can run it in an environment of its own.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any

Row = dict[str, Any]


class Reduced:
    """The counts so far; they live in memory, rows are the peer's to keep."""

    def __init__(self) -> None:
        self.seen = 0
        self.counts: dict[str, dict[str, int]] = defaultdict(
            lambda: {"orders": 0, "on_time": 0, "late": 0, "first_failed": 0}
        )

    def step(self, row: Row | None, event: dict[str, Any]) -> Row:
        """Count an event and return its order's new row."""
        self.seen += 1
        at = datetime.fromisoformat(event["occurred_at"]).timestamp()
        kind = event["kind"]
        if row is None:
            end = datetime.fromisoformat(event["promise"]["end"]).timestamp()
            row = {"carrier": event["carrier"], "end": end, "failed": 0}
            self.counts[row["carrier"]]["orders"] += 1
        counted = self.counts[row["carrier"]]
        if kind == "attempt_failed":
            counted["first_failed"] += row["failed"] == 0
            row["failed"] += 1
        elif kind == "delivered":
            counted["on_time" if at <= row["end"] else "late"] += 1
        row["last"], row["at"] = kind, at
        return row
