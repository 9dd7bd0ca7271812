"""Instants, wall times and promises, in milliseconds (kpis 2.0, P1 to P4)."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SKEW = 2 * MINUTE
FAR_PAST = -(10**18)
FAR_FUTURE = 10**18


def ms(at: datetime) -> int:
    """Return an instant in milliseconds, finer fractions cut."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * DAY + since.seconds * 1000 + since.microseconds // 1000


def instant(text: str) -> int:
    """Return an instant of RFC 3339 in milliseconds."""
    return ms(datetime.fromisoformat(text))


def received(event: dict[str, Any]) -> int:
    """Return when an event of a file was received: observed, else when it happened (L15)."""
    return instant(event.get("observed_at") or event["occurred_at"])


def wall(written: datetime, zone: ZoneInfo | None) -> int:
    """Return the first instant at which clocks of a zone show a wall time."""
    return ms(written.replace(tzinfo=zone, fold=0) if zone else written)


def event_time(at: int, event: dict[str, Any], zone: ZoneInfo | None) -> int:
    """Return when an event received at `at` happened."""
    written = datetime.fromisoformat(event["occurred_at"])
    happened = ms(written)
    if event.get("time_quality") == "local_as_z":  # L17
        happened = wall(written, zone)
    return at if happened > at + SKEW else happened  # L9


def local_day(at: int, where: tzinfo) -> date:
    """Return the calendar day of an instant."""
    return (
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)).astimezone(where).date()
    )


def day_ends(at: int, where: tzinfo) -> int:
    """Return when the calendar day of an instant ends."""
    tomorrow = local_day(at, where) + timedelta(days=1)
    return ms(datetime.combine(tomorrow, clock_time(0, tzinfo=where)))


class Due:
    """A promise resolved: start, end, middle and the first millisecond that is late."""

    def __init__(
        self, promise: dict[str, Any], zone: ZoneInfo | None, own: dict[str, Any]
    ) -> None:
        end = datetime.fromisoformat(promise["end"])
        self.start = instant(promise["start"]) if promise.get("start") else None
        self.precision = promise.get("precision") or ("window" if self.start else "instant")
        self.early = own["early_minutes"] * MINUTE
        self.where: tzinfo = zone or end.tzinfo or UTC
        grace = own["grace_minutes"][self.precision] * MINUTE
        if self.precision != "date":
            self.end = ms(end)
            self.deadline = self.end + grace
            self.late_from = self.deadline + 1
            self.middle: float = self.end
            if self.precision == "window" and self.start is not None:
                self.middle = (self.start + self.end) / 2
            return
        day: date = end.astimezone(self.where).date()
        midnight = clock_time(0, tzinfo=self.where)
        self.start = ms(datetime.combine(day, midnight))
        tomorrow = ms(datetime.combine(day + timedelta(days=1), midnight))
        self.end = tomorrow
        if own["day_end"] != "24:00":
            hours, minutes = map(int, own["day_end"].split(":"))
            closing = clock_time(hours, minutes, tzinfo=self.where)
            self.end = ms(datetime.combine(day, closing))
        self.deadline = self.late_from = self.end + grace
        self.middle = (self.start + tomorrow) / 2

    @property
    def begins(self) -> int | None:
        """Return the instant before which a visit is too early, tolerance apart (P4)."""
        return {"window": self.start, "instant": self.end, "date": None}[self.precision]

    def outcome(self, at: int) -> str:
        """Return what a handover at `at` is."""
        if at >= self.late_from:
            return "late"
        return (
            "early" if self.begins is not None and at < self.begins - self.early else "on_time"
        )

    def holds(self, at: int) -> bool:
        """Tell whether `at` is inside: start - early .. end + grace, a date: its day (L24)."""
        if self.precision == "date":
            assert self.start is not None
            return self.start <= at < self.end
        return (self.begins is None or at >= self.begins - self.early) and at <= self.deadline
