"""Prometheus rules as data: recorded series that boards and alerts share, and two alerts."""

from typing import Any

from dashboards import links, slo

Rule = dict[str, Any]

KNOWN = "max by (carrier) (last_over_time(tower_slo_objective_ratio{%s}[1h]))"
ON_TIME = 'slo="on_time"'
DUE = 'outcome=~"on_time|early|late|failed"'
MISSED = 'outcome=~"early|late|failed"'

Z = 1.959963984540054
"""The two-sided 95 % point of the normal distribution, as in the report's intervals."""

KPI = "carrier_kpi_window:tower_kpi"
BY_KPI = "sum by (carrier, kpi, window)"

OLD_SECONDS = 86_400
"""Events older than this are history being read again: nobody is paged for a recorded year."""

JOB = 'job="tower-worker"'


def groups(runbooks: str = links.RUNBOOKS) -> list[dict[str, Any]]:
    """Return the groups of rules in the order in which Prometheus must know them."""
    return [
        {"name": "tower-kpi", "interval": "30s", "rules": _kpi()},
        {"name": "tower-on-time", "interval": "30s", "rules": [*_objective(), *_on_time()]},
        {
            "name": "tower-alerts",
            "interval": "30s",
            "rules": [*_burns(runbooks), _absent(runbooks)],
        },
    ]


def _kpi() -> list[Rule]:
    """Record the headline numbers: k, n, k/n and its Wilson interval, over all workers."""
    share, total = f"{KPI}:ratio", f"{KPI}_denominator:sum"
    centre = f"({share} + {Z**2 / 2!r} / {total})"
    spread = f"{Z!r} * sqrt({share} * (1 - {share}) / {total} + {Z**2 / 4!r} / {total} ^ 2)"
    scale = f"(1 + {Z**2!r} / {total})"
    return [
        _recorded(f"{KPI}_numerator:sum", f"{BY_KPI} (tower_kpi_numerator)"),
        _recorded(total, f"{BY_KPI} (tower_kpi_denominator)"),
        _recorded(share, f"{KPI}_numerator:sum / ({total} > 0)"),
        _recorded(f"{KPI}:wilson_low", f"({centre} - {spread}) / {scale}"),
        _recorded(f"{KPI}:wilson_high", f"({centre} + {spread}) / {scale}"),
    ]


def _objective() -> list[Rule]:
    """Record each carrier's objective; an hour's memory survives a worker's restart."""
    return [_recorded("carrier:tower_on_time_objective:ratio", KNOWN % ON_TIME)]


def _on_time() -> list[Rule]:
    """Record per window how many orders came due, how many missed, and the share of those.

    A carrier that never missed has no such counter yet; its share is 0, not unknown.
    """
    recorded = []
    for window in slo.HOURS:
        due, missed = f"carrier:tower_due:increase{window}", _missed(window)
        recorded += [
            _recorded(due, _increase(DUE, window)),
            _recorded(missed, f"{_increase(MISSED, window)} or 0 * {due}"),
            _recorded(_share(window), f"{missed} / ({due} > 0)"),
        ]
    return [*recorded, _recorded("carrier:tower_on_time_budget_left:ratio7d", _budget_left())]


def _budget_left() -> str:
    return f"1 - {_share('7d')} / on (carrier) (1 - carrier:tower_on_time_objective:ratio)"


def _burns(runbooks: str) -> list[Rule]:
    """Alert when a carrier misses promises so fast that its budget will not last the week."""
    name = "CarrierOnTimeBudgetBurn"
    return [
        {
            "alert": name,
            "expr": _burning(burn),
            "for": burn.lasting,
            "labels": {
                "severity": burn.severity,
                "scope": "carrier",
                "slo": "on_time",
                "window": burn.long,
            },
            "annotations": {
                "summary": "A carrier spends its on-time budget too fast",
                "description": (
                    "{{ $labels.carrier }} missed the promise of "
                    "{{ $value | humanizePercentage }} "
                    f"of the orders that came due in the last {burn.long}, "
                    f"and goes on missing it in the last {burn.short}."
                ),
                "runbook_url": links.runbook(name, runbooks),
            },
        }
        for burn in slo.BURNS
    ]


def _burning(burn: slo.Burn) -> str:
    budget = "(1 - carrier:tower_on_time_objective:ratio)"
    limit = f"clamp_max({burn.factor:g} * {budget}, {slo.CEILING})"
    return "\n".join(
        (
            f"{_share(burn.long)} > on (carrier) {limit}",
            f"and on (carrier) {_share(burn.short)} > on (carrier) {limit}",
            f"and on (carrier) carrier:tower_due:increase{burn.long} >= {burn.due_at_least}",
            f"and on (carrier) {_missed(burn.long)} >= {burn.missed_at_least}",
            f"unless on () time() - max(tower_last_event_timestamp_seconds) > {OLD_SECONDS}",
            "",
        )
    )


def _absent(runbooks: str) -> Rule:
    """Alert when no worker is scraped: nothing is measured and nobody is warned."""
    name = "TowerAbsent"
    return {
        "alert": name,
        "expr": f"absent(up{{{JOB}}} == 1)",
        "for": "2m",
        "labels": {"severity": "page", "scope": "tower"},
        "annotations": {
            "summary": "No worker of the tower answers",
            "description": (
                "Workers that answered their last scrape: "
                f"{{{{ with query `sum(up{{{JOB}}})` }}}}"
                "{{ . | first | value }}{{ else }}0{{ end }}. "
                "Events wait in Kafka; no delay is predicted and no customer is told."
            ),
            "runbook_url": links.runbook(name, runbooks),
        },
    }


def _recorded(name: str, expr: str) -> Rule:
    return {"record": name, "expr": expr}


def _increase(outcomes: str, window: str) -> str:
    return f"sum by (carrier) (increase(tower_deliveries_total{{{outcomes}}}[{window}]))"


def _missed(window: str) -> str:
    return f"carrier:tower_missed:increase{window}"


def _share(window: str) -> str:
    return f"carrier:tower_missed:ratio{window}"
