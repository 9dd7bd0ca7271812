"""Business time: days off, cut-offs, working hours and nights on which the clocks change.

2026-12-24 is a Thursday, 25 (Friday) a holiday in all of Germany, 26 too (a Saturday);
Friday 2027-01-01 as well. Berlin is UTC+1 in winter; the clocks go forward on Sunday
2026-03-29 (02:00 to 03:00) and back on Sunday 2026-10-25 (03:00 to 02:00), both at 01:00Z.
"""

import random
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from models.base import millis
from models.sla import Calendar, WorkingHours
from streams.domain.calendars import (
    LocalCalendar,
    add_business_time,
    business_time,
    subdivisions,
)

BERLIN, UTC = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")
HOUR = 3_600_000
GERMAN = LocalCalendar(Calendar(country="DE", extra_days_off=(date(2026, 12, 24),)), BERLIN)
OFFICE = LocalCalendar(
    Calendar(country="DE", hours=WorkingHours(opens="08:00", closes="18:00")), BERLIN
)
EVERY_DAY = LocalCalendar(Calendar(weekend=()), BERLIN)


def at(text, where=BERLIN):
    return millis(datetime.fromisoformat(text).replace(tzinfo=where).astimezone(UTC))


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        ("2026-12-23", True),
        ("2026-12-24", False),  # a day off of one's own
        ("2026-12-25", False),  # public holiday
        ("2026-12-27", False),  # Sunday
        ("2026-12-28", True),
        ("2027-01-01", False),
        ("2027-01-06", True),  # Epiphany is no holiday in all of Germany
    ],
)
def test_which_days_count(day, counts):
    assert GERMAN.counts(date.fromisoformat(day)) is counts


def test_a_subdivision_has_holidays_of_its_own():
    bavaria = LocalCalendar(Calendar(country="DE", subdivision="BY"), BERLIN)
    assert not bavaria.counts(date(2027, 1, 6))


def test_other_weekends():
    gulf = LocalCalendar(Calendar(weekend=("friday", "saturday")), UTC)
    days = [date(2026, 3, day) for day in range(5, 9)]  # Thursday to Sunday
    assert [gulf.counts(day) for day in days] == [True, False, False, True]


@pytest.mark.parametrize(
    ("started", "cut_off", "counted"),
    [
        ("2026-12-22T16:59:59.999", "17:00", "2026-12-22"),
        ("2026-12-22T17:00", "17:00", "2026-12-22"),  # at the cut-off is in time
        ("2026-12-22T17:00:00.001", "17:00", "2026-12-23"),
        ("2026-12-23T17:01", "17:00", "2026-12-28"),  # over four days off
        ("2026-12-25T10:00", "17:00", "2026-12-28"),  # no business day at all
        ("2026-12-22T23:59", None, "2026-12-22"),
    ],
)
def test_which_day_a_start_counts_for(started, cut_off, counted):
    assert GERMAN.counted_day(at(started), cut_off) == date.fromisoformat(counted)


def test_days_after_a_day_skip_what_does_not_count():
    # 23 December and two business days: 28 and 29. None is the day itself.
    assert GERMAN.days_after(date(2026, 12, 23), 2) == date(2026, 12, 29)
    assert GERMAN.days_after(date(2026, 12, 23), 0) == date(2026, 12, 23)


def test_the_end_of_a_day_is_local():
    assert GERMAN.end_of(date(2026, 12, 28), "24:00") == at("2026-12-29T00:00")
    assert GERMAN.end_of(date(2026, 12, 28), "18:00") == at("2026-12-28T18:00")


def test_all_time_counts_without_a_calendar():
    assert business_time(5, 9, None) == 4
    assert business_time(9, 5, None) == 0
    assert add_business_time(5, 4, None) == 9


def test_time_over_a_holiday_weekend():
    # Wednesday 23rd 12:00 to Tuesday 29th 06:00: 12 h of Wednesday, Monday whole, 6 h.
    start, end = at("2026-12-23T12:00"), at("2026-12-29T06:00")
    assert business_time(start, end, GERMAN) == (12 + 24 + 6) * HOUR
    assert add_business_time(start, 42 * HOUR, GERMAN) == end
    assert add_business_time(start, 12 * HOUR, GERMAN) == at("2026-12-24T00:00")
    assert add_business_time(start, 12 * HOUR + 1, GERMAN) == at("2026-12-28T00:00") + 1
    assert add_business_time(start, 0, GERMAN) == start


def test_working_hours():
    # Friday 17:00 to Monday 09:30: one hour, then one and a half.
    start, end = at("2026-03-06T17:00"), at("2026-03-09T09:30")
    assert business_time(start, end, OFFICE) == 2.5 * HOUR
    assert add_business_time(start, 2.5 * HOUR, OFFICE) == end
    assert business_time(at("2026-03-06T20:00"), at("2026-03-07T12:00"), OFFICE) == 0
    assert add_business_time(at("2026-03-06T20:00"), HOUR, OFFICE) == at("2026-03-09T09:00")


@pytest.mark.parametrize(
    ("day", "after", "hours"),
    [("2026-03-29", "2026-03-30", 23), ("2026-10-25", "2026-10-26", 25)],
)
def test_days_on_which_the_clocks_change_have_other_hours(day, after, hours):
    start, end = at(f"{day}T00:00"), at(f"{after}T00:00")
    assert business_time(start, end, EVERY_DAY) == hours * HOUR
    assert add_business_time(start, hours * HOUR, EVERY_DAY) == end


def test_a_cut_off_in_a_night_of_a_clock_change():
    # 02:30 is skipped on 29 March: read with the offset before, it is 01:30Z, 03:30 local.
    sunday, monday = date(2026, 3, 29), date(2026, 3, 30)
    assert EVERY_DAY.counted_day(at("2026-03-29T03:30"), "02:30") == sunday
    assert EVERY_DAY.counted_day(at("2026-03-29T03:30:00.001"), "02:30") == monday
    # It comes twice on 25 October: the first of them is 00:30Z.
    autumn = at("2026-10-25T00:30", UTC)
    assert EVERY_DAY.counted_day(autumn, "02:30") == date(2026, 10, 25)
    assert EVERY_DAY.counted_day(autumn + 1, "02:30") == date(2026, 10, 26)


def test_what_is_added_lies_between():
    for hours in (1, 7, 30, 100):
        for begin in ("2026-12-23T07:30", "2026-12-25T12:00", "2026-03-27T17:59"):
            for calendar in (GERMAN, OFFICE, EVERY_DAY):
                start = at(begin)
                end = add_business_time(start, hours * HOUR, calendar)
                assert business_time(start, end, calendar) == hours * HOUR
                assert business_time(start, end - 1, calendar) == hours * HOUR - 1


def test_countries_and_their_parts():
    assert "BY" in (subdivisions("DE") or ())
    assert subdivisions("XX") is None


@pytest.mark.parametrize("begins", ["2026-03-25T00:00", "2026-10-21T00:00", "2026-12-22T00:00"])
def test_business_time_is_what_is_counted_quarter_by_quarter(begins):
    """A second method: every quarter of an hour of two weeks, looked at on a wall clock."""
    quarter, first = HOUR // 4, at(begins)

    def working(quarters):
        clock = datetime.fromtimestamp((first + quarters * quarter) / 1_000, BERLIN)
        return (
            clock.weekday() < 5
            and (clock.month, clock.day) not in {(12, 25), (12, 26), (1, 1), (4, 3), (4, 6)}
            and 8 <= clock.hour < 18
        )

    counts = [working(quarters) for quarters in range(14 * 96)]
    rng = random.Random(begins)  # noqa: S311 - samples
    for _ in range(200):
        one, other = sorted(rng.sample(range(14 * 96), 2))
        start, end = first + one * quarter, first + other * quarter
        assert business_time(start, end, OFFICE) == sum(counts[one:other]) * quarter
