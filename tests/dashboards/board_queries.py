"""The metrics that exist and a reader of queries, for tests of boards and rules."""

import re

import promql_parser as promql

# Metrics of the contract that boards and rules may use, with their labels (contract section 4).
METRICS = {
    "tower_kpi_numerator": {"carrier", "kpi", "window"},
    "tower_kpi_denominator": {"carrier", "kpi", "window"},
    "tower_orders_active": {"carrier", "state"},
    "tower_orders_overdue": {"carrier"},
    "tower_deliveries_total": {"carrier", "service", "outcome"},
    "tower_events_consumed_total": {"topic", "event_type"},
    "tower_events_rejected_total": {"topic", "reason"},
    "tower_events_duplicate_total": {"topic"},
    "tower_consumer_lag_records": {"topic", "partition"},
    "tower_last_event_timestamp_seconds": {"topic"},
    "tower_notifications_requested_total": {"kind"},
    "tower_notifications_sent_total": {"kind", "channel"},
    "tower_notifications_suppressed_total": {"kind", "reason"},
    "tower_notifications_failed_total": {"kind", "channel", "reason"},
    "tower_slo_objective_ratio": {"carrier", "slo"},
    "tower_build_info": {"version", "commit"},
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity", "carrier", "window"},
}
VARIABLES = {"__rate_interval": "5m", "carrier": ".+", "window": "7d"}


def filled(expr):
    """Return a board's query with every variable replaced, as Grafana sends it."""
    done = re.sub(r"\$(\w+)", lambda found: VARIABLES[found[1]], expr)
    assert "$" not in done
    return done


def nodes(tree, above=()):
    """Yield every node of a parsed query with the nodes above it."""
    yield tree, above
    for name in ("expr", "lhs", "rhs", "args", "param", "vector_selector", "vs"):
        below = getattr(tree, name, None)
        for each in below if isinstance(below, list) else [below]:
            if type(each).__module__ == "promql_parser":
                yield from nodes(each, (*above, tree))


def selectors(expr):
    """Yield the selectors of a query, each with the nodes above it."""
    for node, above in nodes(promql.parse(expr)):
        if isinstance(node, promql.VectorSelector):
            yield node, above
