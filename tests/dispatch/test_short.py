"""Short texts: letters counted as they are paid for, never more than two segments."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.notices import DELAYS, NoticeKind
from streams.dispatch import phrases, short
from streams.dispatch.languages import FOLDER, SPOKEN, catalogue
from streams.dispatch.text import Links, write
from tests.dispatch.given import at, command, contact

LINKS = Links(
    "https://shop.example/feedback/{order_id}", "https://shop.example/me/{customer_id}"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("x" * 160, 1), ("x" * 161, 2), ("x" * 306, 2), ("x" * 307, 3),
        ("€" * 80, 1), ("€" * 81, 2),  # two septets each
        ("ä" * 160, 1),
        ("ش" * 70, 1), ("ش" * 71, 2), ("ش" * 134, 2), ("ش" * 135, 3),
        ("😀" * 35, 1), ("😀" * 36, 2),  # two units each
        ("x" * 159 + "–", 3),  # one dash makes all of it UCS-2: 160 letters of 67
    ],
)  # fmt: skip
def test_segments(text, expected):
    assert short.segments(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:00\u2009–\u20092:00\u202fPM", "12:00 - 2:00 PM"),
        ("marți, până la 8", "marti, pana la 8"),
        ("Grüße für Ærø", "Grüße für Ærø"),
        ("«ł»", "«ł»"),  # no plain form: as it was, in UCS-2
        ("\u2068A-1\u2069 تم", "A-1 تم"),
    ],
)
def test_plain_text(text, expected):
    assert short.plain(text) == expected


TIMED = {*DELAYS, "near", "out_for_delivery"}


def whole(locale, kind, **changes):
    """Write the longest that there is: a long carrier, a long id, a window over midnight."""
    told = {
        "kind": kind, "carrier": "W" * 64, "order_id": "ORDER-" + "9" * 40,
        "cause": "eta_after_promise" if kind.startswith("delay") else "happened",
        "eta": at(23, 50, day=30, month=9) if kind in TIMED else None,
    }  # fmt: skip
    return write(command(**told | changes), contact(locale=locale), LINKS)


REASONS = sorted({*phrases.WHY_ACTION, *phrases.WHY_FAILED, "unknown"})


@pytest.mark.parametrize("kind", get_args(NoticeKind))
@pytest.mark.parametrize("locale", ["en", "en-US", "de", "ro", "ar", "ar-EG", "de-AT"])
def test_every_kind_in_every_language_fits_and_is_whole(locale, kind):
    for reason in REASONS if kind in {"attempt_failed", "action_needed"} else [None]:
        text = whole(locale, kind, reason=reason)
        assert 1 <= short.segments(text.short) <= 2
        assert "STOP" in text.short
        for each in (text.subject, text.plain, text.html, text.short):
            assert "%(" not in each
            assert "{{" not in each
        assert text.plain.strip().splitlines()[0]


@given(st.text(max_size=400), st.lists(st.text(max_size=200), max_size=3))
def test_whatever_is_said_there_are_two_segments_at_most(first, then):
    text = short.message(first, then, "Reply STOP to end.")
    assert short.segments(text) <= 2
    assert text.endswith("Reply STOP to end.")


@pytest.mark.parametrize("code", sorted(SPOKEN - {"en"}))
def test_every_sentence_is_translated_with_the_same_names_in_it(code):
    found = catalogue(code)
    for each in phrases.sentences():
        said = found.gettext(each)
        assert said, each
        assert said != each or each == phrases.WITHIN, each
        names = {part.partition(")")[0] for part in each.split("%(")[1:]}
        assert {part.partition(")")[0] for part in said.split("%(")[1:]} == names, each
    assert "fuzzy" not in (FOLDER / f"{code}.po").read_text(encoding="utf-8")


def test_four_languages_are_spoken():
    assert {"en", "de", "ro", "ar"} <= SPOKEN


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(15, "15 minute"), (45, "45 de minute")],
)
def test_plurals_are_those_of_the_language(minutes, expected):
    text = write(
        command(kind="near", cause="happened", eta=at(13, 20) + minutes * 60_000),
        contact(locale="ro"),
    )
    assert f"în aproximativ {expected}." in text.plain


def test_what_is_read_from_right_to_left_says_so():
    text = write(command(), contact(locale="ar"))
    assert '<html lang="ar" dir="rtl"' in text.html
    assert "text-align:right" in text.html
    assert "direction:ltr" not in text.html
    assert "\u2068A-1\u2069" in text.plain


@pytest.mark.parametrize("locale", ["tlh", "xx-YY", "fr", None, "en"])
def test_a_language_we_do_not_speak_is_english(locale):
    assert write(command(), contact(locale=locale)).plain == write(command()).plain
