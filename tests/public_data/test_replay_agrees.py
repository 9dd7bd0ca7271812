"""`tower import` and `tower replay` give the counts of plain arithmetic on the same table.

And every number the second implementation knows of the events it was imported to.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import oracle
from tests.domain import duel

from . import arithmetic

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
TOWER = Path(sys.executable).with_name("tower")

DATA = {
    "flights": "flights2013_jan_feb.csv.gz",
    "shipments": "scms_shipments_2006_2009.csv.gz",
    "changshu": "changshu_history_2024_01_03.csv.gz",
    "restaurant": "restaurant_deliveries_odd.csv.gz",
}
EVENTS_OF_A_ROW = {"shipments": 2, "restaurant": 2}
OUTCOMES = ("due", "on_time", "early", "late", "failed", "indeterminate", "excluded",
            "early_days")  # fmt: skip


def tower(*arguments):
    done = subprocess.run(
        [TOWER, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def expected(counts):
    """What a KPI of the report should say where plain counting knows it."""
    failures = {name[1]: n for name, n in counts.items() if name[0] == "reason" and n}
    return {
        **{name: counts[name] for name in ("orders", "open", "overdue", "ended_silent")},
        "frozen": {name: counts["frozen", name] for name in OUTCOMES},
        "restated": {name: counts["restated", name] for name in OUTCOMES},
        "accuracy": (counts["frozen", "on_time"], counts["frozen", "due"]),
        "otd": (
            counts["frozen", "on_time"] + counts["frozen", "early"],
            counts["frozen", "due"],
        ),
        "first_attempt": (counts["succeeded"], counts["concluded"]),
        "reasons": failures,
        "promised": counts["with_promise"],
        "deviations": counts["handed_over"],
    }


def reported(kpi):
    """The same, as the report has it."""
    time, first = kpi["delivery_time"], kpi["first_attempt"]
    return {
        **{name: kpi[name] for name in ("orders", "open", "overdue", "ended_silent")},
        "frozen": {name: time[name] for name in OUTCOMES},
        "restated": {name: time["restated"][name] for name in OUTCOMES},
        "accuracy": (time["accuracy"]["k"], time["accuracy"]["n"]),
        "otd": (time["otd"]["k"], time["otd"]["n"]),
        "first_attempt": (first["succeeded"], first["concluded"]),
        "reasons": first["reasons"],
        "promised": kpi["promise"]["coverage"]["k"],
        "deviations": kpi["eta_deviation"]["promise"]["n"],
    }


def agree(name, table, folder):
    events, out = folder / f"{name}.jsonl.gz", folder / f"{name}.json"
    tower("import", f"examples/{name}.yaml", table, "--out", events)
    tower("replay", events, "--report", out)
    report = json.loads(out.read_text(encoding="utf-8"))
    sheet, as_of = getattr(arithmetic, name)(arithmetic.rows_of(Path(table)))
    total = sheet.total()
    assert reported(report["total"]) == expected(total)
    assert set(report["carriers"]) == set(sheet.carriers)
    for carrier, counts in sheet.carriers.items():
        assert reported(report["carriers"][carrier]) == expected(counts), carrier
    assert arithmetic.datetime.fromisoformat(report["as_of"]) == as_of
    refused = {"order_closed": total["refused"]} if total["refused"] else {}
    assert {why: n for why, n in report["events"]["rejected"].items() if n} == refused
    if name in EVENTS_OF_A_ROW:
        assert report["events"]["read"] == EVENTS_OF_A_ROW[name] * total["orders"]
    assert report["events"]["read"] == report["events"]["accepted"] + sum(refused.values())
    with gzip.open(events, "rt", encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    latest = oracle.instant(report["as_of"])
    assert duel.apart(duel.judged(told, latest, oracle.RULES).report, report) == []


@pytest.mark.parametrize("name", DATA)
def test_the_sample(name, tmp_path):
    agree(name, ROOT / "examples" / f"{name}.csv", tmp_path)


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", DATA)
def test_the_whole_table(name, tmp_path):
    table = SHARED / DATA[name]
    if not table.exists():
        pytest.skip(f"the whole public data is not there: {table}")
    agree(name, table, tmp_path)
