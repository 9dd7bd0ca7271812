"""Objectives and the arithmetic of budgets: which share of late orders is worth waking someone.

The objective of a carrier (on time, say 0.95) leaves a budget (0.05) for a period of seven
days: deliveries have the rhythm of a week. A burn rate of 1 spends the budget in just that
period. An alert's factor is the burn rate that spends a chosen share of the budget in its
long window. A rate cannot pass 1 / (1 - objective), so the error that alerts is capped
below 1: else a carrier with a modest objective could never be reported (Site Reliability
Workbook, chapter 5).
"""

from dataclasses import dataclass

PERIOD_HOURS = 7 * 24
CEILING = 0.9
"""The share of missed promises that always counts as burning, whatever the objective."""

HOURS = {"5m": 5 / 60, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72, "7d": 168}
"""Every window that a rule records."""


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: the long one proves it, the short one says it still goes on."""

    long: str
    short: str
    budget_share: float
    severity: str
    lasting: str
    due_at_least: int
    missed_at_least: int = 5

    @property
    def factor(self) -> float:
        """Return the burn rate that spends `budget_share` of the budget in the long window."""
        return round(self.budget_share * PERIOD_HOURS / HOURS[self.long], 3)


BURNS = (
    Burn("1h", "5m", 0.05, "page", "2m", due_at_least=20),
    Burn("6h", "30m", 0.15, "page", "15m", due_at_least=50),
    Burn("1d", "2h", 2 / 7, "ticket", "1h", due_at_least=50),
    Burn("3d", "6h", 3 / 7, "ticket", "3h", due_at_least=30),
)
"""The least counts keep a carrier with three parcels an hour from paging anybody by chance."""


def threshold(factor: float, objective: float) -> float:
    """Return the share of missed promises at which this factor alerts, 0 to `CEILING`."""
    return min(factor * (1 - objective), CEILING)
