"""The alerts that watch no budget, as a table: what is broken, how long, whom it concerns.

A carrier's signs of trouble and those of the tower itself. What each means for customers and
what to do is in its runbook; the texts here say who and how much. Alerts on rates of progress,
not on what is waiting alone: after an outage much is waiting and all is well.
"""

from dataclasses import dataclass
from typing import Literal

from dashboards.budgets import REREADING, Rule
from dashboards.links import CARRIER as SCORECARD
from dashboards.links import CUSTOMERS, PIPELINE, RISK, Places

WORKERS = 'job="tower-worker"'
DISPATCHERS = 'job="tower-dispatcher"'
NEWS = f"unless on () {REREADING}"

CARRIER, COUNT = "{{ $labels.carrier }}", '{{ $value | printf "%.0f" }}'
SHARE, SPAN = "{{ $value | humanizePercentage }}", "{{ $value | humanizeDuration }}"

Severity = Literal["page", "ticket", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: `expr` lasting `lasting`; `hours` are muted at night in Alertmanager.

    `keep` is how long it goes on firing once its expression is silent.
    """

    name: str
    severity: Severity
    lasting: str
    expr: str
    summary: str
    description: str
    board: str = PIPELINE
    hours: Literal["all", "operating"] = "all"
    keep: str = ""

    @property
    def scope(self) -> str:
        """Whom it concerns: one carrier, or the tower."""
        return "carrier" if self.name.startswith("Carrier") else "tower"

    def rule(self, at: Places) -> Rule:
        """Return the alert as Prometheus takes it."""
        carrier = self.scope == "carrier"
        labels = {"severity": self.severity, "scope": self.scope}
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.lasting,
            **({"keep_firing_for": self.keep} if self.keep else {}),
            "labels": labels | ({"hours": self.hours} if self.hours != "all" else {}),
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": at.runbook(self.name),
                "dashboard_url": at.board(self.board, of_carrier=carrier),
            },
        }


def _grown(series: str, window: str, by: str = "") -> str:
    return f"sum{f' by ({by})' if by else ''} (increase({series}[{window}]))"


_HEARD = 'tower_delivery_attempts_total{result="success"}'
_FAILED, _SENT, _ASKED, _WITHHELD = (
    f"tower_notifications_{end}_total" for end in ("failed", "sent", "requested", "suppressed")
)
_OVERDUE = "sum by (carrier) (tower_orders_overdue)"
_ACTIVE = "sum by (carrier) (tower_orders_active)"
_SETTLED = " + ".join(
    f"({_grown(each, '1h')} or vector(0))" for each in (_SENT, _WITHHELD, _FAILED)
)
_SLOW = "sum by (channel, le) (increase(tower_notification_delay_seconds_bucket[15m]))"

CARRIERS = (
    Alert(
        "CarrierOrdersOverdue",
        "ticket",
        "15m",
        f"{_OVERDUE} / on (carrier) {_ACTIVE} > 0.25"
        f"\nand on (carrier) {_OVERDUE} >= 20\n{NEWS}\n",
        "Many open orders of a carrier are past their promise",
        f"{SHARE} of the open orders of {CARRIER} are past their promise:"
        ' {{ with printf "sum(tower_orders_overdue{carrier=%q})" $labels.carrier | query }}'
        '{{ . | first | value | printf "%.0f" }}{{ end }} orders.',
        board=RISK,
    ),
    Alert(
        "CarrierFeedSilent",
        "ticket",
        "15m",
        f"{_grown(_HEARD, '1h', 'carrier').replace('[1h]', '[1h] offset 1w')} >= 20"
        f"\nunless on (carrier) {_grown(_HEARD, '1h', 'carrier')} > 0\n{NEWS}\n",
        "A carrier that delivered at this hour last week tells of no delivery",
        f"{CARRIER} told of {COUNT} deliveries in this hour last week, and of none now.",
        hours="operating",
        board=SCORECARD,
    ),
    Alert(
        "CarrierSlaBreaches",
        "ticket",
        "5m",
        "sum by (carrier, metric)"
        ' (increase(tower_sla_breaches_total{severity=~"major|critical"}[1h])) >= 5'
        f"\n{NEWS}\n",
        "A carrier breaks what was agreed, order after order",
        f"{CARRIER} broke the agreed {{{{ $labels.metric }}}} for {COUNT} orders in an hour.",
        board=SCORECARD,
    ),
    Alert(
        "CarrierCouriersSilent",
        "ticket",
        "10m",
        f"sum by (carrier) (tower_couriers_silent) >= 3\n{NEWS}\n",
        "Couriers with stops to come send no position",
        f"{COUNT} couriers of {CARRIER} have stops to come and have fallen silent.",
        board=RISK,
    ),
)

TOWER = (
    Alert(
        "TowerAbsent",
        "page",
        "2m",
        f"absent(up{{{WORKERS}}} == 1)",
        "No worker of the tower answers",
        f"Workers that answered their last scrape: {{{{ with query `sum(up{{{WORKERS}}})` }}}}"
        "{{ . | first | value }}{{ else }}0{{ end }}. "
        "Events wait in Kafka; no delay is predicted and no customer is told.",
    ),
    Alert(
        "DispatcherAbsent",
        "page",
        "5m",
        f"absent(up{{{DISPATCHERS}}} == 1)",
        "No dispatcher answers",
        "Dispatchers that answered their last scrape:"
        f" {{{{ with query `sum(up{{{DISPATCHERS}}})` }}}}"
        "{{ . | first | value }}{{ else }}0{{ end }}. "
        "Delays are predicted, and no customer is told of them.",
        board=CUSTOMERS,
    ),
    Alert(
        "TowerProcessDown",
        "ticket",
        "10m",
        'up{job=~"tower-.+"} == 0',
        "A process of the tower does not answer",
        "{{ $labels.instance }} of {{ $labels.job }} has not answered a scrape for 10 min.",
    ),
    Alert(
        "TowerPartitionStuck",
        "page",
        "3m",
        "max by (topic, partition) (tower_partition_commit_age_seconds) > 120",
        "A partition is not worked on",
        "Partition {{ $labels.partition }} of {{ $labels.topic }} was last made durable"
        f" {SPAN} ago; a second is usual. Its orders stand still.",
    ),
    Alert(
        "TowerLagGrowing",
        "page",
        "10m",
        "sum by (topic) (tower_consumer_lag_records) > 1000"
        "\nand on (topic) sum by (topic) (deriv(tower_consumer_lag_records[15m])) > 0\n",
        "More comes in than is worked off",
        f"{COUNT} records of {{{{ $labels.topic }}}} are waiting, and the number grows.",
    ),
    Alert(
        "TowerClockStuck",
        "page",
        "5m",
        "max(tower_clock_lag_seconds) > 120"
        "\nand on () max(deriv(tower_clock_lag_seconds[5m])) > 0.5\n",
        "The tower's clock stands still",
        f"The tower's clock is {SPAN} behind the present and falls back further:"
        " no deadline passes, so no order is judged late and no delay is told.",
    ),
    Alert(
        "TowerFeedSilent",
        "ticket",
        "5m",
        "time() - max by (topic) (tower_last_event_timestamp_seconds) > 900"
        "\nand on () max(tower_clock_lag_seconds) < 120\n",
        "Nothing comes in from outside",
        f"The last message on {{{{ $labels.topic }}}} came {SPAN} ago.",
        hours="operating",
    ),
    Alert(
        "TowerDeadLetters",
        "ticket",
        "5m",
        f"{_grown('tower_events_dead_lettered_total', '15m', 'topic, reason')} > 10",
        "Messages are set aside because they cannot be read",
        f"{COUNT} messages of {{{{ $labels.topic }}}} in 15 min were set aside as"
        " {{ $labels.reason }}.",
        keep="15m",
    ),
    Alert(
        "NotificationsFailing",
        "page",
        "5m",
        f"{_grown(_FAILED, '15m', 'channel')}"
        f" / on (channel) ({_grown(_FAILED, '15m', 'channel')}"
        f" + on (channel) {_grown(_SENT, '15m', 'channel')}) > 0.1"
        f"\nand on (channel) {_grown(_FAILED, '15m', 'channel')}"
        f" + on (channel) {_grown(_SENT, '15m', 'channel')} >= 20\n",
        "Messages to customers are given up",
        f"{SHARE} of the messages by {{{{ $labels.channel }}}} were given up in 15 min.",
        board=CUSTOMERS,
    ),
    Alert(
        "NotificationsSlow",
        "ticket",
        "10m",
        f"histogram_quantile(0.95, {_SLOW}) > 120"
        "\nand on (channel)"
        " sum by (channel) (increase(tower_notification_delay_seconds_count[15m])) >= 20\n",
        "Customers are told late",
        f"One in twenty messages by {{{{ $labels.channel }}}} took more than {SPAN} to be"
        " accepted.",
        board=CUSTOMERS,
    ),
    Alert(
        "NotificationsWaiting",
        "ticket",
        "15m",
        f"sum(tower_notifications_waiting) > 100\nunless on () {_grown(_SENT, '30m')} > 0\n",
        "Messages to customers wait and none is sent",
        f"{COUNT} messages wait, and none was sent in the last 30 min.",
        hours="operating",
        board=CUSTOMERS,
    ),
    Alert(
        "NotificationsUnaccounted",
        "ticket",
        "15m",
        f"abs({_grown(_ASKED, '1h')} - ({_SETTLED})"
        "\n  - sum(delta(tower_notifications_waiting[1h]))) > 20"
        f"\nand on () {_grown(_ASKED, '1h')} > 0\n",
        "Messages asked for are neither sent, withheld, given up nor waiting",
        f"{COUNT} messages asked for in the last hour are not accounted for.",
        board=CUSTOMERS,
    ),
    Alert(
        "TowerReplayInProgress",
        "none",
        "0s",
        "max(tower_replay_in_progress) == 1",
        "The tower works through a backlog",
        "{{ with query `sum(tower_consumer_lag_records)` }}"
        '{{ . | first | value | printf "%.0f" }}{{ end }} records are waiting.'
        " What carriers seem to do meanwhile is not news.",
    ),
    Alert(
        "Watchdog",
        "none",
        "0s",
        "vector(1)",
        "Prometheus and Alertmanager work",
        "Sent every minute, {{ $value }} for ever. Who stops getting it must be woken.",
    ),
)
