"""What every board agrees on: selectors, ranges, colours, words, and how a query is asked."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as promql

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
CARRIERS = 'carrier=~"$carrier"'
"""The one selector of carriers; every query on a series with a carrier uses it."""

RATE = "[$__rate_interval]"
HOUR, DAY = "[1h]", "[1d]"
"""Ranges: of a rate over time, of what happened lately, and of shares of few orders."""

WINDOWS = ("today", "7d", "28d", "all")
"""Windows of the headline numbers: days of the cohort by the tower's clock."""

MINIMUM = 30
"""Headline numbers of fewer orders are not shown: their interval would say anything."""

ANSWERS = 10
"""Marks of fewer customers are not shown; few answer at all, and n stands beside."""

FEW = f"n < {MINIMUM}"

Override = model.DynamicConfigValue
Query = prometheus.Dataquery
Steps = tuple[tuple[float | None, str], ...]
NEUTRAL: Steps = ((None, "blue"),)
ALARMING: Steps = ((None, "green"), (1, "red"))
"""Of what there should be none."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel says about itself: its title, what to do when it looks wrong, its unit.

    `to` is where a click leads: how the place is called, and its address.
    """

    title: str
    description: str
    unit: str = units.Short
    to: tuple[str, str] | None = None


def query(expr: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query over the board's time range."""
    return _asked(expr, ref).legend_format(legend).range()


def newest(expr: str, legend: str) -> prometheus.Dataquery:
    """Return a query for the newest value of each series."""
    return _asked(expr, "A").legend_format(legend).instant()


def now(expr: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query for the newest values as a table."""
    return _asked(expr, ref).instant().format(promql.PromQueryFormat.TABLE)


def at_least_none(expr: str) -> str:
    """Return the query with 0 where it finds nothing, as of what never happened."""
    return f"{expr} or on () vector(0)"


def buckets(expr: str) -> prometheus.Dataquery:
    """Return a query for the buckets of a histogram over the board's time range."""
    return query(expr, "{{le}}").format(promql.PromQueryFormat.HEATMAP)


def thresholds(*steps: tuple[float | None, str]) -> boards.ThresholdsConfig:
    """Return colours by value; the first step is the base and has no value."""
    return (
        boards.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )


def override(name: str, value: object) -> Override:
    """Return one property of a field that a column sets for itself."""
    return model.DynamicConfigValue(id_val=name, value=value)


def _asked(expr: str, ref: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .datasource(SOURCE)
        .expr(expr)
        .ref_id(ref)
        .editor_mode(promql.QueryEditorMode.CODE)
    )
