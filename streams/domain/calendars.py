"""Business time: which days count, from when to when, and how much lies between two instants.

A calendar of the rules file in a zone is a `LocalCalendar`; where no calendar is given all
time counts. Days are real days: one on which the clocks change has 23 hours or 25.
"""

from collections.abc import Container, Sequence
from datetime import date, timedelta, tzinfo
from functools import lru_cache
from typing import get_args

from models.base import Millis
from models.sla import Calendar, Weekday
from streams.domain.zones import day_bounds, instant, local_day, local_time

WEEKDAYS: tuple[str, ...] = get_args(Weekday)
MIDNIGHT = "24:00"
_DAY = timedelta(days=1)

Span = tuple[Millis, Millis]


class LocalCalendar:
    """The business days of a calendar in one zone, as spans of instants."""

    def __init__(self, said: Calendar, where: tzinfo) -> None:
        self.where = where
        self._hours = said.hours
        self._weekend = {WEEKDAYS.index(each) for each in said.weekend}
        self._days_off = frozenset(said.extra_days_off)
        self._holidays = _public_holidays(said.country, said.subdivision)
        self.span = lru_cache(maxsize=4_096)(self._span)

    def day_of(self, at: Millis) -> date:
        """Return the local day of an instant."""
        return local_day(instant(at), self.where)

    def counts(self, day: date) -> bool:
        """Tell whether a day is a business day."""
        return not (
            day.weekday() in self._weekend or day in self._days_off or day in self._holidays
        )

    def _span(self, day: date) -> Span | None:
        """Return from when to when a day counts, None if it does not."""
        return self.working_time(day) if self.counts(day) else None

    def working_time(self, day: date) -> Span:
        """Return from when to when a business day counts."""
        if self._hours is None:
            opens, _, closes = day_bounds(day, self.where, MIDNIGHT)
            return opens, closes
        opens_at, closes_at = self._hours.opens, self._hours.closes
        return local_time(day, opens_at, self.where), local_time(day, closes_at, self.where)

    def business_day(self, day: date) -> date:
        """Return the first business day from a day on, that day included."""
        while not self.counts(day):
            day += _DAY
        return day

    def counted_day(self, at: Millis, cut_off: str | None) -> date:
        """Return the business day an instant belongs to; after the cut-off it is the next."""
        day = self.day_of(at)
        if cut_off is not None and at > local_time(day, cut_off, self.where):
            day += _DAY
        return self.business_day(day)

    def days_after(self, day: date, days: int) -> date:
        """Return the business day that many business days after one."""
        for _ in range(days):
            day = self.business_day(day + _DAY)
        return day

    def end_of(self, day: date, day_end: str) -> Millis:
        """Return the end of a day, or the instant at which its clocks show `day_end`."""
        return day_bounds(day, self.where, day_end)[1]


def business_time(start: Millis, end: Millis, calendar: LocalCalendar | None) -> Millis:
    """Return how much time that counts lies between two instants; none if they are reversed."""
    if calendar is None or end <= start:
        return max(end - start, 0)
    total, day, last = 0, calendar.day_of(start), calendar.day_of(end)
    while day <= last:
        span = calendar.span(day)
        if span is not None:
            total += max(min(end, span[1]) - max(start, span[0]), 0)
        day += _DAY
    return total


def add_business_time(at: Millis, amount: Millis, calendar: LocalCalendar | None) -> Millis:
    """Return the first instant by which that much time that counts has passed since `at`."""
    if calendar is None or amount <= 0:
        return at + max(amount, 0)
    day = calendar.day_of(at)
    while True:
        span = calendar.span(day)
        if span is not None:
            begin = max(at, span[0])
            left = span[1] - begin
            if amount <= left:
                return begin + amount
            amount -= max(left, 0)
        day += _DAY


def subdivisions(country: str) -> Sequence[str] | None:
    """Return the parts of a country with holidays of their own, None of an unknown country."""
    import holidays  # noqa: PLC0415 - slow to import, needed only by calendars with a country

    return holidays.list_supported_countries(include_aliases=False).get(country)


@lru_cache(maxsize=256)
def _public_holidays(country: str | None, subdivision: str | None) -> Container[date]:
    if country is None:
        return ()
    import holidays  # noqa: PLC0415 - as above

    return holidays.country_holidays(country, subdiv=subdivision)
