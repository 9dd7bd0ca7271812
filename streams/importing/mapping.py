"""The mapping file: YAML read as plain texts, lists and tables, checked by these models.

Every scalar stays the text it is written as, so `12:00`, `NO` and `2024-01-01` mean
themselves; what a field or an operation wants of it is decided there.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.errors import TowerError
from streams.yamlfile import TextLoader

_MAX_BYTES = 1024 * 1024


class Part(BaseModel):
    """A part of a mapping file; a word it does not know is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Table(Part):
    """How the file is written, and which words in it (beside nothing) mean nothing."""

    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: str = "utf-8-sig"
    empty: tuple[str, ...] = ()


class EventMapping(BaseModel):
    """One event a row may become: its kind, when it happened at all, and its fields."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str
    when: Any = None

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields of the event: contract name -> expression."""
        return dict(self.model_extra or {})


class Mapping(Part):
    """A mapping file: `common` holds the fields of all events, `let` names shared values."""

    schema_: Annotated[Literal["1"], Field(alias="schema")]
    about: str | None = None
    licence: str | None = None
    table: Table = Table()
    let: dict[str, Any] = {}
    common: dict[str, Any] = {}
    events: Annotated[tuple[EventMapping, ...], Field(min_length=1)]


def load(path: Path) -> Mapping:
    """Return the mapping of a file; a mistake is a `TowerError` that names its place."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TowerError(f"{path} cannot be read: {error.strerror}.") from None
    if len(raw) > _MAX_BYTES:
        raise TowerError(f"{path} is larger than 1 MiB and so no mapping.")
    try:
        document = yaml.load(raw.decode("utf-8"), TextLoader)  # noqa: S506 (builds texts only)
    except UnicodeDecodeError:
        raise TowerError(f"{path} is not UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" line {mark.line + 1}" if mark else ""
        raise TowerError(f"{path}{line} is not YAML: {error.problem}.") from None
    except (yaml.YAMLError, RecursionError):
        raise TowerError(f"{path} is not YAML.") from None
    if not isinstance(document, dict):
        raise TowerError(f"{path} is no mapping: it holds no table of words.")
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        raise TowerError(f"{path} {_place(first['loc'])}: {first['msg']}.") from None


def _place(location: tuple[int | str, ...]) -> str:
    """Return a place as it is written: events[2].kind."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return text.removeprefix(".")
