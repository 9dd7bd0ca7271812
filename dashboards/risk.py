"""The board of what can still be saved: which promises are about to break, at whom, since when.

Rows are carriers: an order has no place in Prometheus. `tower explain` tells of one order.
"""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import units

from dashboards import frame, house, links, panels
from dashboards.house import CARRIERS, HOUR, Text, override, query

TITLE = "Tower / Live risk"
ABOUT = (
    "Promises that have not passed yet and will, those that have, and couriers nobody hears "
    "of: whom to call first, and whether it is growing."
)
SCORE = ("Scorecard", links.board(links.CARRIER, links.NAMED))
SCORE_OF_CURVE = ("Scorecard", links.board(links.CARRIER, links.CURVE))

OPEN = f"sum%s (tower_orders_active{{{CARRIERS}}})"
OUT = f'sum%s (tower_orders_active{{{CARRIERS},state="out_for_delivery"}})'
OVERDUE = f"sum%s (tower_orders_overdue{{{CARRIERS}}})"
SILENT = f"sum%s (tower_couriers_silent{{{CARRIERS}}})"
PREDICTED = f"round(sum%s (increase(tower_delay_predictions_total{{{CARRIERS}}}{HOUR})))"
MISSED = (
    "round(sum%s "
    f'(increase(tower_deliveries_total{{{CARRIERS},outcome=~"late|failed"}}{HOUR})))'
)
BROKEN = f"round(sum%s (increase(tower_sla_breaches_total{{{CARRIERS}}}{HOUR})))"
BY = " by (carrier)"

TEXTS = {
    OVERDUE: Text(
        "Overdue now",
        "Promises that have passed and are not handed over. Call the carrier with the most of "
        "them first; `tower explain` says of an order where it was last seen.",
    ),
    PREDICTED: Text(
        "Delays predicted, last hour",
        "Orders that will probably miss a promise that has not passed. These can still be "
        "saved: reroute or expedite them, and see that their customers were told.",
    ),
    SILENT: Text(
        "Couriers silent",
        "Couriers with stops to come of whom nothing is heard for ten minutes, or thirty if "
        "they stood. Ask their dispatcher to call them: their customers wait.",
    ),
    OUT: Text(
        "Out for delivery",
        "Orders on a courier's tour now. Few by day while many are on the way: tours have not "
        "started, so ask the depot why.",
    ),
    MISSED: Text(
        "Late or failed, last hour",
        "Promises that broke in the last hour. More than were predicted: predictions come too "
        "late to help; look whether ETAs and positions arrive.",
    ),
    BROKEN: Text(
        "Service levels broken, last hour",
        "Breaches of what was signed, counted as each deadline passes. Any: the carrier owes "
        "an answer; its scorecard collects them for the month.",
    ),
}
CURVES = {
    OVERDUE: "A curve that falls in the evening was a slow day; one that does not falls to "
    "tomorrow's tours: warn the customers today.",
    PREDICTED: "Rises an hour or two before overdue does. Rising for one carrier: call it now, "
    "while its promises can be kept.",
    MISSED: "What could not be saved. Compare with the delays predicted before: those that "
    "were not predicted are what predictions have to learn.",
    SILENT: "One carrier alone: its app or its network. All carriers at once: positions do not "
    "reach the tower, look at the pipeline first.",
}
WORRYING: house.Steps = ((None, "green"), (1, "orange"), (50, "red"))
STEPS = {OUT: house.NEUTRAL, BROKEN: house.ALARMING}


def board() -> boards.Dashboard:
    """Return the board of live risk."""
    return frame.board(
        TITLE,
        links.RISK,
        ABOUT,
        (
            ("What can still be saved?", [_large(expr) for expr in TEXTS]),
            ("Whom to call first?", [_at_risk()]),
            ("Is it growing?", _growing()),
        ),
    )


def _large(expr: str) -> panels.Panel:
    steps = STEPS.get(expr, WORRYING)
    return panels.number(
        TEXTS[expr], expr % "", steps, nothing="none set" if expr == BROKEN else "none"
    ).span(4)


def _at_risk() -> table.Panel:
    share = f"{OVERDUE % BY} / ({OPEN % BY} > 0)"
    columns = (
        ("Overdue", f"sort_desc({OVERDUE % BY})"),
        ("Overdue of open", share),
        ("Out for delivery", OUT % BY),
        ("Delays predicted, 1 h", PREDICTED % BY),
        ("Silent couriers", SILENT % BY),
        ("Late or failed, 1 h", MISSED % BY),
        ("Open", OPEN % BY),
    )
    late: house.Steps = ((None, "green"), (0.05, "orange"), (0.15, "red"))
    return (
        panels.rows(
            Text(
                "Carriers at risk, most overdue first",
                "Call from the top. Overdue without silent couriers is a carrier that is slow; "
                "with them, one you cannot see: ask where its couriers are.",
                to=SCORE,
            ),
            "carrier",
            WORRYING,
            columns,
        )
        .no_value("0")
        .decimals(0)
        .override_by_name("Overdue", [override("custom.cellOptions", {"type": "color-text"})])
        .override_by_name(
            "Overdue of open",
            [
                override("unit", units.PercentUnit),
                override("thresholds", house.thresholds(*late).build()),
                override("custom.cellOptions", {"type": "color-text"}),
            ],
        )
        .span(24)
    )


def _growing() -> list[panels.Panel]:
    wide: list[panels.Panel] = [_curves(expr).span(12) for expr in (OVERDUE, PREDICTED)]
    narrow = [_curves(expr) for expr in (MISSED, SILENT)]
    states = panels.lines(
        Text(
            "Orders on the way by state",
            "A band that only grows is a state that orders do not leave: a kind of event "
            "is missing from a feed. Compare with the pipeline's events by kind.",
        ),
        query(OPEN % " by (state)", "{{state}}"),
        stacked=True,
        many=True,
    )
    return [*wide, *narrow, states]


def _curves(expr: str) -> timeseries.Panel:
    text = Text(f"{TEXTS[expr].title} by carrier", CURVES[expr], to=SCORE_OF_CURVE)
    return panels.lines(text, query(expr % BY, "{{carrier}}"))
