"""The mappings in examples/: a few rows of each table, their events worked out by hand."""

import json
import re
import textwrap
from functools import cache
from pathlib import Path

import pytest

from streams.domain.reasons import CODES, canonical
from streams.importing.convert import BadRow, Conversion
from streams.importing.mapping import load
from streams.importing.plan import bind
from streams.importing.table import opened

from .importing import convert

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("flights", "shipments", "changshu", "restaurant")


@cache
def events(name):
    """The events of each order of a sample, in the order they are written."""
    folder = ROOT / "examples"
    mapping = load(folder / f"{name}.yaml")
    lives = {}
    with opened(folder / f"{name}.csv", mapping.table) as source:
        plan = bind(mapping, f"{name}.yaml", source.columns)
        for row in Conversion(source, plan, frozenset(mapping.table.empty)).rows():
            assert not isinstance(row, BadRow), row
            for event in map(json.loads, row):
                lives.setdefault(event["order_id"], []).append(event)
    return lives


def short(name, order):
    """Kind and time of each event of an order."""
    return [(each["kind"], each["occurred_at"]) for each in events(name)[order]]


@pytest.mark.parametrize("name", NAMES)
def test_every_mapping_and_sample_says_where_it_is_from(name):
    assert load(ROOT / "examples" / f"{name}.yaml").licence
    assert f"examples/{name}.csv" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_a_leg_that_arrived():
    # 1,UA,...,IAH, departure 10:15, arrival 14:19; left 10:17, arrived 14:30
    promised, *_ = events("flights")["flight-1"]
    assert promised == {
        "kind": "order_promised", "event_id": "flight-1/order_promised", "source": "bts",
        "order_id": "flight-1", "occurred_at": "2013-01-01T08:15:00Z", "carrier": "UA",
        "region": "IAH",
        "promise": {"end": "2013-01-01T14:19:00Z", "precision": "instant"},
    }  # fmt: skip
    assert short("flights", "flight-1")[1:] == [
        ("out_for_delivery", "2013-01-01T10:17:00Z"),
        ("delivered", "2013-01-01T14:30:00Z"),
    ]


def test_a_leg_that_was_diverted_departs_and_never_arrives():
    assert short("flights", "flight-472") == [
        ("order_promised", "2013-01-01T18:30:00Z"),
        ("out_for_delivery", "2013-01-01T20:25:00Z"),
    ]


def test_a_leg_that_was_cancelled_is_cancelled_by_the_carrier_when_it_should_have_left():
    assert short("flights", "flight-839") == [
        ("order_promised", "2013-01-01T19:30:00Z"),
        ("cancelled", "2013-01-01T21:30:00Z"),
    ]
    assert events("flights")["flight-839"][1]["by"] == "carrier"


def test_a_shipment_is_known_at_six_in_the_evening_of_the_day_it_was_recorded():
    # ID 9564: scheduled 2008-01-21, delivered and recorded 2008-04-25
    promised, delivered = events("shipments")["shipment-9564"]
    assert promised["occurred_at"] == "2007-12-22T00:00:00Z"
    assert promised["promise"] == {"end": "2008-01-21T23:59:59Z", "precision": "date"}
    assert promised["timezone"] == "UTC"
    assert delivered["occurred_at"] == "2008-04-25T12:00:00Z"
    assert delivered["observed_at"] == "2008-04-25T18:00:00Z"


def test_a_shipment_that_came_early_was_promised_the_day_before():
    # ID 4190: scheduled 2008-01-29, delivered 2007-01-24, recorded 2008-01-24
    promised, delivered = events("shipments")["shipment-4190"]
    assert promised["occurred_at"] == "2007-01-23T00:00:00Z"
    assert delivered["occurred_at"] == "2007-01-24T12:00:00Z"
    assert delivered["observed_at"] == "2008-01-24T18:00:00Z"


def test_a_shipment_carries_vendor_mode_country_and_group():
    promised = events("shipments")["shipment-1"][0]
    assert promised["carrier"] == "RANBAXY Fine Chemicals LTD."
    assert (promised["service"], promised["region"]) == ("Air", "Côte d'Ivoire")
    assert promised["group_id"] == "ASN-8"
    assert promised["value"] == {"amount": 551.0, "currency": "USD"}
    names = {each[0]["carrier"] for each in events("shipments").values()}
    assert "MERCK SHARP & DOHME IDEA GMBH (FORMALLY MERCK SHARP & DOHME B.V." in names


def test_a_parcel_of_changshu_that_was_handed_over_at_the_first_visit():
    # CH-000001: 2024-01-01, slot 0, received in the slot of the visit, by a human
    promised = events("changshu")["CH-000001"][0]
    assert promised["carrier"] == "changshu-human"
    assert promised["promise"] == {"end": "2024-01-01T23:59:59+08:00", "precision": "date"}
    assert promised["timezone"] == "Asia/Shanghai"
    assert short("changshu", "CH-000001") == [
        ("order_promised", "2023-12-31T22:00:00+08:00"),
        ("out_for_delivery", "2024-01-01T06:00:00+08:00"),
        ("courier_arrived", "2024-01-01T07:00:00+08:00"),
        ("delivered", "2024-01-01T07:30:00+08:00"),
    ]


def test_slots_of_changshu_run_on_into_later_days():
    # CH-050151: 2024-03-31, slot 6, six slots later: slot 12 is slot 5 of the next day
    assert short("changshu", "CH-050151")[2:] == [
        ("courier_arrived", "2024-03-31T19:00:00+08:00"),
        ("delivered", "2024-04-01T17:30:00+08:00"),
    ]


def test_a_parcel_of_changshu_that_took_a_second_visit():
    # CH-000123: 2024-01-01, slot 1, by a robot, redelivered
    assert events("changshu")["CH-000123"][0]["carrier"] == "changshu-robot"
    assert events("changshu")["CH-000123"][2]["reason"] == "unknown"
    assert short("changshu", "CH-000123")[1:] == [
        ("out_for_delivery", "2024-01-01T06:00:00+08:00"),
        ("attempt_failed", "2024-01-01T09:00:00+08:00"),
        ("out_for_delivery", "2024-01-02T06:00:00+08:00"),
        ("delivered", "2024-01-02T09:30:00+08:00"),
    ]


def test_a_meal():
    # row 1: 16.1106 minutes from 11.899 h on a Thursday: 11:53:56.4, + 16 min 6.636 s
    promised, delivered = events("restaurant")["meal-1"]
    assert promised["occurred_at"].startswith("2024-01-04T11:53:56.4")
    assert promised["promise"]["start"].startswith("2024-01-04T12:13:56.4")
    assert promised["promise"]["end"].startswith("2024-01-04T12:33:56.4")
    assert promised["promise"]["precision"] == "window"
    assert delivered["occurred_at"].startswith("2024-01-04T12:10:03.036")


def test_the_first_mapping_of_the_documentation(tmp_path):
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    blocks = [
        textwrap.dedent(each) for each in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    ]
    table = next(each for each in blocks if each.startswith("parcel,"))
    mapping = next(each for each in blocks if each.startswith("schema:"))
    rows = convert(tmp_path, mapping, table)
    assert [[each["kind"] for each in row] for row in rows] == [
        ["order_promised", "out_for_delivery", "delivered"],
        ["order_promised", "out_for_delivery", "attempt_failed"],
        ["order_promised"],
    ]
    # 16:41 in Lisbon in May is an hour ahead of UTC
    assert rows[0][2]["occurred_at"] == "2024-05-02T16:41:00+01:00"
    assert rows[1][2]["reason"] == "not_home"


def test_the_reasons_of_the_documentation_are_those_of_the_tower():
    text = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    section = text.partition("## Reasons")[2].partition("## ")[0]
    rows = re.findall(r"(?m)^\| `(\w+)` \| (.*) \|$", section)
    documented = {party: re.findall(r"`(\w+)`", codes) for party, codes in rows}
    # a code that `canonical` does not let through is none that a reason can have
    assert documented == {
        party: [code for code in codes if canonical(code) == code]
        for party, codes in CODES.items()
    }
