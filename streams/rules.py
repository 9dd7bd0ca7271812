"""The rules file: YAML in, `Rules` out, every mistake named by its place and its line."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from models.rules import Rules
from streams.errors import TowerError
from streams.rulechecks import Place, mistakes_in
from streams.yamlfile import PlainLoader, line_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

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
    "missing": "must be given",
    "tuple_type": "must be a list",
    "value_error": "{error}",
    **dict.fromkeys(
        (
            "date_type",
            "date_parsing",
            "date_from_datetime_parsing",
            "date_from_datetime_inexact",
        ),
        "must be a day such as 2026-12-24",
    ),
}


class WrongRulesError(TowerError):
    """A rules file with mistakes; `findings` holds each as a sentence of its own."""

    def __init__(self, name: str, mistakes: list[str]) -> None:
        super().__init__(f"The rules {name} are wrong: {'; '.join(mistakes)}")
        self.findings = [f"The rules {name} are wrong: {each}" for each in mistakes]


SHIPPED = "deploy/rules.yaml"


@dataclass(frozen=True, slots=True)
class RulesFile:
    """Rules and the file they stand in; `root` is its YAML, None of the shipped rules."""

    name: str
    rules: Rules
    root: yaml.Node | None = None

    def line(self, *place: str | int) -> int | None:
        """Return the line that says something, such as `("sla", 0)`; None where none does."""
        return None if self.root is None else line_of(self.root, place)


def shipped() -> list[RulesFile]:
    """Return the file that says every default, where the product lies unpacked; else none."""
    file = Path(__file__).parents[1] / SHIPPED
    return [replace(read(file), name=SHIPPED)] if file.is_file() else []


def load(path: Path | None) -> Rules:
    """Return the rules of a file, the shipped defaults without one.

    Raises:
        TowerError: the file cannot be read, or says something that is no rule.
    """
    return read(path).rules


def read(path: Path | None) -> RulesFile:
    """Return the rules of a file and where they stand in it; raises as `load` does."""
    if path is None:
        return RulesFile("as shipped", Rules())
    try:
        loader = PlainLoader(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        said = None if root is None else loader.construct_document(root)
    except OSError as error:
        raise TowerError(f"The rules {path} could not be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TowerError(f"The rules {path} are not YAML: {_why_not(error)}.") from error
    if root is None or not said:
        return RulesFile(str(path), Rules(), root)
    return RulesFile(str(path), _parse(said, str(path), root), root)


def _why_not(error: yaml.YAMLError | UnicodeDecodeError) -> str:
    """Return what is not YAML about a file, with its line where that is known."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        why = ", ".join(filter(None, (error.context, error.problem)))
        return f"{why} (line {error.problem_mark.line + 1})"
    return " ".join(str(error).split())


def _parse(said: object, name: str, root: yaml.Node) -> Rules:
    """Return the rules that a file says."""
    if not isinstance(said, dict):
        raise TowerError(f"The rules {name} are not a mapping of names to rules.")
    try:
        rules = Rules.model_validate(said)
    except ValidationError as error:
        wrong = [_in_words(each, root) for each in error.errors()]
        raise WrongRulesError(name, wrong) from error
    mistakes = list(mistakes_in(rules, lambda place: _where(root, place)))
    if mistakes:
        raise WrongRulesError(name, mistakes)
    return rules


def _in_words(mistake: "ErrorDetails", root: yaml.Node) -> str:
    place = mistake["loc"]
    words = _WORDS.get(mistake["type"])
    said = mistake["msg"] if words is None else words.format_map(mistake.get("ctx", {}))
    return f"{'.'.join(map(str, place))}: {said}{_where(root, place)}"


def _where(root: yaml.Node, place: Place) -> str:
    """Return the line of a place, or of the part it is missing in, as words."""
    while (line := line_of(root, place)) is None:
        place = place[:-1]
    return f" (line {line})"
