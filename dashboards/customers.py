"""The board of customers: are they told in time, and are they content?"""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import units

from dashboards import answers, frame, headlines, house, links, overview, panels
from dashboards.house import CARRIERS, HOUR, RATE, Text, query

TITLE = "Tower / Customers"
ABOUT = (
    "Notices of delays from being asked for to being sent, and what customers say of delivery: "
    "satisfaction, recommendation, effort, and the courier's communication and professionalism."
)
MARKS: house.Steps = ((None, "red"), (3.5, "orange"), (4.2, "green"))
CES: house.Steps = ((None, "red"), (4.5, "orange"), (5.5, "green"))
NPS: house.Steps = ((None, "red"), (0, "orange"), (30, "green"))

RECOMMENDED = answers.promoters(
    Text(
        "NPS",
        "Promoters less detractors, of a hundred answers: from -100 to 100. Below 0 more "
        "people warn of you than recommend you: read their comments, the late orders first.",
        units.Short,
    ),
    NPS,
)
EFFORT = answers.marks(
    Text(
        "Effort (CES, 1 to 7)",
        "How easy receiving the order was; 7 is best. Low while satisfaction holds: customers "
        "have to wait or to collect; offer them times and places to choose.",
    ),
    CES,
    "tower_feedback_ces_score",
    7,
)
COMMUNICATION, PROFESSIONALISM = (
    answers.marks(text, MARKS, "tower_feedback_courier_score", 5, f',aspect="{aspect}"')
    for aspect, text in (
        (
            "communication",
            Text(
                "Courier: communication",
                "Marks from 1 to 5 for how couriers keep customers informed. Low at one "
                "carrier: show it these marks; low at all: check that notices go out.",
            ),
        ),
        (
            "professionalism",
            Text(
                "Courier: professionalism",
                "Marks from 1 to 5 for how couriers behave at the door. Low at one carrier: "
                "its month's scorecard ranks couriers fairly; ask for training, not for "
                "names.",
            ),
        ),
    )
)
INSTRUMENTS = (RECOMMENDED, EFFORT, COMMUNICATION, PROFESSIONALISM)

GONE = "sum(increase(tower_notifications_%s_total%s)) or vector(0)"
DELAY = f"sum by (le) (rate(tower_notification_delay_seconds_bucket{RATE}))"


def board() -> boards.Dashboard:
    """Return the board of customers."""
    content = [headlines.CSAT.large(), *(each.large() for each in INSTRUMENTS)]
    return frame.board(
        TITLE,
        links.CUSTOMERS,
        ABOUT,
        (
            ("Are customers told in time?", [*_told(), *_telling()]),
            ("Are they content?", [*content, *_answered()]),
            (
                "With which carrier? (95 % interval)",
                [headlines.CSAT.table(), *(each.table() for each in INSTRUMENTS), _satisfied()],
            ),
        ),
    )


def _told() -> list[panels.Panel]:
    shown = [
        panels.number(
            Text(
                "Notices asked for, last hour",
                "Delays, worse delays and all-clears the tower wants told. Many at once: open "
                "live risk, something is going wrong on the road.",
                to=("What can still be saved", links.board(links.RISK)),
            ),
            GONE % ("requested", HOUR),
        ),
        panels.number(
            Text(
                "Sent, last hour",
                "Notices a provider has accepted. None while some are asked for: look whether "
                "the dispatcher runs and why notices are withheld.",
            ),
            GONE % ("sent", HOUR),
        ),
        panels.number(
            Text(
                "Failed, last hour",
                "Notices given up after retries. Any: read the reasons below; a refusing "
                "provider wants a new password, a bad address wants a new contact.",
            ),
            GONE % ("failed", HOUR),
            house.ALARMING,
        ),
        panels.number(
            Text(
                "Waiting",
                "Notices not settled yet, those held for quiet hours among them. Growing by "
                "day: the provider is slow or refuses; look at the reasons of retries.",
            ),
            "sum(tower_notifications_waiting)",
            ((None, "green"), (100, "orange"), (1000, "red")),
        ),
    ]
    return [each.span(6) for each in shown]


def _telling() -> list[panels.Panel]:
    return [
        panels.lines(
            Text(
                "What becomes of notices, an hour",
                "Requested is sent plus suppressed, failed and waiting. Sent far below "
                "requested: the next panel says who or what withholds them.",
            ),
            *overview.notices(),
        ),
        panels.lines(
            Text(
                "Notices withheld by reason, an hour",
                "Mostly without consent or contact: ask for them at checkout. Mostly expired: "
                "notices come too late, look at the time to be told.",
            ),
            query(
                f"sum by (reason) (rate(tower_notifications_suppressed_total{RATE})) * 3600",
                "{{reason}}",
            ),
            stacked=True,
        ),
        panels.lines(
            Text(
                "Time until told",
                "From a notice asked for to its acceptance by a provider: half of them, and "
                "all but 5 in 100. Minutes: the provider is slow, or the dispatcher lags.",
                units.Seconds,
            ),
            query(f"histogram_quantile(0.5, {DELAY})", "half"),
            query(f"histogram_quantile(0.95, {DELAY})", "95 of 100", "B"),
        ),
        panels.lines(
            Text(
                "Notices asked for by kind, an hour",
                "Many delay_worse for each delay_predicted: first estimates are too hopeful. "
                "Many delay_cleared: they are too gloomy. Tune the notice policy.",
            ),
            query(
                f"sum by (kind) (rate(tower_notifications_requested_total{RATE})) * 3600",
                "{{kind}}",
            ),
            stacked=True,
        ),
        panels.lines(
            Text(
                "Tries that failed by reason, an hour",
                "Tries to be repeated and notices given up, by channel. Repeated ones come "
                "and go; given up ones want the reason repaired at provider or contact.",
            ),
            query(_failures("retried"), "{{channel}} {{reason}} repeated"),
            query(_failures("failed"), "{{channel}} {{reason}} given up", "B"),
        ),
        panels.lines(
            Text(
                "Dispatcher: records waiting",
                "Commands and contacts appended and not yet read. Growing: start the "
                "dispatcher again; notices expire, so what waits long is not sent.",
            ),
            query(
                'sum by (topic) (tower_consumer_lag_records{job="tower-dispatcher"})',
                "{{topic}}",
            ),
        ),
    ]


def _failures(step: str) -> str:
    tries = f"sum by (channel, reason) (rate(tower_notifications_{step}_total{RATE})) * 3600"
    return house.at_least_none(tries)


def _answered() -> list[panels.Panel]:
    told = f"sum(tower_feedback_csat_score_count{{{CARRIERS}}})"
    return [
        panels.number(
            Text(
                "Answers about satisfaction",
                "How many customers gave a mark from 1 to 5, ever. Few: every number beside is "
                "unsure, so invite more of them before you act on one.",
            ),
            told,
        ),
        panels.number(
            Text(
                "Answers an order due",
                "Satisfaction marks for each order that came due. Under 1 in 20: those who are "
                "angry answer first, so marks look worse than they are.",
                units.PercentUnit,
            ),
            f'{told} / sum(tower_kpi_denominator{{{CARRIERS},kpi="on_time",window="all"}})',
            ((None, "orange"), (0.05, "green")),
        ),
        panels.number(
            Text(
                "Unhappy (CSAT 1 or 2)",
                "Ones and twos of all answers. Growing while the mean holds: a few are treated "
                "badly; find their carrier below and read what they wrote.",
                units.PercentUnit,
            ),
            f'sum(tower_feedback_csat_score_bucket{{{CARRIERS},le="2.0"}})'
            f" / ({told} >= {house.ANSWERS})",
            ((None, "green"), (0.1, "orange"), (0.2, "red")),
            nothing=f"n < {house.ANSWERS}",
        ),
    ]


def _satisfied() -> panels.Panel:
    score = f"sum by (carrier) (tower_feedback_csat_score_%s{{{CARRIERS}}})"
    return panels.lines(
        Text(
            "Mean satisfaction over time",
            "The mean of all marks so far, so a small step is a bad day. A step down for one "
            "carrier: look at its verdicts of the days before.",
        ),
        query(f"{score % 'sum'} / ({score % 'count'} > 0)", "{{carrier}}"),
    ).max(5)
