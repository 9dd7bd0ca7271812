"""The house rules of boards, over the rendered JSON: no exceptions."""

import promql_parser as promql
import pytest

from dashboards import links
from tests.dashboards.board_queries import filled, nodes, selectors


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    return [(panel, target) for panel in panels(board) for target in panel["targets"]]


def test_every_row_asks_a_question(board):
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows
    assert all("?" in title for title in rows)


def test_every_panel_has_title_description_and_unit(board):
    for panel in panels(board):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert len(panel["description"].split()) > 8, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_titles_are_unique(board):
    titles = [panel["title"] for panel in panels(board)]
    assert len(titles) == len(set(titles))


def test_panels_are_numbered_and_do_not_overlap(board):
    assert [panel["id"] for panel in board["panels"]] == list(
        range(1, len(board["panels"]) + 1)
    )
    taken = {}
    for panel in board["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, (panel["title"], taken.get((x, y)))
                taken[x, y] = panel["title"]


def test_every_panel_and_query_takes_the_data_source_of_the_board(board):
    for panel in panels(board):
        assert panel["datasource"]["uid"] == "${datasource}"
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs)) > 0
        assert all(
            target["datasource"]["uid"] == "${datasource}" for target in panel["targets"]
        )


def test_curves_and_numbers_show_what_they_are(board):
    for panel in panels(board):
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"]
            assert panel["options"]["tooltip"]["mode"] == "multi"
            assert all(target["legendFormat"] for target in panel["targets"])
        if panel["type"] == "stat":
            assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
            assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"] is None


def test_every_query_names_only_series_and_labels_that_exist(board, known_metrics):
    for panel, target in queries(board):
        for selector, _ in selectors(filled(target["expr"])):
            assert selector.name in known_metrics, (panel["title"], selector.name)
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known_metrics[selector.name], (panel["title"], labels)


def test_a_series_with_a_carrier_obeys_the_choice_of_carriers(board, known_metrics):
    for panel, target in queries(board):
        for selector, _ in selectors(target["expr"].replace("$__rate_interval", "5m")):
            chosen = [m for m in selector.matchers.matchers if m.name == "carrier"]
            if "objective" in selector.name:  # divides a series that is chosen already
                continue
            assert ("carrier" in known_metrics[selector.name]) == bool(chosen), panel["title"]
            assert all(matcher.value == "$carrier" for matcher in chosen)


def test_counters_stand_inside_a_rate_over_the_rate_interval(board):
    for panel, target in queries(board):
        for selector, above in selectors(filled(target["expr"])):
            inside = [node.func.name for node in above if isinstance(node, promql.Call)]
            counts = selector.name.endswith("_total")
            assert counts == ("rate" in inside), (panel["title"], selector.name)
        ranges = [
            node
            for node, _ in nodes(promql.parse(filled(target["expr"])))
            if isinstance(node, promql.MatrixSelector)
        ]
        assert len(ranges) == target["expr"].count("[$__rate_interval]"), panel["title"]


def test_headline_numbers_hide_below_thirty_orders(board):
    shares = [
        target["expr"]
        for _, target in queries(board)
        if "tower_kpi" in target["expr"] and _count_only(target) != "tower_kpi_denominator:sum"
    ]
    assert len(shares) == 3 + 3 * 3  # three numbers; three tables of share, low, high
    assert all(">= 30)" in expr for expr in shares)


def _count_only(target):
    names = {selector.name for selector, _ in selectors(filled(target["expr"]))}
    return names.pop().split(":", 1)[1] if len(names) == 1 else None


@pytest.mark.parametrize("kpi", ["on_time", "first_attempt", "eta_within_10min"])
def test_the_three_headline_numbers_are_shown(board, kpi):
    shown = {
        panel["type"] for panel, target in queries(board) if f'kpi="{kpi}"' in target["expr"]
    }
    assert shown == {"stat", "table"}


def test_tables_name_their_columns(board):
    for panel in panels(board):
        if panel["type"] != "table":
            continue
        renamed = panel["transformations"][1]["options"]["renameByName"]
        assert {f"Value #{target['refId']}" for target in panel["targets"]} <= set(renamed)
        assert renamed["carrier"] == "Carrier"
        assert all(target["format"] == "table" for target in panel["targets"])


def test_the_board_is_kept_in_the_repository_alone(board):
    assert board["uid"] == links.OVERVIEW
    assert board["editable"] is False
    assert "version" not in board
    assert board.get("id") is None
    assert board["schemaVersion"] >= 41


def test_variables_reload_with_the_time_range(board):
    variables = {each["name"]: each for each in board["templating"]["list"]}
    assert list(variables) == ["datasource", "carrier", "window"]
    assert variables["carrier"]["refresh"] == 2
    assert variables["carrier"]["allValue"] == ".+"
    assert [option["value"] for option in variables["window"]["options"]] == [
        "today",
        "7d",
        "28d",
        "all",
    ]


def test_links_and_alerts_stay_on_the_board(board):
    assert all("placement" not in each for each in board["links"])
    [alerts] = board["annotations"]["list"]
    assert "placement" not in alerts
    assert alerts["enable"] is True
