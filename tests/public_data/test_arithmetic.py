"""The second route itself, on rows small enough to judge by eye."""

from pathlib import Path

import pytest

from . import arithmetic

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def leg(arrival, delay, scheduled="2013-01-01T12:00Z", cancelled="0", carrier="UA"):
    return {
        "carrier": carrier,
        "sched_dep_utc": "2013-01-01T10:00Z",
        "sched_arr_utc": scheduled,
        "dep_utc": "" if cancelled == "1" else "2013-01-01T10:05Z",
        "arr_utc": arrival,
        "arr_delay_min": delay,
        "cancelled": cancelled,
    }


def test_a_quarter_of_an_hour_either_way_is_on_time():
    rows = [
        leg("2013-01-01T12:15Z", "15"),
        leg("2013-01-01T11:45Z", "-15"),
        leg("2013-01-01T12:16Z", "16"),
        leg("2013-01-01T11:44Z", "-16"),
        leg("", "", cancelled="1"),
        leg("", ""),
    ]
    counts = arithmetic.flights(rows)[0].carriers["UA"]
    assert counts["orders"] == counts["frozen", "due"] == 6
    assert counts["frozen", "on_time"] == 2
    assert counts["frozen", "late"] == 2
    assert counts["frozen", "early"] == 1
    assert counts["frozen", "failed"] == 1
    assert counts["open"] == counts["overdue"] == 1


def test_a_leg_whose_deadline_has_not_come_is_not_due():
    rows = [leg("2013-01-01T12:00Z", "0"), leg("2013-01-01T12:10Z", "10", carrier="DL")]
    sheet, as_of = arithmetic.flights(rows)
    assert as_of.isoformat() == "2013-01-01T12:10:00+00:00"
    assert sheet.total()["frozen", "due"] == 0


def line(scheduled, arrived, recorded):
    return {
        "Vendor": "V",
        "Scheduled Delivery Date": scheduled,
        "Delivered to Client Date": arrived,
        "Delivery Recorded Date": recorded,
    }


def test_a_delivery_that_becomes_known_after_a_week_is_on_time_only_in_the_restated_view():
    rows = [
        line("2009-01-10", "2009-01-09", "2009-01-17"),  # known within the seven days
        line("2009-01-10", "2009-01-09", "2009-01-18"),  # known after them
        line("2009-01-10", "2009-01-09", "2009-04-11"),  # 91 days: the row has ended
        line("2009-01-10", "2009-01-09", "2009-04-10"),  # 90 days: it lives
    ]
    counts = arithmetic.shipments(rows)[0].carriers["V"]
    assert counts["frozen", "on_time"] == 1
    assert counts["frozen", "late"] == 3
    assert counts["restated", "on_time"] == 3
    assert counts["restated", "late"] == counts["ended_silent"] == counts["refused"] == 1
    assert counts["restated", "early_days"] == 3
    assert counts["frozen", "early_days"] == 1


def test_slots_run_on_into_the_next_day():
    rows = [
        {"date": "2024-01-01", "slot": "6", "time_delta_slots": waits, "autonomous": "1",
         "redelivered": again}
        for waits, again in (("0", "0"), ("1", "0"), ("0", "1"))
    ]  # fmt: skip
    sheet, as_of = arithmetic.changshu(rows)
    counts = sheet.carriers["changshu-robot"]
    assert as_of.isoformat() == "2024-01-02T19:30:00+08:00"
    assert (counts["restated", "on_time"], counts["restated", "late"]) == (1, 2)
    assert (counts["concluded"], counts["succeeded"]) == (3, 2)


@pytest.mark.shared
def test_the_figures_their_publishers_give():
    if not SHARED.is_dir():
        pytest.skip(f"the whole public data is not there: {SHARED}")
    rows = arithmetic.rows_of(SHARED / "flights2013_jan_feb.csv.gz")
    delays = [int(row["arr_delay_min"]) for row in rows if row["arr_delay_min"]]
    assert len(rows) == 51_955
    assert round(sum(delay < 15 for delay in delays) / len(delays), 3) == 0.764
    rows = arithmetic.rows_of(SHARED / "changshu_history_2024_01_03.csv.gz")
    counts = arithmetic.changshu(rows)[0].total()
    again = sum(int(row["redelivered"]) for row in rows)
    assert counts["succeeded"] == len(rows) - again == 50_151 - 2_269
