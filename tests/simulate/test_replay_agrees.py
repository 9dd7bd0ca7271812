"""The tower's own report of a simulated file comes to the truth written beside it."""

import json
from collections import Counter

import pytest

from streams.cli.main import main
from tests.simulate.second_reading import instant, received


@pytest.mark.parametrize(("scenario", "orders"), [("mixed", 500), ("quarter", 600)])
def test_the_report_counts_what_is_true(tmp_path, scenario, orders):
    report, truth, events = simulated_and_replayed(tmp_path, scenario, orders)
    as_of = max(received(event) for event in events)
    # Grace is 15 minutes; whatever is due later is judged by nobody yet.
    assert all(instant(line["promised_end"]) < as_of for line in truth if line["promised_end"])
    told = Counter(line["outcome"] for line in truth)
    decided = {e["order_id"]: e["verdict"] for e in events if e["kind"] == "verdict_decided"}
    for line in truth:
        if line["order_id"] in decided:
            told[line["outcome"]] -= 1
            told[decided[line["order_id"]]] += 1
    both = [report["total"], report["returns"]]
    counted = Counter()
    for part in both:
        restated = part["delivery_time"]["restated"]
        counted.update({name: restated[name] for name in ("indeterminate", *told)})
    # An unclear scan is true one way or another; everything else must agree.
    unclear = counted.pop("indeterminate")
    assert unclear > 0
    assert sum((told - counted).values()) == unclear
    assert not counted - told
    first = Counter(line["first_attempt"] for line in truth)
    assert sum(part["first_attempt"]["succeeded"] for part in both) == first["succeeded"]
    concluded = first["succeeded"] + first["failed"]
    assert sum(part["first_attempt"]["concluded"] for part in both) == concluded
    assert sum(part["orders"] for part in both) == len(truth)


def simulated_and_replayed(tmp_path, scenario, orders):
    events, truth, report = (tmp_path / name for name in ("events", "truth", "report"))
    of = f"--scenario {scenario} --orders {orders} --couriers 10 --seed 11"
    for command in (
        f"simulate {of} --out {events} --truth {truth}",
        f"replay {events} --report {report}",
    ):
        with pytest.raises(SystemExit) as ended:
            main(command.split())
        assert not ended.value.code
    return json.loads(report.read_bytes()), lines(truth), lines(events)


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]
