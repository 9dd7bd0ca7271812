"""The rules file: YAML in, `Rules` out, every mistake named by its place in the file."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import yaml
from pydantic import ValidationError

from models.rules import Rules
from streams.errors import TowerError
from streams.yamlfile import PlainLoader

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

OBJECTIVES = ("first_attempt", "on_time")

# What pydantic's kinds of mistakes are in a rules file; its own words do for the others.
_WORDS = {
    "extra_forbidden": "there is no rule of this name",
    "string_pattern_mismatch": "must be HH:MM in quotes, up to 24:00",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be text (put it in quotes)",
    "model_type": "must hold names and values",
    "dict_type": "must hold names and values",
    "literal_error": "must be {expected}",
}


class WrongRulesError(TowerError):
    """A rules file with mistakes; `findings` holds each as a sentence of its own."""

    def __init__(self, name: str, mistakes: list[str]) -> None:
        super().__init__(f"The rules {name} are wrong: {'; '.join(mistakes)}")
        self.findings = [f"The rules {name} are wrong: {each}" for each in mistakes]


def load(path: Path | None) -> Rules:
    """Return the rules of a file, the shipped defaults without one.

    Raises:
        TowerError: the file cannot be read, or says something that is no rule.
    """
    if path is None:
        return Rules()
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), PlainLoader)  # noqa: S506 (a safe one)
    except OSError as error:
        raise TowerError(f"The rules {path} could not be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TowerError(
            f"The rules {path} are not YAML: {' '.join(str(error).split())}"
        ) from error
    return parse(said or {}, str(path))


def parse(said: object, name: str) -> Rules:
    """Return rules from parsed YAML or JSON; `name` says where they came from."""
    if not isinstance(said, dict):
        raise TowerError(f"The rules {name} are not a mapping of names to rules.")
    try:
        rules = Rules.model_validate(said)
    except ValidationError as error:
        raise WrongRulesError(name, [_in_words(each) for each in error.errors()]) from error
    mistakes = list(_unknown_names(rules))
    if mistakes:
        raise WrongRulesError(name, mistakes)
    return rules


def _in_words(mistake: "ErrorDetails") -> str:
    place = ".".join(map(str, mistake["loc"]))
    words = _WORDS.get(mistake["type"])
    if words is None:
        return f"{place}: {mistake['msg']}"
    return f"{place}: {words.format_map(mistake.get('ctx', {}))}"


def _unknown_names(rules: Rules) -> Iterator[str]:
    """Yield the mistakes in what names things outside of the file."""
    zones = available_timezones()
    for carrier, own in rules.carriers.items():
        if own.timezone is not None and own.timezone not in zones:
            yield (
                f"carriers.{carrier}.timezone: {own.timezone!r} is no zone of the IANA database"
            )
        for each in sorted(own.objectives.keys() - OBJECTIVES):
            place = f"carriers.{carrier}.objectives.{each}"
            yield f"{place}: there is no such objective, only {' and '.join(OBJECTIVES)}"
