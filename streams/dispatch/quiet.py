"""Quiet hours: whether the clocks at a place show an hour without messages, and until when.

The clocks on the wall decide, not a span of time: an hour that a place lives twice is quiet
twice, one that it skips ends what would have ended in it.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.base import millis
from streams.domain.zones import instant

UTC_ZONE = ZoneInfo("UTC")
_DAY = timedelta(days=1)


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return a zone by its IANA name, None if there is no such zone."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None


def release(at: int, zone: ZoneInfo, start: str, end: str) -> int | None:
    """Return when the quiet hours that hold at an instant end, None outside of them.

    `start` and `end` are local times (HH:MM, 24:00 is midnight), over midnight if need be;
    the same twice is no quiet hour at all. Instants are epoch milliseconds.
    """
    begins, ends = _time(start), _time(end)
    now = instant(at)
    local = now.astimezone(zone)
    if not _within(local.time(), begins, ends):
        return None
    today = datetime.combine(local.date(), ends, tzinfo=zone)
    for day in (today, today + _DAY):
        for fold in (0, 1):
            until = day.replace(fold=fold).astimezone(UTC)
            if until > now and not _within(until.astimezone(zone).time(), begins, ends):
                return millis(until)
    return None  # the end does not come: it was skipped, and so was what is quiet


def _within(now: time, begins: time, ends: time) -> bool:
    if begins <= ends:
        return begins <= now < ends
    return now >= begins or now < ends


def _time(clock: str) -> time:
    hour, minute = map(int, clock.split(":"))
    return time(hour % 24, minute)
