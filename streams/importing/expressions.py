"""Expressions of a mapping: constants, `{column}` templates and a short table of operations.

An expression is bound to the columns of one file before the first row is read, so every
mistake in the mapping is found then, and named by its place. A value that is absent makes
whatever is computed from it absent.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from streams.errors import TowerError
from streams.importing.values import BadCellError, BadValueError, Row, Value, written

# What YAML holds at one place of a mapping; every scalar is a text.
Node = str | list["Node"] | dict[str, "Node"]

_SHOWN = 30
_SHOWN_LETTERS = 300
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|([{}])")


@dataclass(frozen=True, slots=True)
class Expression:
    """Something with a value in every row; `columns` are the ones it reads, none: constant."""

    evaluate: Callable[[Row], Value]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where in the mapping we are, and which names mean which columns there."""

    file: str
    place: str
    names: Mapping[str, tuple[str, ...]]
    bind_operation: Callable[["Scope", dict[str, Node]], Expression]

    def within(self, step: str | int) -> "Scope":
        """Return the scope one step further down."""
        if isinstance(step, int):
            return replace(self, place=f"{self.place}[{step}]")
        return replace(self, place=f"{self.place}.{step}" if self.place else step)

    def wrong(self, text: str) -> TowerError:
        """Return the error that names this place of the mapping."""
        return TowerError(f"{self.file} {self.place}: {text}.")

    def bind(self, node: Node, step: str | int) -> Expression:
        """Return the expression one step further down."""
        scope = self.within(step)
        if isinstance(node, str):
            return _template(scope, node)
        if isinstance(node, dict):
            return self.bind_operation(scope, node)
        raise scope.wrong("a list is no expression")

    def bind_all(self, nodes: Iterable[Node], step: str) -> list[Expression]:
        """Return the expressions of a list."""
        scope = self.within(step)
        return [scope.bind(node, index) for index, node in enumerate(nodes)]

    def checked(
        self, node: Node, step: str | int, check: Callable[[Value], object]
    ) -> Expression:
        """Return the expression one step down; a constant that `check` refuses is a mistake."""
        expression = self.bind(node, step)
        value = None if expression.columns else expression.evaluate({})
        if value is not None:
            try:
                check(value)
            except BadValueError as error:
                raise self.within(step).wrong(str(error)) from None
        return expression

    def all_checked(
        self, nodes: Iterable[Node], step: str, check: Callable[[Value], object]
    ) -> list[Expression]:
        """Return the expressions of a list, its constants checked."""
        scope = self.within(step)
        return [scope.checked(node, index, check) for index, node in enumerate(nodes)]

    def lift(self, apply: Callable[..., Value], *parts: Expression) -> Expression:
        """Return `apply` of the parts' values, absent where one of them is.

        A part that refuses becomes a `BadCellError` with the columns; parts that are all
        constant are computed here and now, and their mistakes are mistakes of the mapping.
        """
        columns = columns_of(parts)
        evaluates = tuple(part.evaluate for part in parts)

        def evaluate(row: Row) -> Value:
            values = [each(row) for each in evaluates]
            for value in values:
                if value is None:
                    return None
            try:
                return apply(*values)
            except BadValueError as error:
                raise BadCellError(columns, str(error)) from None
            except (ArithmeticError, ValueError):
                raise BadCellError(columns, "the result is out of range") from None

        if columns:
            return Expression(evaluate, columns)
        try:
            return constant(evaluate({}))
        except BadCellError as error:
            raise self.wrong(error.text) from None


def columns_of(parts: Iterable[Expression]) -> tuple[str, ...]:
    """Return the columns that any of the parts reads, each once, in order."""
    return tuple(dict.fromkeys(column for part in parts for column in part.columns))


def constant(value: Value) -> Expression:
    """Return the expression that is `value` in every row."""
    return Expression(lambda _: value)


def _template(scope: Scope, text: str) -> Expression:
    """Return a text with `{name}` replaced; a lone `{name}` keeps its value's type."""
    parts = _parts(scope, text)
    names = [name for is_name, name in parts if is_name]
    if not names:
        return constant("".join(piece for _, piece in parts) or None)
    columns = tuple(dict.fromkeys(column for name in names for column in _meaning(scope, name)))
    if len(parts) == 1:
        only = names[0]
        return Expression(lambda row: row[only], columns)

    def evaluate(row: Row) -> Value:
        pieces = []
        for is_name, piece in parts:
            value = row[piece] if is_name else piece
            if value is None:
                return None
            pieces.append(value if isinstance(value, str) else written(value))
        return "".join(pieces)

    return Expression(evaluate, columns)


def _parts(scope: Scope, text: str) -> list[tuple[bool, str]]:
    """Split a template into (is a name, piece)."""
    parts: list[tuple[bool, str]] = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            parts.append((False, text[end : token.start()]))
        name, stray = token.groups()
        if stray:
            raise scope.wrong(f"{text!r} has a lone {stray!r}; write it twice to mean itself")
        parts.append((True, name) if name else (False, token.group()[0]))
        end = token.end()
    if end < len(text):
        parts.append((False, text[end:]))
    return parts


def _meaning(scope: Scope, name: str) -> tuple[str, ...]:
    """Return the columns behind a name: itself, or what a `let` of that name reads."""
    if name in scope.names:
        return scope.names[name]
    near = difflib.get_close_matches(name, scope.names, n=1)
    hint = f"did you mean {near[0]!r}" if near else _there_are(scope.names)
    raise scope.wrong(f"there is no column or `let` named {name!r}; {hint}")


def _there_are(names: Mapping[str, tuple[str, ...]]) -> str:
    """Return which columns the header has; a single one is a wrong delimiter most often."""
    columns = [name for name, reads in names.items() if reads == (name,)]
    if len(columns) == 1:
        only = columns[0][:_SHOWN_LETTERS]
        return f"the whole header is one column, {only!r}: see `table.delimiter`"
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return f"the columns are {', '.join(map(repr, columns[:_SHOWN]))}{more}"
