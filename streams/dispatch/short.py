"""Short texts: in as few segments as they can be, never in more than two.

A text of GSM 03.38's letters takes 160 in one segment and 153 in each of several, some letters
count twice; one letter outside makes all of it UCS-2, 70 and 67. So dashes, spaces and quotes
are made plain, and accents go where without them the text is in GSM's letters (Romanian is
read without, Arabic stays as it is).
"""

import math
import unicodedata
from collections.abc import Sequence

NAME = 20  # letters of a carrier's name
MOST_SEGMENTS = 2

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€\f")
_PLAIN = str.maketrans({
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f\u200a", " "),
    **dict.fromkeys("\u2018\u2019\u201a", "'"),
    **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2066\u2067\u2068\u2069\u200e\u200f", None),
    "\u2026": "...",
})  # fmt: skip


def message(first: str, then: Sequence[str], last: str) -> str:
    """Return sentences as one text: of `then` what there is room for, the others whole."""
    said = sentence(first)
    for each in then:
        longer = f"{said} {sentence(each)}"
        if segments(plain(f"{longer} {last}")) <= MOST_SEGMENTS:
            said = longer
    while segments(plain(f"{said} {last}")) > MOST_SEGMENTS:
        said = said[:-1]
    return plain(f"{said} {last}")


def plain(text: str) -> str:
    """Return a text with plain punctuation, and without accents where that makes it shorter."""
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    if _is_gsm(text):
        return text
    bare = "".join(char if _is_gsm(char) else _bare(char) for char in text)
    return bare if _is_gsm(bare) else text


def segments(text: str) -> int:
    """Return how many segments a text takes, which is what is paid for."""
    if _is_gsm(text):
        units, one, many = sum(1 + (char in _TWICE) for char in text), 160, 153
    else:
        units, one, many = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= one else math.ceil(units / many)


def _is_gsm(text: str) -> bool:
    return all(char in _BASIC or char in _TWICE for char in text)


def _bare(char: str) -> str:
    return "".join(
        each for each in unicodedata.normalize("NFKD", char) if not unicodedata.combining(each)
    )


def sentence(text: str) -> str:
    """Return a text with its full stop, which no link may end with."""
    whole = text.endswith((".", "?", "!", "\u061f")) or "://" in text.rpartition(" ")[2]
    return text if whole else f"{text}."
