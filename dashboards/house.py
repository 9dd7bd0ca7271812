"""How every board looks: the defaults of the house, so that a board says only what it shows.

The SDK's own defaults hide legends, number no panel and reduce nothing; here they are set once.
"""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as parts
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as promql

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
CARRIERS = 'carrier=~"$carrier"'
"""The one selector of carriers; every query on a series with a carrier uses it."""

WINDOWS = ("today", "7d", "28d", "all")
"""Windows of the headline numbers: days of the cohort by the tower's clock."""

MINIMUM = 30
"""Headline numbers of fewer orders are not shown: their interval would say anything."""

Panel = stat.Panel | timeseries.Panel | table.Panel
Steps = tuple[tuple[float | None, str], ...]
NEUTRAL: Steps = ((None, "blue"),)


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel says about itself: its title, what to do when it looks wrong, its unit."""

    title: str
    description: str
    unit: str = units.Short


def query(expr: str, legend: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query over the board's time range."""
    return _asked(expr, ref).legend_format(legend).range()


def now(expr: str, ref: str = "A") -> prometheus.Dataquery:
    """Return a query for the newest values as a table."""
    return _asked(expr, ref).instant().format(promql.PromQueryFormat.TABLE)


def number(
    text: Text, expr: str, steps: Steps = NEUTRAL, *, nothing: str = "no data"
) -> stat.Panel:
    """Return one large number, coloured by its steps; `nothing` shows when it has no value."""
    return (
        stat.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .thresholds(thresholds(*steps))
        .reduce_options(parts.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.AREA)
        .no_value(nothing)
        .with_target(query(expr))
        .height(4)
        .span(3)
    )


def lines(
    text: Text, *queries: prometheus.Dataquery, steps: Steps = (), stacked: bool = False
) -> timeseries.Panel:
    """Return curves over time; steps become dashed lines, stacked curves add up."""
    panel = (
        timeseries.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .legend(_legend())
        .tooltip(_tooltip())
        .line_width(2)
        .fill_opacity(60 if stacked else 10)
        .show_points(common.VisibilityMode.NEVER)
        .min(0)
        .height(8)
        .span(8)
    )
    if stacked:
        panel = panel.stacking(parts.StackingConfig().mode(common.StackingMode.NORMAL))
    if steps:
        dashed = parts.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(thresholds(*steps)).thresholds_style(dashed)
    for each in queries:
        panel = panel.with_target(each)
    return panel


def rows(
    text: Text, by: str, steps: Steps, columns: tuple[tuple[str, str], ...]
) -> table.Panel:
    """Return a table: one row a value of the label `by`, one column a (name, expression)."""
    refs = [chr(ord("A") + index) for index in range(len(columns))]
    named = {f"Value #{ref}": name for ref, (name, _) in zip(refs, columns, strict=True)}
    hidden = {f"Time {index}": True for index in range(1, len(columns) + 1)} | {"Time": True}
    panel = (
        table.Panel()
        .title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(SOURCE)
        .thresholds(thresholds(*steps))
        .no_value(f"n < {MINIMUM}")
        .with_transformation(_transformed("joinByField", byField=by, mode="outer"))
        .with_transformation(
            _transformed(
                "organize",
                excludeByName=hidden,
                renameByName=named | {by: by.capitalize()},
            )
        )
        .height(8)
        .span(8)
    )
    for ref, (_, expr) in zip(refs, columns, strict=True):
        panel = panel.with_target(now(expr, ref))
    return panel


def thresholds(*steps: tuple[float | None, str]) -> boards.ThresholdsConfig:
    """Return colours by value; the first step is the base and has no value."""
    return (
        boards.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(value=value, color=color) for value, color in steps])
    )


def override(name: str, value: object) -> model.DynamicConfigValue:
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


def _legend() -> parts.VizLegendOptions:
    return (
        parts.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs(["lastNotNull", "max"])
    )


def _tooltip() -> parts.VizTooltipOptions:
    return (
        parts.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )


def _transformed(name: str, **options: object) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(id_val=name, options=options)
