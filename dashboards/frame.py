"""What every board has around its panels: variables, marks of alerts and deploys, links."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model

from dashboards import house, panels

Row = tuple[str, list[panels.Panel]]
"""The question that a row of a board answers, and the panels that do."""


def board(title: str, uid: str, about: str, rows: Iterable[Row]) -> boards.Dashboard:
    """Return a board of rows with the variables, marks and links that every board has."""
    built = _empty(title, uid, about)
    for question, answers in rows:
        built = built.with_row(boards.Row(question))
        for panel in answers:
            built = built.with_panel(panel)
    return built


def _empty(title: str, uid: str, about: str) -> boards.Dashboard:
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
        .annotation(_alerts("Pages", "page", "red"))
        .annotation(_alerts("Tickets", "ticket", "orange"))
        .annotation(_deploys())
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


def _alerts(name: str, severity: str, color: str) -> boards.AnnotationQuery:
    """Mark how long alerts fired, of the carriers chosen and of the tower itself."""
    chosen = f'severity="{severity}",carrier=~"$carrier|"'
    return (
        boards.AnnotationQuery()
        .name(name)
        .datasource(house.SOURCE)
        .enable(enable=True)
        .icon_color(color)
        .expr(f'ALERTS{{alertstate="firing",{chosen}}}')
        .title_format("{{alertname}}")
        .text_format("{{carrier}} {{severity}} {{window}}")
        .tag_keys("carrier,severity")
    )


def _deploys() -> boards.AnnotationQuery:
    """Mark the five minutes after another version, or another build of it, was first seen."""
    running = "group by (version, commit) (tower_build_info%s)"
    return (
        boards.AnnotationQuery()
        .name("Deploys")
        .datasource(house.SOURCE)
        .enable(enable=True)
        .icon_color("blue")
        .expr(f"{running % ''} unless {running % ' offset 5m'}")
        .title_format("Tower {{version}}")
        .text_format("build {{commit}}")
        .tag_keys("version")
    )
