"""The metrics that exist and a reader of queries, for tests of boards and rules."""

import re

import promql_parser as promql

from tests.prometheus.described import rows

PARTS = ("_bucket", "_count", "_sum")
SCRAPED = {
    "up": {"job", "instance"},
    "scrape_duration_seconds": {"job", "instance"},
    "scrape_samples_scraped": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity", "carrier", "window"},
}


def _series():
    """Return every series of the document with its labels; a histogram is three."""
    for row in rows():
        labels = row.labels | {"job", "instance"}
        if row.type != "histogram":
            yield row.name, labels
            continue
        for part in PARTS[:1] if "deviation" in row.name else PARTS:  # edges below 0: no sum
            yield row.name + part, labels | ({"le"} if part == "_bucket" else set())


# Every metric there is, as docs/metrics.md describes it; a test holds it against a scrape.
METRICS = dict(_series()) | SCRAPED
# Counters that are counted up while something happens; those of the cells are absolute.
COUNTED = {row.name for row in rows() if row.type == "counter" and row.source != "cells"}
VARIABLES = {"__rate_interval": "5m", "carrier": ".+", "window": "7d"}


def filled(expr, **chosen):
    """Return a board's query with every variable replaced, as Grafana sends it."""
    values = VARIABLES | chosen
    done = re.sub(r"\$(\w+)", lambda found: values[found[1]], expr)
    assert "$" not in done
    return done


def asked(board):
    """Yield panel, reference and filled-in query of everything a board asks."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["refId"], filled(target["expr"])


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
