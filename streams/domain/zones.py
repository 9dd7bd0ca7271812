"""Local time: days in a zone, wall times read in another zone, all as UTC milliseconds."""

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from models.base import EPOCH, Millis, millis

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@lru_cache(maxsize=1_024)
def zone(name: str) -> tzinfo:
    """Return a zone of the IANA database; the name was checked when it came in."""
    return ZoneInfo(name)


def instant(at: Millis) -> datetime:
    """Return epoch milliseconds as an aware UTC datetime."""
    return EPOCH + timedelta(milliseconds=at)


def instant_text(at: Millis) -> str:
    """Return epoch milliseconds as RFC 3339 in UTC, to the millisecond."""
    return instant(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=65_536)
def day_bounds(day: date, where: tzinfo, day_end: str) -> tuple[Millis, Millis, Millis]:
    """Return the start of a local day, its promised end, and its calendar end.

    A midnight that a clock change skips is the instant of the change; one that happens twice
    is the first (kpis edge 36).
    """
    start = _local(day, 0, 0, where)
    close = _local(day + timedelta(days=1), 0, 0, where)
    hour, minute = (int(part) for part in day_end.split(":"))
    end = close if hour == 24 else _local(day, hour, minute, where)  # noqa: PLR2004
    return start, end, close


@lru_cache(maxsize=65_536)
def local_time(day: date, clock: str, where: tzinfo) -> Millis:
    """Return the instant at which the clocks of a zone show `clock` (HH:MM) on a day."""
    hour, minute = (int(part) for part in clock.split(":"))
    if hour == 24:  # noqa: PLR2004
        return _local(day + timedelta(days=1), 0, 0, where)
    return _local(day, hour, minute, where)


@lru_cache(maxsize=65_536)
def day_text(at: Millis, where: tzinfo) -> str:
    """Return the calendar day of an instant in a zone as text."""
    return local_day(instant(at), where).isoformat()


def local_day(at: datetime, where: tzinfo) -> date:
    """Return the calendar day of an instant in a zone."""
    return at.astimezone(where).date()


def wall_time_in(written: datetime, where: tzinfo) -> Millis:
    """Read the wall time that was written, whatever its offset, as a time of a zone."""
    return millis(written.replace(tzinfo=where).astimezone(UTC))


def written_offset(at: datetime) -> tzinfo:
    """Return the fixed offset an instant was written with."""
    return timezone(at.utcoffset() or timedelta(0))


def _local(day: date, hour: int, minute: int, where: tzinfo) -> Millis:
    local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=where)
    return millis(local.astimezone(UTC))
