"""What every board has around its panels: variables, alerts as marks, links to the others."""

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

from dashboards import house


def board(title: str, uid: str, about: str) -> boards.Dashboard:
    """Return an empty board with the variables, alerts and links that every board has."""
    return (
        boards.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags(["tower"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone(common.TimeZoneBrowser)
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(
            boards.DatasourceVariable("datasource").label("Data source").type("prometheus")
        )
        .with_variable(_carrier())
        .with_variable(_window())
        .annotation(_alerts())
        .link(
            boards.DashboardLink("Tower boards")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["tower"])
            .as_dropdown(as_dropdown=True)
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
    )


def _carrier() -> boards.QueryVariable:
    values = "label_values(tower_orders_active, carrier)"
    return (
        boards.QueryVariable("carrier")
        .label("Carrier")
        .datasource(house.SOURCE)
        .query({"query": values, "refId": "carrier"})
        .definition(values)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".+")
        .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _window() -> boards.CustomVariable:
    chosen = "7d"
    return (
        boards.CustomVariable("window")
        .label("Days of the headline numbers")
        .values(",".join(house.WINDOWS))
        .options(
            [
                model.VariableOption(selected=each == chosen, text=each, value=each)
                for each in house.WINDOWS
            ]
        )
        .current(model.VariableOption(selected=True, text=chosen, value=chosen))
    )


def _alerts() -> boards.AnnotationQuery:
    return (
        boards.AnnotationQuery()
        .name("Alerts")
        .datasource(house.SOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr('ALERTS{alertstate="firing",severity=~"page|ticket"}')
        .title_format("{{alertname}}")
        .text_format("{{carrier}} {{severity}} {{window}}")
        .tag_keys("carrier,severity")
    )
