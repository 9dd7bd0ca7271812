"""The first board: does every carrier keep its promises now, and does the tower see it?"""

from dataclasses import dataclass, replace

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import units

from dashboards import frame, house, links, slo
from dashboards.house import CARRIERS, MINIMUM, Text, lines, number, override, query, rows
from dashboards.rules import JOB, KPI

TITLE = "Tower / Overview"
ABOUT = "Headline numbers per carrier, promises at risk and the health of intake."
RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline number: its `kpi` label, what its panels say, and its colours."""

    kpi: str
    text: Text
    steps: house.Steps

    @property
    def chosen(self) -> str:
        """Return the selector of this number for the carriers and days chosen on the board."""
        return f'{{{CARRIERS},kpi="{self.kpi}",window="$window"}}'


HEADLINES = (
    Headline(
        "on_time",
        Text(
            "On-time accuracy",
            "Orders handed over inside the promise, of all that came due. When it falls, look "
            "at the burn rate below and at that carrier's outcomes: early, late or failed.",
            units.PercentUnit,
        ),
        ((None, "red"), (0.9, "orange"), (0.95, "green")),
    ),
    Headline(
        "first_attempt",
        Text(
            "First-attempt success",
            "First attempts that ended in a handover. When it falls, ask `tower explain` for "
            "some orders of that carrier: the reasons of their attempts tell where to act.",
            units.PercentUnit,
        ),
        ((None, "red"), (0.85, "orange"), (0.92, "green")),
    ),
    Headline(
        "eta_within_10min",
        Text(
            "ETA within 10 minutes",
            "ETAs in force that were at most 10 minutes from the handover. When it falls, "
            "the feed is late or wrong: compare its freshness and its ETAs with the handovers.",
            units.PercentUnit,
        ),
        ((None, "red"), (0.7, "orange"), (0.85, "green")),
    ),
)


def board() -> boards.Dashboard:
    """Return the overview: headline numbers, promises, orders, customers, intake."""
    built = frame.board(TITLE, links.OVERVIEW, ABOUT)
    for row, panels in (
        ("Are promises kept now?", [*_headlines(), *_state()]),
        ("Which carrier keeps them? (95 % interval)", _tables()),
        ("Who spends the budget of late orders?", _promises()),
        ("What is on the way, and who is told?", [*_orders(), *_customers()]),
        ("Does the tower see everything?", _intake()),
    ):
        built = built.with_row(boards.Row(row))
        for panel in panels:
            built = built.with_panel(panel)
    return built


def _headlines() -> list[house.Panel]:
    """Show each headline number over the chosen carriers, hidden when too few orders count."""
    panels: list[house.Panel] = []
    for each in HEADLINES:
        count = f"(sum({KPI}_denominator:sum{each.chosen}) >= {MINIMUM})"
        share = f"sum({KPI}_numerator:sum{each.chosen}) / {count}"
        panels.append(number(each.text, share, each.steps, nothing=f"n < {MINIMUM}"))
    return panels


def _state() -> list[house.Panel]:
    return [
        number(
            Text(
                "Orders on the way",
                "Orders not yet handed over, failed or cancelled. A sudden drop means events "
                "are missing: look at freshness and lag.",
            ),
            f"sum(tower_orders_active{{{CARRIERS}}})",
        ),
        number(
            Text(
                "Overdue",
                "Orders on the way whose promise has passed. When it grows, find the carrier "
                "below and call it before customers call you.",
            ),
            f"sum(tower_orders_overdue{{{CARRIERS}}})",
            ((None, "green"), (1, "orange"), (50, "red")),
        ),
        number(
            Text(
                "Age of the newest event",
                "Time since the newest event happened. When it grows by day, a carrier's "
                "feed or the worker has stopped: compare lag and rejected events.",
                units.Seconds,
            ),
            "time() - max(tower_last_event_timestamp_seconds)",
            ((None, "green"), (300, "orange"), (900, "red")),
        ),
        number(
            Text(
                "Records waiting",
                "Records of the inbound topics not yet folded. When it stays high, start "
                "another worker; when it never falls, follow the runbook TowerAbsent.",
            ),
            "sum(tower_consumer_lag_records)",
            ((None, "green"), (1000, "orange"), (100_000, "red")),
        ),
        number(
            Text(
                "Workers",
                "Workers that answered their last scrape. None: see the runbook TowerAbsent.",
            ),
            f"sum(up{{{JOB}}}) or vector(0)",
            ((None, "red"), (1, "green")),
        ),
    ]


def _tables() -> list[house.Panel]:
    """Show each headline number per carrier with its interval and its number of orders."""
    panels: list[house.Panel] = []
    for each in HEADLINES:
        count = f"sum by (carrier) ({KPI}_denominator:sum{each.chosen})"
        enough = f"and on (carrier) ({count} >= {MINIMUM})"
        columns = [
            (name, f"sum by (carrier) ({KPI}:{series}{each.chosen}) {enough}")
            for name, series in (
                ("Share", "ratio"),
                ("Low", "wilson_low"),
                ("High", "wilson_high"),
            )
        ]
        text = replace(each.text, title=f"{each.text.title} by carrier")
        panels.append(
            rows(text, "carrier", each.steps, (*columns, ("Orders", count))).override_by_name(
                "Orders", [override("unit", "short"), override("decimals", 0)]
            )
        )
    return panels


def _promises() -> list[house.Panel]:
    burns = [
        query(
            f"carrier:tower_missed:ratio{window}{{{CARRIERS}}} / on (carrier) (1 - "
            "carrier:tower_on_time_objective:ratio)",
            f"{{{{carrier}}}} {window}",
            ref,
        )
        for ref, window in (("A", "1h"), ("B", "6h"))
    ]
    page, slower = slo.BURNS[0].factor, slo.BURNS[1].factor
    return [
        lines(
            Text(
                "Burn rate by carrier",
                f"1 spends the on-time budget in exactly seven days; {slower:g} over six "
                f"hours or {page:g} over one pages. Above a line: runbook "
                "CarrierOnTimeBudgetBurn.",
            ),
            *burns,
            steps=((None, "transparent"), (slower, "orange"), (page, "red")),
        ),
        lines(
            Text(
                "Budget left, 7 days",
                "1 is untouched, 0 is spent. Near 0, talk to the carrier about the week, not "
                "about one order.",
                units.PercentUnit,
            ),
            query(f"carrier:tower_on_time_budget_left:ratio7d{{{CARRIERS}}}", "{{carrier}}"),
        ),
        lines(
            Text(
                "Orders by outcome",
                "Verdicts a second. Mostly `indeterminate` means times without an offset: "
                "repair the mapping; mostly `excluded` means promises are missing from the "
                "feed.",
                units.EventsPerSecond,
            ),
            query(
                f"sum by (outcome) (rate(tower_deliveries_total{{{CARRIERS}}}{RATE}))",
                "{{outcome}}",
            ),
            stacked=True,
        ),
    ]


def _orders() -> list[house.Panel]:
    return [
        lines(
            Text(
                "Orders on the way by state",
                "A band that only grows is a state that orders do not leave: a kind of event "
                "is missing from a feed.",
            ),
            query(f"sum by (state) (tower_orders_active{{{CARRIERS}}})", "{{state}}"),
            stacked=True,
        ),
        lines(
            Text(
                "Overdue orders by carrier",
                "Promises that passed without a handover. One carrier rising alone: call it. "
                "All rising together: look at intake first.",
            ),
            query(f"sum by (carrier) (tower_orders_overdue{{{CARRIERS}}})", "{{carrier}}"),
        ),
    ]


def _customers() -> list[house.Panel]:
    steps = [
        query(
            f"sum(rate(tower_notifications_{step}_total{RATE}))",
            step,
            ref,
        )
        for ref, step in zip("ABCD", ("requested", "sent", "suppressed", "failed"), strict=True)
    ]
    return [
        lines(
            Text(
                "Notices to customers",
                "Requested is sent plus suppressed, failed and waiting. Failed rising: the "
                "mail server refuses; sent at zero while requested is not: the dispatcher is "
                "down.",
                units.EventsPerSecond,
            ),
            *steps,
        )
    ]


def _intake() -> list[house.Panel]:
    return [
        lines(
            Text(
                "Events accepted",
                "By topic. A topic at zero by day has lost its producer.",
                units.EventsPerSecond,
            ),
            query(f"sum by (topic) (rate(tower_events_consumed_total{RATE}))", "{{topic}}"),
            query(
                f"sum by (topic) (rate(tower_events_duplicate_total{RATE}))",
                "{{topic}} again",
                "B",
            ),
        ),
        lines(
            Text(
                "Events set aside",
                "By reason. Read some with `tower dead-letters list`; a new reason is a "
                "producer that changed its format.",
                units.EventsPerSecond,
            ),
            query(
                f"sum by (topic, reason) (rate(tower_events_rejected_total{RATE}))",
                "{{topic}} {{reason}}",
            ),
            stacked=True,
        ),
        lines(
            Text(
                "Records waiting by topic",
                "One partition alone: its worker hangs. All: too few workers, or slow Kafka.",
            ),
            query("sum by (topic) (tower_consumer_lag_records)", "{{topic}}"),
            query("max by (topic) (tower_consumer_lag_records)", "{{topic}} worst", "B"),
        ),
        lines(
            Text(
                "Age of the newest event by topic",
                "Time since the newest event of a topic happened. A steady climb is a feed "
                "that stopped; a step is a feed that sends old events.",
                units.Seconds,
            ),
            query("time() - max by (topic) (tower_last_event_timestamp_seconds)", "{{topic}}"),
        ),
    ]
