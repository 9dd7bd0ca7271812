"""What every message has in common: frozen, strict, and bounded in every field."""

import unicodedata
from collections.abc import Callable, Sized
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
END_OF_INSTANTS = datetime(2100, 1, 1, tzinfo=UTC)

# Instants in rows, headers and measures are whole milliseconds since 1970-01-01T00:00Z;
# finer fractions are cut. Durations are milliseconds as well, positive is later.
Millis = int


def millis(instant: datetime) -> Millis:
    """Return an aware instant as whole milliseconds since 1970, finer fractions cut."""
    since = instant - EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


class Model(BaseModel):
    """A frozen message or a part of one; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


# The grammar of RFC 3339 section 5.6; a second 60 has no place on a line of milliseconds.
_RFC_3339 = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]+)?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
BAD_TIME = "bad_time"


class _InstantSchema:
    """How an instant is read: text of RFC 3339 (or an aware datetime from our own code).

    Written as a core schema, so that a decode runs no Python per instant. Anything that is
    no text fails by its type; text that names no instant of ours fails as `bad_time`. The
    offset stays as written: a promised day may hang on it.
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: object, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        given = core_schema.datetime_schema(strict=True)
        typed = core_schema.custom_error_schema(
            _either(core_schema.str_schema(strict=True), given),
            custom_error_type="instant_type",
            custom_error_message="Input should be text in the form of RFC 3339",
        )
        bounded = core_schema.datetime_schema(
            strict=False,
            tz_constraint="aware",
            ge=FIRST_INSTANT,
            lt=END_OF_INSTANTS,
            microseconds_precision="truncate",
        )
        timed = core_schema.custom_error_schema(
            core_schema.chain_schema(
                [_either(core_schema.str_schema(pattern=_RFC_3339), given), bounded]
            ),
            custom_error_type=BAD_TIME,
            custom_error_message="Input should be an RFC 3339 instant with an offset, "
            "not before 2000 and before 2100",
        )
        return core_schema.chain_schema([typed, timed])

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}


def _either(*choices: core_schema.CoreSchema) -> core_schema.CoreSchema:
    return core_schema.union_schema(list(choices), mode="left_to_right")


Instant = Annotated[datetime, _InstantSchema]

# Display text is cleaned, never refused for its characters: controls, formats, surrogates,
# private use and unassigned ones go, but for the two joiners that emoji and Indic, Persian
# and Arabic words need.
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS = frozenset("\u200c\u200d")


def clean(text: str) -> str:
    """Return the text fit for display: no invisible or unassigned characters, NFC."""
    if text.isascii() and text.isprintable():
        return text
    kept = (
        character
        for character in text
        if character in _JOINERS or unicodedata.category(character) not in _DROPPED
    )
    return unicodedata.normalize("NFC", "".join(kept))


def _cleaned(least: int, most: int) -> Callable[[str], str]:
    """Return a cleaner that refuses what is then too short, or grew too long by NFC."""

    def cleaned(text: str) -> str:
        text = clean(text)
        if not least <= len(text) <= most:
            raise ValueError(f"text should hold {least} to {most} visible characters")
        return text

    return cleaned


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of the IANA time zones, the same on every machine."""
    return frozenset((files("tzdata") / "zones").read_text("utf-8").split())


def _known_zone(name: str) -> str:
    if name not in zone_names():
        raise ValueError("time zone should be a name of the IANA database")
    return name


# Identity is opaque and compared as it is; only the order's id goes into keys, pages and
# mails as written, so that it holds nothing invisible and no space.
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200)]
OrderId = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\p{C}\p{Z}]+$")
]
Source = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_.-]{1,64}$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=64), AfterValidator(_cleaned(1, 64))
]
Label = Annotated[str, StringConstraints(max_length=64), AfterValidator(_cleaned(0, 64))]
Text = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_cleaned(0, 2_000))]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, lt=2**31)]


def at_most(length: int) -> BeforeValidator:
    """Return a bound on a list or mapping that is checked before any of its elements is."""

    def bounded(value: object) -> object:
        if isinstance(value, Sized) and len(value) > length:
            raise ValueError(f"there should be at most {length} elements")
        return value

    return BeforeValidator(bounded)


def null_is(default: object) -> BeforeValidator:
    """Return a reading of null, the same as absent, as the field's default."""

    def read(value: object) -> object:
        return default if value is None else value

    return BeforeValidator(read)
