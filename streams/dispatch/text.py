"""The words of a notice: what was promised, what to expect now and why, in the customer's zone.

Only instants, zones, an order id and a carrier's name go in; names from outside are cleaned of
everything that does not show, and the HTML is escaped.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.base import clean
from models.notices import NoticeCommand

HALF_WINDOW = timedelta(minutes=30)
NAME_LENGTH = 100
_MIDNIGHT = time(0)

_FOLDER = FileSystemLoader(Path(__file__).parent / "templates")
_PLAIN = Environment(
    loader=_FOLDER,
    autoescape=False,  # noqa: S701 (plain text; the HTML has its own environment)
    undefined=StrictUndefined,
    keep_trailing_newline=True,
)
_HTML = Environment(loader=_FOLDER, autoescape=True, undefined=StrictUndefined)

_HEADLINES = {
    "delay_predicted": "Your delivery is likely to be later than promised",
    "delay_worse": "Your delivery is delayed further",
    "delay_cleared": "Good news: your delivery is expected as promised after all",
}

_REASONS = {
    ("delay_predicted", "eta_after_promise"): (
        "the carrier's latest estimate is later than the time you were promised."
    ),
    ("delay_predicted", "silent"): (
        "the carrier has not reported any progress on your parcel yet, which is unusual this"
        " close to the promised time."
    ),
    ("delay_worse", "eta_after_promise"): (
        "the carrier's latest estimate is later than its earlier one."
    ),
    ("delay_worse", "silent"): (
        "the carrier has still not reported any progress on your parcel."
    ),
    ("delay_cleared", "eta_after_promise"): (
        "the carrier's latest estimate is in time for the promise again."
    ),
    ("delay_cleared", "silent"): "the carrier has reported progress on your parcel.",
}


@dataclass(frozen=True, slots=True)
class Text:
    """A message before it has an address."""

    subject: str
    plain: str
    html: str


def write(command: NoticeCommand, timezone: str | None = None) -> Text:
    """Return the text of a notice, in the customer's own `timezone`, else in the order's."""
    order_zone = _zone(command.timezone) or ZoneInfo("UTC")
    zone = _zone(timezone) or order_zone
    decided = _local(command.decided_at, zone)
    expected = _expected(command, zone)
    headline = _HEADLINES[command.kind]
    shown = {
        "headline": headline,
        "order_id": one_line(command.order_id),
        "carrier": one_line(command.carrier) or "the carrier",
        "promised": promised_words(command, zone, order_zone),
        "expected": expected,
        "cleared": command.kind == "delay_cleared",
        "reason": _REASONS[command.kind, command.cause],
        "as_of": f"{decided:%H:%M}",
        "as_of_day": _day(decided),
        "zone": zone.key,
    }
    return Text(
        subject=headline if expected is None else f"{headline}: {expected}",
        plain=_PLAIN.get_template("notice.txt.j2").render(shown),
        html=_HTML.get_template("notice.html.j2").render(shown),
    )


def one_line(name: str) -> str:
    """Return a name from outside in one line, without anything that does not show."""
    spaced = "".join(" " if char.isspace() else char for char in name)
    return " ".join(clean(spaced).split())[:NAME_LENGTH]


def promised_words(command: NoticeCommand, zone: ZoneInfo, order_zone: ZoneInfo) -> str:
    """Return the promise in words: a whole day of the order's zone, a window, or a time."""
    end = _local(command.promise_end, order_zone)
    start = None
    if command.promise_start is not None:
        start = _local(command.promise_start, order_zone)
    day = end - timedelta(days=1)
    opens_at_midnight = start is None or (
        start.date() == day.date() and start.time() == _MIDNIGHT
    )
    if end.time() == _MIDNIGHT and opens_at_midnight:
        return _day(day)
    if start is None:
        shown = end.astimezone(zone)
        return f"{_day(shown)}, by {shown:%H:%M}"
    return _window(start.astimezone(zone), end.astimezone(zone))


def _expected(command: NoticeCommand, zone: ZoneInfo) -> str | None:
    """Return the window half an hour around the ETA, None without one."""
    if command.eta is None:
        return None
    # Instants add up in UTC; local times do not on the days the clocks change.
    eta = _local(command.eta, ZoneInfo("UTC"))
    return _window((eta - HALF_WINDOW).astimezone(zone), (eta + HALF_WINDOW).astimezone(zone))


def _window(start: datetime, end: datetime) -> str:
    if start.date() == end.date():
        return f"{_day(start)}, {start:%H:%M}-{end:%H:%M}"
    return f"{_day(start)}, {start:%H:%M} to {_day(end)}, {end:%H:%M}"


def _day(local: datetime) -> str:
    return f"{local:%A} {local.day} {local:%B}"


def _local(instant: int, zone: ZoneInfo) -> datetime:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)).astimezone(zone)


def _zone(name: str | None) -> ZoneInfo | None:
    """Return a zone by its IANA name, None if there is no such zone."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        return None
