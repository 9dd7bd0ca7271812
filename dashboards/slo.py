"""Objectives and the arithmetic of budgets: which share of failures is worth waking someone.

An objective (on time, say 0.95) leaves a budget (0.05) for a period of seven days: deliveries
have the rhythm of a week. A burn rate of 1 spends the budget in just that period. An alert's
factor is the burn rate that spends a chosen share of the budget in its long window. A rate
cannot pass 1 / (1 - objective), so a factor that no carrier could ever reach is refused where
the objective is ours, and capped at `CEILING` where it is a carrier's own: else a carrier with
a modest objective could never be reported (Site Reliability Workbook, chapter 5).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dashboards import links

PERIOD_HOURS = 7 * 24
CEILING = 0.9
"""The share of failures that always counts as burning, whatever the objective."""

HOURS = {"5m": 5 / 60, "30m": 0.5, "1h": 1, "2h": 2, "6h": 6, "1d": 24, "3d": 72, "7d": 168}
"""Every window that a rule records."""

DAYS = ("1d", "3d", "7d")
"""The windows that are recorded less often: they hardly move, and reading them is work."""


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


PAGES = (
    Burn("1h", "5m", 0.05, "page", "30s", due_at_least=20),
    Burn("6h", "30m", 0.15, "page", "5m", due_at_least=50),
)
TICKETS = (
    Burn("1d", "2h", 2 / 7, "ticket", "1h", due_at_least=50),
    Burn("3d", "6h", 3 / 7, "ticket", "3h", due_at_least=30),
)
BURNS = (*PAGES, *TICKETS)
"""The least counts keep a carrier with three parcels an hour from paging anybody by chance."""

SMALL = "small carriers"
"""The carrier that stands for all small ones together."""

SMALL_DUE = PAGES[1].due_at_least * PERIOD_HOURS // int(HOURS[PAGES[1].long])
"""Fewer due in a week, and a carrier of its own can hardly page: all such have one page."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One promise, kept or not, counted by two queries with a place for the window.

    `said` is what an alert says: what was missed, of what. `objective` is for a carrier whose
    rules name none. `scope` is `carrier`, or `tower` for what the tower owes all alike.
    """

    name: str
    alert: str
    objective: float
    due: str
    missed: str
    said: tuple[str, str]
    scope: str = "carrier"
    board: str = links.CARRIER
    burns: tuple[Burn, ...] = BURNS

    def __post_init__(self) -> None:
        """Refuse an objective at which an alert of its own could never fire."""
        for burn in self.burns:
            if not 0 < burn.factor * (1 - self.objective) < CEILING:
                raise ValueError(
                    f"{self.name}: no carrier can burn {burn.factor:g} times the budget of"
                    f" the objective {self.objective:g}; lower the factor or raise it."
                )


def _increase(series: str, by: str = "by (carrier) ") -> str:
    return f"sum {by}(increase({series}[%s]))"


_FIRST = 'tower_delivery_attempts_total{attempt="first"%s}'
_ETAS = 'tower_eta_error_seconds_count{horizon="ofd"}'
_GOOD_ETAS = 'tower_eta_error_seconds_bucket{horizon="ofd",le="900.0"}'
_SENT = 'tower_notifications_sent_total{kind="delay_predicted"}'
_LATE = 'tower_notifications_too_late_total{kind="delay_predicted"}'
_UNSENT = (
    'tower_notifications_failed_total{kind="delay_predicted"}',
    'tower_notifications_suppressed_total{kind="delay_predicted",reason="expired"}',
)
_NEVER = " + ".join(f"({_increase(each, '')} or vector(0))" for each in _UNSENT)

SLOS = (
    Slo(
        "on_time",
        "CarrierOnTimeBudgetBurn",
        0.95,
        _increase('tower_deliveries_total{outcome=~"on_time|early|late|failed"}'),
        _increase('tower_deliveries_total{outcome=~"early|late|failed"}'),
        ("missed the promise of", "orders that came due"),
    ),
    Slo(
        "first_attempt",
        "CarrierFirstAttemptBudgetBurn",
        0.92,
        _increase(_FIRST % ""),
        _increase(_FIRST % ',result="failure"'),
        ("failed at the first attempt of", "orders that were attempted"),
    ),
    Slo(
        "eta_within_15min",
        "CarrierEtaBudgetBurn",
        0.7,
        _increase(_ETAS),
        f"{_increase(_ETAS)} - {_increase(_GOOD_ETAS)}",
        ("was more than 15 min beside its own ETA for", "orders handed over"),
        burns=TICKETS,
    ),
    Slo(
        "told_in_time",
        "NoticesLateBudgetBurn",
        0.9,
        f"{_increase(_SENT, '')} + {_NEVER}",
        f"({_increase(_LATE, '')} or vector(0)) + {_NEVER}",
        ("told too late or not at all of", "customers whose delay it saw coming"),
        scope="tower",
        board=links.CUSTOMERS,
    ),
)
"""What is promised. Nobody is woken for a poor ETA; it hurts, but can wait for the morning."""


def threshold(factor: float, objective: float) -> float:
    """Return the share of failures at which this factor alerts, 0 to `CEILING`."""
    return min(factor * (1 - objective), CEILING)


def findings(objectives: Mapping[str, float]) -> Iterator[str]:
    """Say which of a carrier's objectives leave nothing that an alert could see burn."""
    for name, objective in objectives.items():
        if not 0 < BURNS[-1].factor * (1 - objective) < CEILING:
            yield f"{name} of {objective:g} leaves no budget that an alert could watch"
