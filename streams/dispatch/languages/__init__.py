"""The languages of notices: sentences from catalogues, dates and plurals from CLDR (Babel).

English needs no catalogue. A language is a file `<code>.po` in this folder, which translators'
tools read and write; it is compiled when it is first needed.
"""

import gettext
import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import (
    format_date,
    format_interval,
    format_skeleton,
    format_time,
    format_timedelta,
    get_timezone_name,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
USUAL = "en_GB"
# The region whose dates are shown to who names a language alone.
REGIONS = {"en": "GB", "de": "DE", "ro": "RO", "ar": "EG"}
SPOKEN = frozenset({"en", *(each.stem for each in FOLDER.glob("*.po"))})

_YEAR = re.compile("[\\s,\u060c]*y+$")
_ISOLATED = "\u2068%s\u2069"


class Language:
    """One language with the customs of a region."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale
        self.direction = locale.text_direction
        self._catalogue = catalogue(locale.language)
        self._day = _YEAR.sub("", locale.date_formats["full"].pattern)
        self._times = "hm" if "h" in locale.time_formats["short"].pattern else "Hm"

    def say(self, sentence: str, **values: object) -> str:
        """Return a sentence in this language, names filled in."""
        return self._catalogue.gettext(sentence) % values

    def name(self, name: str) -> str:
        """Return a name from outside so that its letters cannot turn those around it."""
        return _ISOLATED % name if self.direction == "rtl" else name

    def day(self, day: date) -> str:
        """Return a day with its weekday, without the year."""
        return format_date(day, self._day, locale=self.locale)

    def brief_day(self, day: date) -> str:
        """Return a day with its weekday, short."""
        return format_skeleton("MMMEd", day, locale=self.locale)

    def time(self, local: datetime) -> str:
        """Return a time of day."""
        return format_time(local, "short", tzinfo=_zone(local), locale=self.locale)

    def times(self, start: datetime, end: datetime) -> str:
        """Return two times of one day; on a day the clocks change, with their zones."""
        zone = _zone(start)
        if start.utcoffset() != end.utcoffset():
            said = (
                f"{self.time(each)} {each.tzname()}" for each in (start, end)
            )  # 02:40 comes twice that night
            return "\u2013".join(said)
        return format_interval(start, end, self._times, tzinfo=zone, locale=self.locale)

    def soon(self, milliseconds: int) -> str:
        """Return a while in words."""
        return format_timedelta(
            timedelta(milliseconds=milliseconds), granularity="minute", locale=self.locale
        )

    def zone(self, zone: ZoneInfo) -> str:
        """Return the name of a time zone."""
        return get_timezone_name(zone, locale=self.locale)


def _zone(local: datetime) -> ZoneInfo:
    zone = local.tzinfo
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")


@lru_cache(maxsize=256)
def language_of(locale: str | None) -> Language:
    """Return the language a customer reads, English where it is none of ours."""
    try:
        wanted = Locale.parse((locale or USUAL).replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        wanted = Locale.parse(USUAL)
    if wanted.language not in SPOKEN:
        wanted = Locale.parse(USUAL)
    if wanted.territory is None:
        wanted = Locale(wanted.language, REGIONS.get(wanted.language))
    return Language(wanted)


@lru_cache
def catalogue(code: str) -> gettext.NullTranslations:
    """Return a language's sentences by the English ones."""
    if code == "en":
        return gettext.NullTranslations()
    with (FOLDER / f"{code}.po").open("rb") as file:
        said = read_po(file, locale=code, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, said)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
