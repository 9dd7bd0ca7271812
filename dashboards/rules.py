"""Prometheus rules as data: recorded series that boards and alerts share, and all alerts."""

from collections.abc import Iterable
from typing import Any

from dashboards import alerts, budgets, slo
from dashboards.budgets import Rule, recorded
from dashboards.links import PLACES, Places

Z = 1.959963984540054
"""The two-sided 95 % point of the normal distribution, as in the report's intervals."""

KPI = "carrier_kpi_window:tower_kpi"
BY_KPI = "sum by (carrier, kpi, window)"

JOB = alerts.WORKERS

QUICK = [window for window in slo.HOURS if window not in slo.DAYS]


def files(at: Places = PLACES) -> dict[str, list[dict[str, Any]]]:
    """Return the groups of rules by the file they are in.

    What pages stands in one group behind what it is made of: a group is evaluated in order,
    so no page waits for another round.
    """
    pages = [*budgets.windows(*QUICK), *budgets.objectives(), budgets.left()]
    return {
        "kpis": [_group("tower-kpi", "30s", _kpi())],
        "budgets": [
            _group("tower-days", "2m", budgets.windows(*slo.DAYS)),
            _group("tower-budgets", "30s", [*pages, *budgets.burns(at)]),
        ],
        "alerts": [
            _group("tower-carriers", "30s", [budgets.rereading(), *_of(alerts.CARRIERS, at)]),
            _group("tower-itself", "30s", _of(alerts.TOWER, at)),
        ],
    }


def groups(at: Places = PLACES) -> list[dict[str, Any]]:
    """Return every group of rules."""
    return [group for each in files(at).values() for group in each]


def _of(table: Iterable[alerts.Alert], at: Places) -> list[Rule]:
    return [each.rule(at) for each in table]


def _group(name: str, interval: str, rules: list[Rule]) -> dict[str, Any]:
    return {"name": name, "interval": interval, "rules": rules}


def _kpi() -> list[Rule]:
    """Record the headline numbers: k, n, k/n and its Wilson interval, over all workers."""
    share, total = f"{KPI}:ratio", f"{KPI}_denominator:sum"
    centre = f"({share} + {Z**2 / 2!r} / {total})"
    spread = f"{Z!r} * sqrt({share} * (1 - {share}) / {total} + {Z**2 / 4!r} / {total} ^ 2)"
    scale = f"(1 + {Z**2!r} / {total})"
    return [
        recorded(f"{KPI}_numerator:sum", f"{BY_KPI} (tower_kpi_numerator)"),
        recorded(total, f"{BY_KPI} (tower_kpi_denominator)"),
        recorded(share, f"{KPI}_numerator:sum / ({total} > 0)"),
        recorded(f"{KPI}:wilson_low", f"({centre} - {spread}) / {scale}"),
        recorded(f"{KPI}:wilson_high", f"({centre} + {spread}) / {scale}"),
    ]
