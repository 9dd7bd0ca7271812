"""The house rules of boards, over the rendered JSON: no exceptions."""

import json
import re

import promql_parser as promql
import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import links, render
from tests.dashboards.board_queries import COUNTED, filled, selectors


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
        if panel["type"] in {"timeseries", "state-timeline"}:
            assert panel["options"]["legend"]["showLegend"]
            assert panel["options"]["tooltip"]["mode"] == "multi"
            assert all(target["legendFormat"] for target in panel["targets"])
        if panel["type"] in {"stat", "bargauge"}:
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
            divides = "objective" in selector.name  # a series that is chosen already
            tower_s_own = selector.name == "ALERTS" and not chosen
            if divides or tower_s_own:
                continue
            assert ("carrier" in known_metrics[selector.name]) == bool(chosen), panel["title"]
            assert all(matcher.value in {"$carrier", "$carrier|"} for matcher in chosen)


def test_what_is_counted_stands_inside_a_rate_and_what_is_absolute_does_not(board):
    for panel, target in queries(board):
        for selector, above in selectors(filled(target["expr"])):
            inside = {node.func.name for node in above if isinstance(node, promql.Call)}
            grows = bool({"rate", "increase"} & inside)
            if selector.name in COUNTED:
                assert grows, (panel["title"], selector.name)
            elif not selector.name.endswith("_bucket"):
                assert not grows, (panel["title"], selector.name)


def test_a_rate_is_over_the_rate_interval_and_an_increase_over_an_hour_or_a_day(board):
    ranges = {"rate": {"$__rate_interval"}, "increase": {"1h", "1d"}}
    for panel, target in queries(board):
        over = re.findall(r"\b(rate|increase)\([^\[\]]*\[([^\]]+)\]", target["expr"])
        assert len(over) == target["expr"].count("["), panel["title"]
        for name, length in over:
            assert length in ranges[name], panel["title"]


def test_headline_shares_hide_below_thirty_orders(board):
    shares = [
        target["expr"]
        for _, target in queries(board)
        if any(f"tower_kpi{part}" in target["expr"] for part in (":ratio", ":wilson", "_num"))
    ]
    assert all((">= 10)" if "csat" in expr else ">= 30)") in expr for expr in shares)


@pytest.mark.parametrize("kpi", ["on_time", "first_attempt", "eta_within_10min"])
def test_the_three_headline_numbers_are_shown(boards, kpi):
    shown = {
        uid: {
            panel["type"] for panel, each in queries(boards[uid]) if f'"{kpi}"' in each["expr"]
        }
        for uid in (links.OVERVIEW, links.CARRIER)
    }
    assert "stat" in shown[links.OVERVIEW]
    assert {"stat", "table"} <= shown[links.CARRIER]


def test_tables_name_their_columns(board):
    for panel in panels(board):
        if panel["type"] != "table":
            continue
        renamed = panel["transformations"][-1]["options"]["renameByName"]
        joined = len(panel["targets"]) > 1
        if joined:
            assert {f"Value #{target['refId']}" for target in panel["targets"]} <= set(renamed)
        assert renamed["carrier"] == "Carrier"
        assert all(target["format"] == "table" for target in panel["targets"])


def test_an_override_is_of_a_column_that_is_there(board):
    for panel in panels(board):
        names = set()
        for step in panel.get("transformations", []):
            names |= set(step["options"].get("renameByName", {}).values())
        for each in panel["fieldConfig"]["overrides"]:
            assert each["matcher"]["options"] in names, panel["title"]


def test_the_board_is_kept_in_the_repository_alone(board):
    assert board["uid"] in vars(links).values()
    assert board["editable"] is False
    assert "version" not in board
    assert board.get("id") is None
    assert board["schemaVersion"] >= 41
    assert "tower" in board["tags"]
    assert board["description"].endswith(".")


def test_identifiers_and_titles_are_unique(boards):
    assert len(boards) == 5
    assert len({each["title"] for each in boards.values()}) == 5


def test_the_wall_fits_its_screen(boards):
    # 1080 lines hold 28 units of 30 pixels and 8 between them; its cells need no scrolling.
    bottom = max(
        p["gridPos"]["y"] + p["gridPos"]["h"] for p in boards[links.OVERVIEW]["panels"]
    )
    assert bottom <= 28
    assert boards[links.OVERVIEW]["refresh"] == "30s"


def test_the_decoder_of_the_sdk_reads_the_board_as_it_was_written(board):
    plugins.register_default_plugins()
    again = render.written(Dashboard.from_json(board))
    assert json.loads(again) == board


def addresses(board):
    for panel in panels(board):
        for link in panel["fieldConfig"]["defaults"].get("links", []):
            yield panel, link


def test_every_link_leads_to_a_board_that_takes_its_variables(boards):
    followed = set()
    for board in boards.values():
        for panel, link in addresses(board):
            assert link["title"], panel["title"]
            at, asked = link["url"].removeprefix("/d/").split("?")
            followed.add((board["uid"], at))
            known = {each["name"] for each in boards[at]["templating"]["list"]}
            carried = set(re.findall(r"var-(\w+)=", asked))
            carried |= set(re.findall(r"\$\{(\w+):queryparam\}", asked))
            assert carried <= known
            assert carried == {"carrier", "window"}, link
            assert "${__url_time_range}" in asked
    assert {at for _, at in followed} == set(boards) - {links.OVERVIEW}
    assert {at for board, at in followed if board == links.OVERVIEW} == set(boards) - {
        links.OVERVIEW
    }


def test_a_link_names_the_carrier_that_its_panel_has(boards):
    for board in boards.values():
        for panel, link in addresses(board):
            if "__field.labels.carrier" in link["url"]:
                assert all("{{carrier}}" in each["legendFormat"] for each in panel["targets"])
            if "__data.fields.Carrier" in link["url"]:
                assert panel["type"] == "table"


def test_every_variable_that_is_used_is_there(board):
    known = {each["name"] for each in board["templating"]["list"]}
    known |= {"__all", "__rate_interval", "__url_time_range", "__data", "__field"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(board))) <= known


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


def test_links_and_marks_stay_on_the_board(board, known_metrics):
    assert all("placement" not in each for each in board["links"])
    marks = board["annotations"]["list"]
    assert [each["name"] for each in marks] == ["Pages", "Tickets", "Deploys"]
    for mark in marks:
        assert "placement" not in mark
        assert mark["enable"] is True
        assert mark["datasource"]["uid"] == "${datasource}"
        found = list(selectors(filled(mark["expr"])))
        assert found
        for selector, _ in found:
            labels = {matcher.name for matcher in selector.matchers.matchers}
            assert labels <= known_metrics[selector.name]
