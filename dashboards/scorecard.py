"""The board of a carrier, or of all side by side: how good it is, how sure that is, why."""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import units

from dashboards import budgets, frame, headlines, house, links, panels, slo
from dashboards.house import CARRIERS, DAY, HOUR, RATE, Text, override, query

TITLE = "Tower / Carrier scorecard"
ABOUT = (
    "One carrier, or all: the report's numbers with their intervals, the budget of missed "
    "promises, and the causes. Choose a carrier above or click one in a table."
)
ON_TIME = f'{CARRIERS},slo="on_time"'
ROOM = f"(1 - {budgets.OBJECTIVE})"
BUDGET = f"sum by (carrier) ({budgets.BUDGET_LEFT}{{{ON_TIME}}})"
LEFT: house.Steps = ((None, "red"), (0.25, "orange"), (0.5, "green"))


def board() -> boards.Dashboard:
    """Return the scorecard."""
    first = (headlines.ON_TIME, headlines.OTD, headlines.ACCOUNTABLE, headlines.FIRST_ATTEMPT)
    then = (headlines.FIRST_ACCOUNTABLE, headlines.ETA, headlines.ETA_WIDE)
    return frame.board(
        TITLE,
        links.CARRIER,
        ABOUT,
        (
            ("How good is it?", [*(h.large() for h in (*first, *then)), _worst_budget()]),
            ("Which carrier is best?", [_side_by_side()]),
            ("How sure is that? (95 % interval)", [h.table() for h in headlines.HEADLINES]),
            ("Is it getting worse?", _budget()),
            ("Why are promises missed?", _causes()),
            ("Can its ETAs be believed?", _etas()),
        ),
    )


def _worst_budget() -> panels.Panel:
    return panels.number(
        Text(
            "Least budget left",
            "Of the carriers chosen, what the worst one has left of its missed promises of "
            "seven days: 1 is untouched, below 0 is spent. Spent: agree on measures, not on "
            "excuses.",
            units.PercentUnit,
        ),
        f"min({BUDGET})",
        LEFT,
        nothing="no objective",
    )


def _side_by_side() -> table.Panel:
    shown = (
        ("On time", headlines.ON_TIME),
        ("Carrier's fault apart", headlines.ACCOUNTABLE),
        ("First attempt", headlines.FIRST_ATTEMPT),
        ("ETA in 10 min", headlines.ETA),
        ("Satisfied", headlines.CSAT),
    )
    columns = [(name, each.by_carrier) for name, each in shown]
    columns += [
        ("Budget left", BUDGET),
        ("Orders due", headlines.ON_TIME.orders),
    ]
    panel = panels.rows(
        Text(
            "Carriers side by side",
            "A colour is worse than agreed; an empty cell has fewer than 30 orders. Click a "
            "carrier for what can still be saved there; compare intervals before you rank two.",
            units.PercentUnit,
            headlines.ONWARD,
        ),
        "carrier",
        house.NEUTRAL,
        tuple(columns),
    )
    for name, each in shown:
        panel = panel.override_by_name(name, _coloured(each.steps))
    return (
        panel.override_by_name("Budget left", _coloured(LEFT))
        .override_by_name("Orders due", panels.COUNT)
        .span(24)
    )


def _coloured(steps: house.Steps) -> list[house.Override]:
    return [
        override("custom.cellOptions", {"type": "color-text"}),
        override("thresholds", house.thresholds(*steps).build()),
    ]


def _budget() -> list[panels.Panel]:
    page = slo.BURNS[1]
    return [
        panels.lines(
            Text(
                f"Burn rate over {page.long}",
                "1 spends the on-time budget in exactly seven days. Above the line for a while "
                "it pages: follow the runbook CarrierOnTimeBudgetBurn.",
            ),
            query(
                f"{budgets.share(page.long)}{{{ON_TIME}}} / on (carrier, slo) {ROOM}",
                "{{carrier}}",
            ),
            steps=((None, "transparent"), (page.factor, "red")),
        ),
        panels.lines(
            Text(
                "Budget left, 7 days",
                "1 is untouched, below 0 is more than spent. Near 0, talk to the carrier about "
                "the week, not about one order.",
                units.PercentUnit,
            ),
            query(BUDGET, "{{carrier}}"),
            signed=True,
        ),
        panels.lines(
            Text(
                "Missed promises, a day",
                "Share of the orders that came due in a day and were early, late or failed. A "
                "step is a change at the carrier; a slope is its trend: show it in the review.",
                units.PercentUnit,
            ),
            query(f"{budgets.share('1d')}{{{ON_TIME}}}", "{{carrier}}"),
        ),
    ]


def _causes() -> list[panels.Panel]:
    failed = f'{CARRIERS},attempt="first",result="failure"'
    return [
        panels.lines(
            Text(
                "Verdicts by outcome, an hour",
                "Mostly late: too many stops. Mostly early: windows are not respected. Mostly "
                "`indeterminate`: times lack offsets, repair the mapping. `excluded`: no "
                "promises.",
            ),
            query(
                f"sum by (outcome) (rate(tower_deliveries_total{{{CARRIERS}}}{RATE})) * 3600",
                "{{outcome}}",
            ),
            stacked=True,
        ),
        panels.lines(
            Text(
                "Failed first attempts by reason, a day",
                "Customers absent: tell them earlier. Bad addresses: repair them at the shop. "
                "No time or no access: talk to the carrier about routes.",
            ),
            query(
                "topk(8, sum by (reason) "
                f"(increase(tower_delivery_attempts_total{{{failed}}}{DAY})))",
                "{{reason}}",
            ),
            stacked=True,
            many=True,
        ),
        panels.heat(
            Text(
                "Handovers around the end of the promise",
                "How long after the end of the promise orders are handed over, negative is "
                "before. A band just below 0 is luck, one above it is late: ask for slack.",
                units.Seconds,
            ),
            "sum by (le) "
            f"(increase(tower_delivery_deviation_seconds_bucket{{{CARRIERS}}}{HOUR}))",
        ),
        panels.lines(
            Text(
                "Service levels broken by carrier, last hour",
                "Breaches of what was signed, and those cleared later. Each is in the facts "
                "with its evidence: collect them for the month's scorecard.",
            ),
            query(_levels("breaches"), "{{carrier}} broken"),
            query(_levels("breach_reversed"), "{{carrier}} cleared", "B"),
        ).span(12),
        panels.lines(
            Text(
                "Called off and sent back by reason",
                "All orders that ended without a handover so far. One reason growing: refused "
                "and damaged point to the carrier, no longer wanted points to the shop.",
            ),
            query(_ended("cancelled"), "cancelled {{reason}}"),
            query(_ended("returned"), "returned {{reason}}", "B"),
        ).span(12),
    ]


def _levels(which: str) -> str:
    return f"sum by (carrier) (increase(tower_sla_{which}_total{{{CARRIERS}}}{HOUR}))"


def _ended(how: str) -> str:
    return f"sum by (reason) (tower_orders_{how}_total{{{CARRIERS}}})"


def _etas() -> list[panels.Panel]:
    near = (
        "sum by (horizon) "
        f'(increase(tower_eta_error_seconds_bucket{{{CARRIERS},le="%s"}}{DAY}))'
    )
    signed = (
        "sum by (carrier, le) "
        f"(increase(tower_eta_deviation_seconds_bucket{{{CARRIERS}}}{DAY}))"
    )
    return [
        panels.lines(
            Text(
                "ETA within 10 minutes by horizon, a day",
                "ETAs should improve as the handover nears. Flat: the carrier does not update "
                "them; low at t15: they are no better than the promise, do not show them.",
                units.PercentUnit,
            ),
            query(
                f"{near % '600.0'} / ({near % '+Inf'} > 0)",
                "{{horizon}}",
            ),
        ).max(1),
        panels.lines(
            Text(
                "Median of handover minus ETA, a day",
                "Above 0 the carrier promises too much, below 0 too little. Steady and the "
                "same for all: ask it to take the bias out.",
                units.Seconds,
            ),
            query(f"histogram_quantile(0.5, {signed})", "{{carrier}}"),
            signed=True,
        ),
        panels.lines(
            Text(
                "ETAs said, an hour",
                "Copies included. None by day: the feed of ETAs has stopped, and customers see "
                "the promise alone. Very many an order: they jump about.",
            ),
            query(
                "sum by (carrier, source) "
                f"(rate(tower_eta_updates_total{{{CARRIERS}}}{RATE})) * 3600",
                "{{carrier}} by {{source}}",
            ),
        ),
    ]
