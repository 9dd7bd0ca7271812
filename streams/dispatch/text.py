"""The words of a notice: what was promised, what to expect now, why, and what follows.

Every channel is written from the same news: a mail's subject, text and HTML, and a short text.
All times are those of the delivery address. Only instants, zones, an order id and a carrier's
name go in; names from outside are cleaned of everything that does not show, and the HTML is
escaped.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from models.base import clean
from models.contacts import ContactUpdate
from models.notices import NoticeCommand
from streams.dispatch import phrases, short
from streams.dispatch.languages import Language, language_of
from streams.dispatch.quiet import UTC_ZONE, zone_of
from streams.domain.zones import MINUTE_MS, instant

HALF_WINDOW_MS = 30 * MINUTE_MS
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


@dataclass(frozen=True, slots=True)
class Text:
    """A message before it has an address; `short` is for channels of few letters."""

    subject: str
    plain: str
    html: str
    short: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Where to answer and where to choose; {order_id} and {customer_id} are filled in."""

    feedback: str | None = None
    preferences: str | None = None


NO_LINKS = Links()


@dataclass(frozen=True, slots=True)
class News:
    """What is said of one order; a fact is a label, what it says, whether it is stressed."""

    headline: str
    facts: tuple[tuple[str, str, bool], ...]
    why: str
    next: str

    @property
    def opening(self) -> str:
        """Return the headline as a sentence."""
        return short.sentence(self.headline)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return the facts for plain text: labels with a colon, all of one width."""
        width = max(len(label) for label, _, _ in self.facts) + 3
        return [(f"{label}:".ljust(width), said) for label, said, _ in self.facts]


def write(
    command: NoticeCommand,
    contact: ContactUpdate | None = None,
    links: Links = NO_LINKS,
) -> Text:
    """Return the text of a notice for a customer.

    Raises:
        ValueError: there is no page to answer on, and the notice asks for an answer; or there
            are no words for it.
    """
    language = language_of(None if contact is None else contact.locale)
    writer = _Writer(command, contact, links, language)
    news, expected = writer.news(), writer.expected()
    subject = news.headline if expected is None else f"{news.headline}: {expected}"
    shown = {
        "language": language.locale.language,
        "direction": language.direction,
        "start": "right" if language.direction == "rtl" else "left",
        "hello": language.say(phrases.HELLO),
        "subject": subject,
        "news": news,
        "as_of": writer.as_of(),
        "reason": language.say(phrases.REASON),
        "preferences": writer.preferences(),
    }
    return Text(
        subject=subject,
        plain=_PLAIN.get_template("notice.txt.j2").render(shown),
        html=_HTML.get_template("notice.html.j2").render(shown),
        short=writer.short(),
    )


class _Writer:
    """One notice in the reader's language and in the zone of the delivery address."""

    def __init__(
        self,
        command: NoticeCommand,
        contact: ContactUpdate | None,
        links: Links,
        language: Language,
    ) -> None:
        self.command = command
        self.order_zone = zone_of(command.timezone) or UTC_ZONE
        own = zone_of(None if contact is None else contact.timezone)
        self.zone = self.order_zone if command.zone_known or own is None else own
        self._language = language
        self._links = links

    def news(self) -> News:
        """Return what is said of the order."""
        say, command = self._language.say, self.command
        carrier = one_line(command.carrier)
        facts = [
            (say(phrases.ORDER), self._language.name(one_line(command.order_id)), False),
            (
                say(phrases.CARRIER),
                self._language.name(carrier) if carrier else say(phrases.THE_CARRIER),
                False,
            ),
        ]
        promised, expected = self.promised(), self.expected()
        if promised is not None and command.kind not in {"delivered", "feedback_request"}:
            facts.append((say(phrases.PROMISED), promised, False))
        if expected is not None:
            facts.append((say(phrases.EXPECTED), expected, True))
        headline = say(phrases.HEADLINES[command.kind])
        return News(headline, tuple(facts), self._why(), self._next())

    def short(self) -> str:
        """Return the news in few words: what must be said, then what there is room for."""
        say, command = self._language.say, self.command
        expected = self.expected(brief=True)
        headline = say(phrases.HEADLINES[command.kind])
        carrier = one_line(command.carrier)[: short.NAME]
        opening = f"{carrier}: {headline}" if carrier else headline
        more = self._next() if command.kind in _CALLS else self._why()
        return short.message(
            opening if expected is None else f"{opening}: {expected}",
            [more, one_line(command.order_id)],
            say(phrases.STOP),
        )

    def promised(self) -> str | None:
        """Return the promise in words: a whole day of the order's zone, a window, or a time."""
        if self.command.promise_end is None:
            return None
        end = _local(self.command.promise_end, self.order_zone)
        start = None
        if self.command.promise_start is not None:
            start = _local(self.command.promise_start, self.order_zone)
        day = end - timedelta(days=1)
        opens_at_midnight = start is None or (
            start.date() == day.date() and start.time() == _MIDNIGHT
        )
        if end.time() == _MIDNIGHT and opens_at_midnight:
            return self._language.day(day)
        if start is None:
            shown = end.astimezone(self.zone)
            day_words, at = self._language.day(shown), self._language.time(shown)
            return self._language.say(phrases.BY, day=day_words, time=at)
        return self._window(start.astimezone(self.zone), end.astimezone(self.zone))

    def expected(self, *, brief: bool = False) -> str | None:
        """Return the range of the ETA, else half an hour around it; of what is near, none."""
        command = self.command
        if command.eta is None or command.kind == "near":
            return None
        low, high = command.eta_low, command.eta_high
        if low is None or high is None:
            low, high = command.eta - HALF_WINDOW_MS, command.eta + HALF_WINDOW_MS
        return self._window(_local(low, self.zone), _local(high, self.zone), brief=brief)

    def as_of(self) -> str:
        """Return as of when all this was so, and where."""
        decided, language = _local(self.command.decided_at, self.zone), self._language
        day, at, zone = language.day(decided), language.time(decided), language.zone(self.zone)
        return language.say(phrases.AS_OF, time=at, day=day, zone=zone)

    def preferences(self) -> str | None:
        """Return where the customer can choose what is written, None without such a page."""
        if self._links.preferences is None:
            return None
        return self._language.say(
            phrases.PREFERENCES, preferences=self._link(self._links.preferences)
        )

    def _why(self) -> str:
        command = self.command
        if command.kind == "action_needed" and command.reason in phrases.WHY_ACTION:
            why = phrases.WHY_ACTION[command.reason]
        elif command.kind == "attempt_failed" and command.reason in phrases.WHY_FAILED:
            why = phrases.WHY_FAILED[command.reason]
        elif command.kind in phrases.WHY:
            why = phrases.WHY[command.kind]
        elif (command.kind, command.cause) in phrases.WHY_LATE:
            why = phrases.WHY_LATE[command.kind, command.cause]
        else:
            raise ValueError("there are no words for this notice")
        until = (command.eta or command.decided_at) - command.decided_at
        return self._language.say(why, soon=self._language.soon(max(until, MINUTE_MS)))

    def _next(self) -> str:
        command = self.command
        if command.kind == "action_needed" and command.reason in phrases.NEXT_ACTION:
            follows = phrases.NEXT_ACTION[command.reason]
        elif command.kind in phrases.NEXT:
            follows = phrases.NEXT[command.kind]
            if follows is phrases.NOTHING and command.cause == "happened" and command.eta:
                follows = phrases.ESTIMATE
        else:
            follows = phrases.NO_TIME if command.eta is None else phrases.SORRY
        link = ""
        if command.kind == "feedback_request":
            if self._links.feedback is None:
                raise ValueError("there is no page to answer on (TOWER_FEEDBACK_URL)")
            link = self._link(self._links.feedback)
        return self._language.say(follows, feedback=link)

    def _link(self, page: str) -> str:
        return page.replace("{order_id}", quote(self.command.order_id, safe="")).replace(
            "{customer_id}", quote(self.command.customer_id or "", safe="")
        )

    def _window(self, start: datetime, end: datetime, *, brief: bool = False) -> str:
        language = self._language
        day = language.brief_day if brief else language.day
        if start.date() == end.date():
            times = language.times(start, end)
            return language.say(phrases.WITHIN, day=day(start), times=times)
        return language.say(
            phrases.OVERNIGHT,
            start=language.say(phrases.WITHIN, day=day(start), times=language.time(start)),
            end=language.say(phrases.WITHIN, day=day(end), times=language.time(end)),
        )


# Kinds whose short text tells what to do rather than why.
_CALLS = frozenset({"action_needed", "feedback_request"})


def one_line(name: str) -> str:
    """Return a name from outside in one line, without anything that does not show."""
    spaced = "".join(" " if char.isspace() else char for char in name)
    return " ".join(clean(spaced).split())[:NAME_LENGTH]


def _local(at: int, zone: ZoneInfo) -> datetime:
    return instant(at).astimezone(zone)
