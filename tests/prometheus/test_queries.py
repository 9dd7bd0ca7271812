"""What Prometheus answers is what the report says; what ships for it suits the processes."""

import math

import pytest

from dashboards import customers, headlines, house
from models.rules import Rules
from streams.domain.report import report as report_of
from tests.dashboards.board_queries import asked, filled
from tests.dashboards.conftest import BOARDS
from tests.hostile.exposition import checked
from tests.processes import until
from tests.prometheus.conftest import LONGEST

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(120)]

# How the report calls what the metrics call by the name of a KPI.
HEADLINES = {
    "on_time": ("delivery_time", "accuracy"),
    "otd": ("delivery_time", "otd"),
    "on_time_accountable": ("delivery_time", "accountable", "accuracy"),
    "first_attempt": ("first_attempt", "success"),
    "first_attempt_accountable": ("first_attempt", "accountable", "success"),
    "eta_within_10min": ("eta_deviation", "ofd", "within_10min"),
    "eta_within_15min": ("eta_deviation", "ofd", "within_15min"),
}


@pytest.mark.parametrize("kpi", HEADLINES)
def test_a_headline_is_the_reports_for_every_carrier(scene, kpi):
    assert len(scene.report["carriers"]) >= 3
    assert LONGEST in scene.report["carriers"]
    said = {}
    for carrier, part in scene.report["carriers"].items():
        for step in HEADLINES[kpi]:
            part = part[step]  # noqa: PLW2901
        said[carrier] = (part["k"], part["n"])
    assert sum(n for _, n in said.values()) > 0

    def asked():
        k, n = (
            scene.prometheus.by(
                "carrier", f'sum by (carrier) (tower_kpi_{part}{{kpi="{kpi}",window="all"}})'
            )
            for part in ("numerator", "denominator")
        )
        return {carrier: (k[carrier], n[carrier]) for carrier in k.keys() & n.keys()}

    until(lambda: asked() == said, 20, lambda: f"{asked()} is not {said}")


def test_counts_of_events_are_the_reports(scene):
    events = scene.report["events"]

    def total(query):
        return sum(scene.prometheus.ask(query).values())

    until(
        lambda: total("sum(tower_events_consumed_total)") + sum(events["rejected"].values())
        - events["rejected"].get("order_closed", 0) == events["read"],
        20,
    )  # fmt: skip
    by_reason = scene.prometheus.by("reason", "sum by (reason) (tower_events_rejected_total)")
    assert {reason: count for reason, count in by_reason.items() if count} == {
        reason: count
        for reason, count in events["rejected"].items()
        if reason not in {"order_closed", "order_too_large"}
    }


def test_open_orders_are_the_reports(scene):
    active = scene.prometheus.by("carrier", "sum by (carrier) (tower_orders_active)")
    overdue = scene.prometheus.by("carrier", "sum by (carrier) (tower_orders_overdue)")
    for carrier, part in scene.report["carriers"].items():
        assert active.get(carrier, 0) == part["open"]
        assert overdue[carrier] == part["overdue"]


def test_every_process_is_scraped_within_the_limits_that_ship(scene):
    jobs = sorted(each["labels"]["job"] for each in scene.prometheus.targets())
    assert jobs == ["tower-dispatcher", "tower-worker", "tower-worker"]
    until(scene.prometheus.up, 10)
    assert scene.prometheus.ask("up == 0") == {}


def test_every_rule_that_ships_can_be_evaluated(scene):
    until(
        lambda: all(rule["health"] == "ok" for rule in scene.prometheus.rules()),
        20,
        lambda: str([rule for rule in scene.prometheus.rules() if rule["health"] != "ok"]),
    )
    assert scene.prometheus.rules()


def test_what_the_processes_expose_is_well_formed(scene):
    for process in (*scene.workers, scene.dispatcher):
        checked(process)
        assert process.get("healthz") == (200, "text/plain; charset=utf-8", "alive\n")
        assert process.ready()


def test_at_most_one_query_of_the_boards_in_twenty_is_empty(scene):
    """What is empty here, tests/dashboards/test_live_queries.py fills."""
    asked_of = {
        # What was published some minutes ago is in a rate of an hour, however slow the machine.
        (board["title"], title, ref): query.replace("[5m]", "[1h]")
        for board in BOARDS.values()
        for title, ref, query in asked(board)
    }
    assert len(asked_of) > 150

    def empty():
        return [
            at
            for at, query in asked_of.items()
            if not any(map(math.isfinite, scene.prometheus.ask(query).values()))
        ]

    until(lambda: len(empty()) <= len(asked_of) / 20, 20, lambda: str(empty()))


def test_numbers_large_on_the_boards_are_the_reports(scene):
    """A carrier's headline panels show k / n of its report; the means of answers, the mean."""
    large = {
        panel["title"]: panel["targets"][0]["expr"]
        for board in BOARDS.values()
        for panel in board["panels"]
        if panel["type"] == "stat"
    }
    report = scene.report["total"]
    shown = {
        each.text.title: share(report, HEADLINES[each.kpi])
        for each in (*headlines.HEADLINES, *headlines.COMPANIONS)
    }
    feedback = report["feedback"]
    shown[headlines.CSAT.text.title] = share(feedback, ("csat", "top2"))
    shown |= {
        customers.RECOMMENDED.text.title: (feedback["nps"]["score"], feedback["nps"]["n"]),
        customers.EFFORT.text.title: (feedback["ces"]["mean"], feedback["ces"]["n"]),
    }
    for panel, aspect in (
        (customers.COMMUNICATION, "courier_communication"),
        (customers.PROFESSIONALISM, "courier_professionalism"),
    ):
        shown[panel.text.title] = (feedback[aspect]["mean"], feedback[aspect]["n"])
    for title, (value, n) in shown.items():
        found = scene.prometheus.ask(filled(large[title], window="all"))
        if n < house.ANSWERS:
            assert found == {}, title
        else:
            assert list(found.values()) == [pytest.approx(value)], title
    assert sum(n >= house.ANSWERS for _, n in shown.values()) >= len(shown) - 1


def share(part, path):
    """Return value and n of a share of the report."""
    for step in path:
        part = part[step]
    return part["value"], part["n"]


def test_an_empty_report_has_every_headline():
    for path in HEADLINES.values():
        part = report_of({}, {}, 0, Rules().model_dump_json())["total"]
        for step in path:
            part = part[step]
        assert part["n"] == 0
