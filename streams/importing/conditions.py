"""Conditions of a mapping: `when` an event happened, `if` one value or the other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from streams.importing.expressions import Expression, Node, Scope, columns_of
from streams.importing.values import (
    BadCellError,
    BadValueError,
    Row,
    Value,
    as_number,
    shown,
    written,
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that holds in a row or does not; `columns` are the ones it reads."""

    holds: Callable[[Row], bool]
    columns: tuple[str, ...]


_LISTS = ("one_of", "all", "any")
_COMPARISONS = ("equals", "one_of", "less_than")
_WORDS = (*_COMPARISONS, "present", "absent", "all", "any", "not")


def bind_condition(scope: Scope, node: Node) -> Condition:
    """Return the condition at this place; a list holds when all of it does."""
    if isinstance(node, list):
        return _joined(_each(scope, node), all)
    if not isinstance(node, dict):
        raise scope.wrong(f"a condition is a table with one of {', '.join(_WORDS)}")
    word = _word(scope, node)
    inner = node[word]
    if isinstance(inner, list) is not (word in _LISTS):
        raise scope.wrong(f"`{word}` wants {'a list' if word in _LISTS else 'no list'}")
    if word in _COMPARISONS:
        return _comparison(scope, word, scope.bind(node["value"], "value"), inner)
    if isinstance(inner, list):
        return _joined(_each(scope.within(word), inner), all if word == "all" else any)
    if word == "not":
        other = bind_condition(scope.within("not"), inner)
        return Condition(lambda row: not other.holds(row), other.columns)
    part, wanted = scope.bind(inner, word), word == "absent"
    return Condition(lambda row: (part.evaluate(row) is None) is wanted, part.columns)


def _word(scope: Scope, node: dict[str, Node]) -> str:
    """Return the one word that says which condition it is."""
    words = [word for word in _WORDS if word in node]
    if len(words) != 1 or not set(node) <= {"value", *words}:
        raise scope.wrong(f"a condition has one of {', '.join(_WORDS)}")
    if ("value" in node) is not (words[0] in _COMPARISONS):
        needs = "needs a `value` beside it" if words[0] in _COMPARISONS else "stands alone"
        raise scope.wrong(f"`{words[0]}` {needs}")
    return words[0]


def _each(scope: Scope, nodes: list[Node]) -> list[Condition]:
    if not nodes:
        raise scope.wrong("the list is empty")
    return [bind_condition(scope.within(index), node) for index, node in enumerate(nodes)]


def _comparison(scope: Scope, word: str, value: Expression, inner: Node) -> Condition:
    if word == "less_than":
        return _less(value, scope.checked(inner, word, _comparable))
    nodes = inner if isinstance(inner, list) else [inner]
    others = scope.bind_all(nodes, word)

    def holds(row: Row) -> bool:
        mine = value.evaluate(row)
        return mine is not None and any(_same(mine, each.evaluate(row)) for each in others)

    return Condition(holds, columns_of((value, *others)))


def _joined(parts: list[Condition], join: Callable[..., bool]) -> Condition:
    columns = dict.fromkeys(column for part in parts for column in part.columns)
    return Condition(lambda row: join(part.holds(row) for part in parts), tuple(columns))


def _less(left: Expression, right: Expression) -> Condition:
    """Return the comparison of two times, or of two numbers; false where one is absent."""
    columns = columns_of((left, right))

    def holds(row: Row) -> bool:
        one, two = left.evaluate(row), right.evaluate(row)
        if one is None or two is None:
            return False
        try:
            if isinstance(one, date) and isinstance(two, date):
                return one < two
            return as_number(one) < as_number(two)
        except (BadValueError, TypeError):
            text = f"'{shown(one)}' and '{shown(two)}' cannot be compared"
            raise BadCellError(columns, text) from None

    return Condition(holds, columns)


def _comparable(value: Value) -> None:
    """Refuse what is neither a number nor a time."""
    if not isinstance(value, date):
        as_number(value)


def _same(one: Value, two: Value) -> bool:
    """Return whether two values are the same: numbers by value, others as written."""
    if two is None:
        return False
    if isinstance(one, Decimal) or isinstance(two, Decimal):
        try:
            return as_number(one) == as_number(two)
        except BadValueError:
            return False
    return written(one) == written(two)
