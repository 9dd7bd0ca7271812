"""The kinds of panels there are, so that a board says only what it shows.

The SDK's own defaults hide legends, number no panel and reduce nothing; here they are set once.
"""

from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import common as parts
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as colours

from dashboards import house
from dashboards.house import NEUTRAL, Steps, Text

Panel = (
    stat.Panel
    | timeseries.Panel
    | bargauge.Panel
    | statetimeline.Panel
    | heatmap.Panel
    | table.Panel
)
_P = TypeVar(
    "_P",
    stat.Panel,
    timeseries.Panel,
    bargauge.Panel,
    statetimeline.Panel,
    heatmap.Panel,
    table.Panel,
)

COUNT = [house.override("unit", units.Short), house.override("decimals", 0)]
"""A column that counts, in a table of shares."""


def number(
    text: Text, expr: str, steps: Steps = NEUTRAL, *, nothing: str = "no data"
) -> stat.Panel:
    """Return one large number, coloured by its steps; `nothing`, in grey, where it has none."""
    grey = model.ValueMappingResult(text=nothing, color="#585862", index=0)
    unknown = model.DashboardSpecialValueMapOptions(
        match=model.SpecialValueMatch.NULL_AND_NAN, result=grey
    )
    return (
        _described(stat.Panel(), text)
        .mappings([model.SpecialValueMap(options=unknown)])
        .thresholds(house.thresholds(*steps))
        .reduce_options(_newest())
        .color_mode(common.BigValueColorMode.BACKGROUND)
        .graph_mode(common.BigValueGraphMode.AREA)
        .no_value(nothing)
        .with_target(house.query(expr))
        .height(4)
        .span(3)
    )


def lines(
    text: Text,
    *queries: prometheus.Dataquery,
    steps: Steps = (),
    stacked: bool = False,
    many: bool = False,
    signed: bool = False,
) -> timeseries.Panel:
    """Return curves over time; steps become dashed lines, stacked curves add up.

    Of `many` curves the names stand at the side; `signed` ones go below 0.
    """
    panel = (
        _described(timeseries.Panel(), text)
        .legend(_legend(many=many))
        .tooltip(_tooltip())
        .line_width(2)
        .fill_opacity(60 if stacked else 10)
        .show_points(common.VisibilityMode.AUTO)
    )
    if not signed:
        panel = panel.min(0)
    if stacked:
        panel = panel.stacking(parts.StackingConfig().mode(common.StackingMode.NORMAL))
    if steps:
        dashed = parts.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(house.thresholds(*steps)).thresholds_style(dashed)
    for each in queries:
        panel = panel.with_target(each)
    return panel


def bars(text: Text, expr: str, steps: Steps, *, nothing: str = "no data") -> bargauge.Panel:
    """Return a bar a carrier, in the order of the query, coloured by its steps."""
    return (
        _described(bargauge.Panel(), text)
        .thresholds(house.thresholds(*steps))
        .reduce_options(_newest())
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .no_value(nothing)
        .min(0)
        .with_target(house.newest(expr, "{{carrier}}"))
    )


def states(text: Text, expr: str, named: tuple[tuple[str, str], ...]) -> statetimeline.Panel:
    """Return a band a carrier over time; `named` are word and colour of the values 0, 1, 2."""
    words = {
        str(value): model.ValueMappingResult(text=word, color=color, index=value)
        for value, (word, color) in enumerate(named)
    }
    return (
        _described(statetimeline.Panel(), text)
        .mappings([model.ValueMap(options=words)])
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .tooltip(_tooltip())
        .legend(_legend())
        .with_target(house.query(expr, "{{carrier}}"))
    )


def heat(text: Text, expr: str) -> heatmap.Panel:
    """Return how the buckets of a histogram fill over time; its unit is that of the y axis."""
    scheme = colours.HeatmapColorMode.SCHEME
    return (
        _described(heatmap.Panel(), text)
        .calculate(calculate=False)
        .color(heatmap.HeatmapColorOptions().mode(scheme).scheme("Oranges").steps(32))
        .y_axis(heatmap.YAxisConfig().unit(text.unit))
        .with_target(house.buckets(expr))
    )


def rows(
    text: Text, by: str, steps: Steps, columns: tuple[tuple[str, str], ...]
) -> table.Panel:
    """Return a table: one row a value of the label `by`, one column a (name, expression)."""
    refs = [chr(ord("A") + index) for index in range(len(columns))]
    named = {f"Value #{ref}": name for ref, (name, _) in zip(refs, columns, strict=True)}
    hidden = {f"Time {index}": True for index in range(1, len(columns) + 1)} | {"Time": True}
    panel = (
        _described(table.Panel(), text)
        .thresholds(house.thresholds(*steps))
        .no_value(house.FEW)
        .with_transformation(_transformed("joinByField", byField=by, mode="outer"))
        .with_transformation(
            _transformed(
                "organize",
                excludeByName=hidden,
                renameByName=named | {by: by.capitalize()},
            )
        )
    )
    for ref, (_, expr) in zip(refs, columns, strict=True):
        panel = panel.with_target(house.now(expr, ref))
    return panel


def listing(
    text: Text, expr: str, columns: dict[str, str], *, nothing: str = "none"
) -> table.Panel:
    """Return a table of the series of a query; `columns` names their labels, in order."""
    return (
        _described(table.Panel(), text)
        .no_value(nothing)
        .with_target(house.now(expr))
        .with_transformation(
            _transformed(
                "organize",
                excludeByName={"Time": True, "Value": True},
                indexByName={label: place for place, label in enumerate(columns)},
                renameByName=columns,
            )
        )
    )


def _described(panel: _P, text: Text) -> _P:
    """Give a panel what all have: words, unit, source, a place to go on to, a size."""
    panel.title(text.title).description(text.description).unit(text.unit)
    panel.datasource(house.SOURCE).height(8).span(8)
    if text.to is not None:
        title, url = text.to
        link = boards.DashboardLink(title).type(model.DashboardLinkType.LINK).url(url)
        panel.data_links([link])
    return panel


def _newest() -> parts.ReduceDataOptions:
    return parts.ReduceDataOptions().calcs(["lastNotNull"])


def _legend(*, many: bool = False) -> parts.VizLegendOptions:
    return (
        parts.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.RIGHT if many else common.LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
        .calcs([])
    )


def _tooltip() -> parts.VizTooltipOptions:
    return (
        parts.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )


def _transformed(name: str, **options: object) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(id_val=name, options=options)
