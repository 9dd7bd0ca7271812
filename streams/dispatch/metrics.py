"""What the dispatcher counts: what was asked for, and what became of it.

Over any time, requested = sent + suppressed + failed + the growth of the gauge `waiting`.
Labels are closed lists: kinds of notices, channels, reasons. Counters begin at 0 with the
process, the gauge of waiting notices with what the claims file holds.
"""

from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.notices import NoticeKind
from streams.dispatch.channels.email import EMAIL
from streams.dispatch.routes import Breaker, Routes

DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3_600)


class DispatchMetrics:
    """The dispatcher's metrics, in a registry of their own."""

    def watch(self, routes: Routes) -> None:
        """Expose which breakers are open."""
        gauge = Gauge(
            "tower_notification_breaker_open",
            "1 while a provider is left alone after too many failures.",
            ("provider",),
            registry=self.registry,
        )
        for each in routes.providers:
            gauge.labels(each.name).set_function(partial(_open, each.breaker))

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()

        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"tower_{name}", says, labels, registry=registry)

        self.requested = counter("notifications_requested", "Notices asked for.", "kind")
        self.sent = counter(
            "notifications_sent", "Notices a provider accepted.", "kind", "channel"
        )
        self.too_late = counter(
            "notifications_too_late", "Notices accepted after the promise had passed.", "kind"
        )
        self.suppressed = counter(
            "notifications_suppressed", "Notices withheld.", "kind", "reason"
        )
        self.failed = counter(
            "notifications_failed", "Notices given up.", "kind", "channel", "reason"
        )
        self.retried = counter(
            "notifications_retried", "Tries to be repeated.", "kind", "channel", "reason"
        )
        self.maybe = counter(
            "notifications_maybe", "Sends repeated under the same id after a doubt.", "channel"
        )
        self.barred = counter(
            "contact_points_barred",
            "Addresses that a provider says are never to be used again.",
            "channel",
            "reason",
        )
        self.dead_lettered = counter(
            "notifications_dead_lettered", "Commands set aside unread.", "kind", "channel"
        )
        self.contacts = counter("contact_updates", "Contact updates kept.")
        self.rejected = counter(
            "events_dead_lettered", "Messages set aside, by topic.", "topic", "reason"
        )
        self.waiting = Gauge(
            "tower_notifications_waiting", "Notices not settled.", registry=registry
        )
        self.lag = Gauge(
            "tower_consumer_lag_records",
            "Records appended and not yet read.",
            ("topic", "partition"),
            registry=registry,
        )
        self.delay = Histogram(
            "tower_notification_delay_seconds",
            "Seconds from a notice asked for to its acceptance by a provider.",
            ("kind", "channel"),
            buckets=DELAY_BUCKETS,
            registry=registry,
        )
        self.send_seconds = Histogram(
            "tower_notification_send_seconds",
            "Seconds that one try took, by what came of it.",
            ("channel", "provider", "outcome"),
            buckets=DELAY_BUCKETS[:10],
            registry=registry,
        )
        for kind in get_args(NoticeKind):
            self.requested.labels(kind)
            self.sent.labels(kind, EMAIL)
            self.too_late.labels(kind)
            self.suppressed.labels(kind, "duplicate")


def _open(breaker: Breaker) -> float:
    return float(breaker.open)
