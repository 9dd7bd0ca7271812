"""What a cell can mean: a text, a number, a day or an instant; absent is None."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

# A cell that is empty, or holds a word that the mapping calls empty, is None.
Value = str | Decimal | date | datetime | None
Row = Mapping[str, Value]

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_ANY_INSTANT = datetime(2013, 11, 24, 15, 6, 7, tzinfo=UTC)
_DATE_LENGTH = len("2013-01-01")


class BadValueError(ValueError):
    """A value is not what is wanted of it; says so in words that follow the cell's place."""


class BadCellError(Exception):
    """A row cannot become events; `columns` are the ones that the refused value came from."""

    def __init__(self, columns: tuple[str, ...], text: str) -> None:
        super().__init__(text)
        self.columns = columns
        self.text = text


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> tzinfo:
    """Return the IANA zone of that name."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise BadValueError(f"{name!r} is not a time zone of the IANA database") from None


def zone_name(value: Value) -> str:
    """Return the name of a zone that there is."""
    name = written(value)
    zone_of(name)
    return name


def check_format(form: str) -> None:
    """Refuse a strptime format that reads back nothing that was written by it."""
    try:
        datetime.strptime(_ANY_INSTANT.strftime(form), form)  # noqa: DTZ007
    except (ValueError, re.error):
        raise BadValueError(f"{form!r} is not a format of strptime") from None


def _by_formats(text: str, forms: tuple[str, ...]) -> datetime:
    """Return what the first format that fits makes of a text."""
    for form in forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
    raise ValueError(text)


def _expected(forms: tuple[str, ...]) -> str:
    return f" written as {' or '.join(forms)}" if forms else ""


def as_instant(
    value: Value, zone: tzinfo | None = None, forms: tuple[str, ...] = ()
) -> datetime:
    """Return an instant, read as ISO 8601 or by the first strptime format that fits.

    A time without an offset is read in `zone`, refused without one. A local time that
    clocks show twice is the first of the two, one that they skip keeps the offset before it.
    """
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise BadValueError(f"'{shown(value)}' is not an instant")
    try:
        read = _by_formats(value, forms) if forms else datetime.fromisoformat(value)
    except ValueError:
        raise BadValueError(f"{value!r} is not an instant{_expected(forms)}") from None
    if not forms and len(value) <= _DATE_LENGTH:
        raise BadValueError(f"{value!r} is a day, not an instant")
    if read.tzinfo is not None:
        return read
    if zone is None:
        raise BadValueError(f"{value!r} has no offset and the mapping gives no zone")
    return read.replace(tzinfo=zone)


def as_day(value: Value, forms: tuple[str, ...] = ()) -> date:
    """Return a day: the one written, or the one of an instant in its own offset."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return _by_formats(text, forms).date() if forms else date.fromisoformat(text)
    except ValueError:
        raise BadValueError(f"'{shown(value)}' is not a day{_expected(forms)}") from None


def as_time(value: Value) -> date | datetime:
    """Return the day or the instant that a text is."""
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value) > _DATE_LENGTH:
        return as_instant(value)
    return as_day(value)


def as_number(value: Value) -> Decimal:
    """Return an exact, finite number."""
    if isinstance(value, Decimal):
        return value
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise BadValueError(f"'{shown(value)}' is not a number") from None
    if not number.is_finite():
        raise BadValueError(f"'{shown(value)}' is not a number")
    return number


def time_of_day(value: Value) -> tuple[int, time]:
    """Return the days to add, one for 24:00, and the time that clocks show."""
    text = written(value)
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadValueError(f"{text!r} is not a time of day")
    hour, minute, second = (int(part or 0) for part in match.groups())
    if (hour, minute, second) == (24, 0, 0):
        return 1, time()
    try:
        return 0, time(hour, minute, second)
    except ValueError:
        raise BadValueError(f"{text!r} is not a time of day") from None


def at_local(day: date, text: Value, zone: tzinfo) -> datetime:
    """Return the instant at which clocks in `zone` show `text`; 24:00 ends the day."""
    days, shows = time_of_day(text)
    return datetime.combine(day + timedelta(days=days), shows, zone)


def duration(days: Value, hours: Value, minutes: Value, seconds: Value) -> timedelta:
    """Return a signed duration, microseconds at the finest; a day is 24 hours."""
    hour = as_number(days) * 24 + as_number(hours)
    second = (hour * 60 + as_number(minutes)) * 60 + as_number(seconds)
    return timedelta(microseconds=int(second * 1_000_000))


def moved(value: Value, by: timedelta) -> date | datetime:
    """Return a day or an instant moved by a signed duration; elapsed time, not clock faces."""
    if isinstance(value, datetime):
        zone = value.tzinfo
        return value + by if zone is UTC else (value.astimezone(UTC) + by).astimezone(zone)
    if isinstance(value, date):
        if by % timedelta(days=1):
            raise BadValueError("a day moves by whole days only")
        return value + by
    raise BadValueError(f"'{shown(value)}' is neither a day nor an instant")


def shown(value: Value) -> str:
    """Return a value as text: ISO 8601 for times, plain digits for numbers, at most 80 long."""
    return written(value)[:80]


def written(value: Value) -> str:
    """Return a value as text, the way events write it."""
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value() and abs(value) < Decimal(10) ** 15
        return str(int(value)) if whole else str(value)
    return "" if value is None else value


def _instant(value: datetime) -> str:
    """Return RFC 3339 with the offset it has, `Z` for UTC; finer than a millisecond is cut."""
    text = value.isoformat(timespec="milliseconds" if value.microsecond else "seconds")
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text
