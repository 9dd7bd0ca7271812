"""Quiet hours by the clocks of the place: over midnight, in odd zones, when clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import millis
from streams.dispatch.quiet import release

ZONES = (
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Pacific/Apia",
)  # fmt: skip


def instant(local: str, zone: str, fold: int = 0) -> int:
    return millis(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=fold))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("local", "until"),
    [
        ("2026-11-24T20:59:59", None),
        ("2026-11-24T21:00", "2026-11-25T08:00"),
        ("2026-11-24T23:59", "2026-11-25T08:00"),
        ("2026-11-25T00:00", "2026-11-25T08:00"),
        ("2026-11-25T07:59:59", "2026-11-25T08:00"),
        ("2026-11-25T08:00", None),
    ],
)
def test_over_midnight_anywhere(zone, local, until):
    expected = None if until is None else instant(until, zone)
    assert release(instant(local, zone), ZoneInfo(zone), "21:00", "08:00") == expected


@pytest.mark.parametrize(
    ("start", "end", "local", "until"),
    [
        ("12:00", "14:00", "2026-11-24T13:00", "2026-11-24T14:00"),
        ("12:00", "14:00", "2026-11-24T14:00", None),
        ("22:00", "24:00", "2026-11-24T23:00", "2026-11-25T00:00"),
        ("22:00", "24:00", "2026-11-25T00:00", None),
        ("24:00", "06:00", "2026-11-25T00:00", "2026-11-25T06:00"),
        ("00:00", "00:00", "2026-11-24T03:00", None),
        ("08:00", "08:00", "2026-11-24T08:00", None),
    ],
)
def test_within_a_day_at_its_ends_and_never(start, end, local, until):
    zone = "Europe/Berlin"
    expected = None if until is None else instant(until, zone)
    assert release(instant(local, zone), ZoneInfo(zone), start, end) == expected


def test_the_night_is_an_hour_shorter_or_longer_when_clocks_change():
    hour = 3_600_000
    berlin = ZoneInfo("Europe/Berlin")
    for evening, hours in (("2026-03-28T21:00", 10), ("2026-10-24T21:00", 12)):
        begins = instant(evening, "Europe/Berlin")
        assert release(begins, berlin, "21:00", "08:00") == begins + hours * hour


def test_an_end_that_is_skipped_has_come_once_the_clocks_are_past_it():
    # 29 March 2026, Berlin: 01:59 is followed by 03:00; 02:30 would have been half an hour on.
    berlin = ZoneInfo("Europe/Berlin")
    before = instant("2026-03-29T01:30", "Europe/Berlin")
    assert release(before, berlin, "21:00", "02:30") == before + 3_600_000
    after = instant("2026-03-29T03:00", "Europe/Berlin")
    assert release(after, berlin, "21:00", "02:30") is None


def test_an_hour_that_comes_twice_is_quiet_twice():
    # 25 October 2026, Berlin: 02:00 to 02:59 comes twice, the first time in summer time.
    berlin, half = ZoneInfo("Europe/Berlin"), 1_800_000
    first = instant("2026-10-25T02:10", "Europe/Berlin")
    assert release(first, berlin, "21:00", "02:30") == instant(
        "2026-10-25T02:30", "Europe/Berlin"
    )
    assert release(first + half, berlin, "21:00", "02:30") is None  # 02:40, the first time
    again = instant("2026-10-25T02:10", "Europe/Berlin", fold=1)
    assert again == first + 2 * half
    assert release(again, berlin, "21:00", "02:30") == again + 20 * 60_000


MINUTES = st.integers(0, 1_439).map(lambda m: f"{m // 60:02}:{m % 60:02}")


@given(
    at=st.integers(1_767_225_600_000, 1_798_761_600_000),  # the year 2026
    zone=st.sampled_from(ZONES), start=MINUTES, end=MINUTES,
)  # fmt: skip
def test_what_is_released_is_released_to_an_hour_that_is_not_quiet(at, zone, start, end):
    until = release(at, ZoneInfo(zone), start, end)
    if until is not None:
        assert at < until <= at + 25 * 3_600_000
        assert release(until, ZoneInfo(zone), start, end) is None
