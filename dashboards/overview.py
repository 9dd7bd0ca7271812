"""The board for the wall: does every carrier keep its promises now, and does the tower see it?

It fills a screen of 1080 lines in kiosk mode: four rows, no scrolling, nothing to hover over.
"""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import units

from dashboards import frame, headlines, house, links, panels, risk
from dashboards.house import CARRIERS, FEW, RATE, Text, query
from dashboards.rules import JOB

TITLE = "Tower / Overview"
ABOUT = (
    "The wall: headline numbers, who is in trouble, what is on the way, what is firing. "
    "Click a number or a bar to go on to the board that explains it."
)
SAVE = ("What can still be saved", links.board(links.RISK, links.CURVE))
SCORE = ("Scorecard", links.board(links.CARRIER, links.CURVE))
HEALTH = ("Health of the tower", links.board(links.PIPELINE))

FIRING = 'alertstate="firing",severity=~"page|ticket",carrier=~"$carrier|"'


def board() -> boards.Dashboard:
    """Return the overview."""
    return frame.board(
        TITLE,
        links.OVERVIEW,
        ABOUT,
        (
            ("Are promises kept now?", [*(h.large() for h in headlines.HEADLINES), *_state()]),
            ("Who is in trouble?", _carriers()),
            ("What is happening?", _happening()),
            ("What wants an answer?", _answers()),
        ),
    )


def _state() -> list[panels.Panel]:
    return [
        panels.number(
            Text(
                "Orders on the way",
                "Orders not yet handed over, failed or cancelled. A sudden drop means events "
                "are missing: look at freshness and lag.",
                to=HEALTH,
            ),
            risk.OPEN % "",
        ),
        panels.number(
            Text(
                "Overdue",
                "Orders on the way whose promise has passed. When it grows, find the carrier "
                "below and call it before customers call you.",
                to=("What can still be saved", links.board(links.RISK)),
            ),
            risk.OVERDUE % "",
            risk.WORRYING,
        ),
        panels.number(
            Text(
                "Pages firing",
                "Alerts that woke somebody and are not over. Any: read its line below and "
                "follow its runbook; it names what to do first.",
            ),
            'count(ALERTS{alertstate="firing",severity="page"}) or vector(0)',
            house.ALARMING,
        ),
        panels.number(
            Text(
                "Age of the newest event",
                "Time since the newest event was received. When it grows by day, a carrier's "
                "feed or the worker has stopped: compare lag and events set aside.",
                units.Seconds,
                HEALTH,
            ),
            "time() - max(tower_last_event_timestamp_seconds)",
            ((None, "green"), (300, "orange"), (900, "red")),
        ),
        panels.number(
            Text(
                "Workers",
                "Workers that answered their last scrape. None: see the runbook TowerAbsent.",
                to=HEALTH,
            ),
            f"sum(up{{{JOB}}}) or vector(0)",
            ((None, "red"), (1, "green")),
        ),
    ]


def _carriers() -> list[panels.Panel]:
    on_time, first = headlines.ON_TIME, headlines.FIRST_ATTEMPT
    fired = 'max by (carrier) (ALERTS{alertstate="firing",severity="%s",%s})'
    page, ticket = (fired % (severity, CARRIERS) for severity in ("page", "ticket"))
    fine = f"0 * group by (carrier) (tower_orders_overdue{{{CARRIERS}}})"
    return [
        panels.bars(
            Text(
                "On time, worst first",
                "The carrier on top misses most promises. Red with many orders: open its "
                "scorecard for the reasons, then call it.",
                units.PercentUnit,
                SCORE,
            ),
            f"sort({on_time.by_carrier})",
            on_time.steps,
            nothing=FEW,
        ).max(1),
        panels.bars(
            Text(
                "First attempt, worst first",
                "The carrier on top comes twice most often. Red: look on its scorecard whether "
                "customers were out, addresses bad or doors closed.",
                units.PercentUnit,
                SCORE,
            ),
            f"sort({first.by_carrier})",
            first.steps,
            nothing=FEW,
        ).max(1),
        panels.states(
            Text(
                "Alerts by carrier",
                "Green: its budget of missed promises will last. Orange: it is spent too fast, "
                "talk to the carrier in hours of business. Red: call it now.",
                to=SCORE,
            ),
            f"2 * {page} or {ticket} or {fine}",
            (("fine", "green"), ("ticket", "orange"), ("page", "red")),
        ),
    ]


def _happening() -> list[panels.Panel]:
    verdicts = f"sum%s (rate(tower_deliveries_total{{{CARRIERS}}}{RATE}%s)) * 3600"
    shown: list[panels.Panel] = [
        panels.lines(
            Text(
                "Verdicts an hour",
                "First verdicts by outcome, and all of a week ago. Far below last week by day: "
                "a carrier's feed or the worker has stopped.",
            ),
            query(verdicts % (" by (outcome)", ""), "{{outcome}}"),
            query(verdicts % ("", " offset 1w"), "a week ago", "B"),
        ),
        panels.lines(
            Text(
                "Overdue orders by carrier",
                "Promises that passed without a handover. One carrier rising alone: call it. "
                "All rising together: look at intake first.",
                to=SAVE,
            ),
            query(risk.OVERDUE % risk.BY, "{{carrier}}"),
        ),
        panels.lines(
            Text(
                "Notices to customers an hour",
                "Requested is sent plus suppressed, failed and waiting. Failed rising: the "
                "provider refuses; sent at zero while requested is not: the dispatcher is "
                "down.",
                to=("Customers", links.board(links.CUSTOMERS)),
            ),
            *notices(),
        ),
    ]
    return [each.height(7) for each in shown]


def notices() -> list[house.Query]:
    """Return the queries for what was asked of the dispatcher and what became of it."""
    steps = ("requested", "sent", "suppressed", "failed")
    return [
        query(
            house.at_least_none(f"sum(rate(tower_notifications_{step}_total{RATE})) * 3600"),
            step,
            ref,
        )
        for ref, step in zip("ABCD", steps, strict=True)
    ]


def _answers() -> list[panels.Panel]:
    shown: list[tuple[panels.Panel, int]] = [
        (
            panels.listing(
                Text(
                    "Firing alerts",
                    "What fires now, for the tower or a carrier. Follow the runbook of its "
                    "name; what a page already says, its tickets need not.",
                ),
                f"ALERTS{{{FIRING}}}",
                {
                    "severity": "Severity",
                    "alertname": "Alert",
                    "carrier": "Carrier",
                    "window": "Window",
                },
                nothing="nothing fires",
            ),
            12,
        ),
        (
            panels.lines(
                Text(
                    "Delays predicted, last hour",
                    "Orders expected to miss a promise that has not passed yet. A carrier "
                    "rising: open what can still be saved and move its orders.",
                    to=SAVE,
                ),
                query(risk.PREDICTED % risk.BY, "{{carrier}}"),
            ),
            12,
        ),
    ]
    return [panel.height(4).span(width) for panel, width in shown]
