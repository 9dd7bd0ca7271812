"""The operations of a mapping: one model each, told apart by its first word.

`add` moves days and instants, `at` makes an instant of a day and a local time, `map` looks
words up, and so on. docs/importing.md lists them all; nothing here runs text as code.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add, mul
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streams.importing.conditions import bind_condition
from streams.importing.expressions import Expression, Node, Scope, columns_of, constant
from streams.importing.values import (
    BadCellError,
    BadValueError,
    Row,
    Value,
    as_day,
    as_instant,
    as_number,
    as_time,
    at_local,
    check_format,
    duration,
    moved,
    shown,
    time_of_day,
    written,
    zone_name,
    zone_of,
)

Nodes = Annotated[list[Any], Field(min_length=1)]
Formats = str | Annotated[list[str], Field(min_length=1)] | None
Pair = Annotated[list[Any], Field(min_length=2, max_length=2)]


class Operation(BaseModel):
    """One operation as the mapping writes it; parts are bound by `bind`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    def bind(self, scope: Scope) -> Expression:
        """Return the expression of this operation."""
        raise NotImplementedError


class ReadInstant(Operation):
    """`instant`: a text as an instant, by `format` and in `zone` where it has no offset."""

    instant: Any
    format: Formats = None
    zone: Any = None

    def bind(self, scope: Scope) -> Expression:
        text = scope.bind(self.instant, "instant")
        forms = _formats(scope, self.format)
        if self.zone is None:
            return scope.lift(lambda value: as_instant(value, None, forms), text)
        zone = _zone(scope, self.zone)
        return scope.lift(
            lambda value, name: as_instant(value, zone_of(name), forms), text, zone
        )


class ReadDay(Operation):
    """`date`: a text as a day, or the day of an instant as its offset has it."""

    date: Any
    format: Formats = None

    def bind(self, scope: Scope) -> Expression:
        forms = _formats(scope, self.format)
        return scope.lift(lambda value: as_day(value, forms), scope.bind(self.date, "date"))


class ReadNumber(Operation):
    """`number`: a text as an exact number."""

    number: Any

    def bind(self, scope: Scope) -> Expression:
        return scope.lift(as_number, scope.bind(self.number, "number"))


class At(Operation):
    """`at`: the instant of a local time on a day in a zone."""

    at: Any
    day: Any
    zone: Any

    def bind(self, scope: Scope) -> Expression:
        return scope.lift(
            lambda day, text, zone: at_local(as_day(day), text, zone_of(zone)),
            scope.checked(self.day, "day", as_day),
            scope.checked(self.at, "at", time_of_day),
            _zone(scope, self.zone),
        )


class Add(Operation):
    """`add`: a day or an instant moved by days, hours, minutes and seconds, signed.

    A text is taken as an instant if it has a time and an offset, as a day if it has none.
    A day of an instant is 24 hours.
    """

    add: Any
    days: Any = "0"
    hours: Any = "0"
    minutes: Any = "0"
    seconds: Any = "0"

    def bind(self, scope: Scope) -> Expression:
        units = ("days", "hours", "minutes", "seconds")
        return scope.lift(
            lambda value, *numbers: moved(as_time(value), duration(*numbers)),
            scope.checked(self.add, "add", as_time),
            *(scope.checked(getattr(self, unit), unit, as_number) for unit in units),
        )


class Earliest(Operation):
    """`earliest`: the first in time of those that are there."""

    earliest: Nodes

    def bind(self, scope: Scope) -> Expression:
        return _extreme(scope, scope.all_checked(self.earliest, "earliest", as_time), min)


class Latest(Operation):
    """`latest`: the last in time of those that are there."""

    latest: Nodes

    def bind(self, scope: Scope) -> Expression:
        return _extreme(scope, scope.all_checked(self.latest, "latest", as_time), max)


class First(Operation):
    """`first`: the first of several that is there."""

    first: Nodes

    def bind(self, scope: Scope) -> Expression:
        parts = scope.bind_all(self.first, "first")

        def evaluate(row: Row) -> Value:
            found = (part.evaluate(row) for part in parts)
            return next((value for value in found if value is not None), None)

        return Expression(evaluate, columns_of(parts))


class Sum(Operation):
    """`sum`: numbers added up."""

    sum: Nodes

    def bind(self, scope: Scope) -> Expression:
        return _numbers(scope, self.sum, "sum", lambda numbers: reduce(add, numbers))


class Product(Operation):
    """`product`: numbers multiplied."""

    product: Nodes

    def bind(self, scope: Scope) -> Expression:
        return _numbers(scope, self.product, "product", lambda numbers: reduce(mul, numbers))


class Quotient(Operation):
    """`quotient`: how many times the second number goes into the first, whole."""

    quotient: Pair

    def bind(self, scope: Scope) -> Expression:
        return _numbers(scope, self.quotient, "quotient", lambda pair: pair[0] // pair[1])


class Remainder(Operation):
    """`remainder`: what `quotient` leaves over."""

    remainder: Pair

    def bind(self, scope: Scope) -> Expression:
        return _numbers(scope, self.remainder, "remainder", lambda pair: pair[0] % pair[1])


class Look(Operation):
    """`map`: a word looked up in the table `to`; another one is `else`, refused without it."""

    map: Any
    to: Annotated[dict[str, str], Field(min_length=1)]
    otherwise: Any = Field(default=None, alias="else")

    def bind(self, scope: Scope) -> Expression:
        table = self.to
        word = scope.bind(self.map, "map")
        if self.otherwise is None:
            return scope.lift(lambda value: _looked_up(table, value), word)
        other = scope.bind(self.otherwise, "else")

        def evaluate(row: Row) -> Value:
            value = word.evaluate(row)
            found = None if value is None else table.get(written(value))
            return other.evaluate(row) if found is None else found

        return Expression(evaluate, columns_of([word, other]))


class Cut(Operation):
    """`cut`: a text cut to `length` characters, without blanks at its new end."""

    cut: Any
    length: int = Field(gt=0, le=2_000)

    def bind(self, scope: Scope) -> Expression:
        length = self.length
        return scope.lift(
            lambda value: written(value)[:length].rstrip(), scope.bind(self.cut, "cut")
        )


class If(Operation):
    """`if`: one value where a condition holds, else another; no `else` is absent."""

    condition: Any = Field(alias="if")
    then: Any
    otherwise: Any = Field(default="", alias="else")

    def bind(self, scope: Scope) -> Expression:
        condition = bind_condition(scope.within("if"), self.condition)
        then, other = scope.bind(self.then, "then"), scope.bind(self.otherwise, "else")

        def evaluate(row: Row) -> Value:
            return (then if condition.holds(row) else other).evaluate(row)

        reads = columns_of([then, other])
        return Expression(evaluate, tuple(dict.fromkeys((*reads, *condition.columns))))


OPERATIONS: dict[str, type[Operation]] = {
    "instant": ReadInstant,
    "date": ReadDay,
    "number": ReadNumber,
    "at": At,
    "add": Add,
    "earliest": Earliest,
    "latest": Latest,
    "first": First,
    "sum": Sum,
    "product": Product,
    "quotient": Quotient,
    "remainder": Remainder,
    "map": Look,
    "cut": Cut,
    "if": If,
}


def bind_operation(scope: Scope, node: dict[str, Node]) -> Expression:
    """Return the expression of the one operation a mapping names at this place."""
    heads = [word for word in node if word in OPERATIONS]
    if len(heads) != 1:
        raise scope.wrong(f"an expression names one of {', '.join(OPERATIONS)}")
    try:
        operation = OPERATIONS[heads[0]].model_validate(node)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise scope.wrong(f"`{heads[0]}` has a mistake at {where}: {first['msg']}") from None
    return operation.bind(scope)


def _formats(scope: Scope, given: str | list[str] | None) -> tuple[str, ...]:
    """Return the formats to try in order, each one that strptime knows; none is ISO 8601."""
    forms = [given] if isinstance(given, str) else given or []
    for form in forms:
        try:
            check_format(form)
        except BadValueError as error:
            raise scope.within("format").wrong(str(error)) from None
    return tuple(forms)


def _zone(scope: Scope, node: Node) -> Expression:
    """Return the expression of a zone's name; a constant one is checked at once."""
    return scope.within("zone").lift(zone_name, scope.bind(node, "zone"))


def _extreme(
    scope: Scope, parts: list[Expression], choose: Callable[[list[Any]], Value]
) -> Expression:
    """Return the least or the greatest of the days or instants that are there."""
    columns = columns_of(parts)

    def evaluate(row: Row) -> Value:
        found = [value for part in parts if (value := part.evaluate(row)) is not None]
        try:
            times = [as_time(value) for value in found]
        except BadValueError as error:
            raise BadCellError(columns, str(error)) from None
        if len({isinstance(value, datetime) for value in times}) > 1:
            raise BadCellError(columns, "days and instants cannot be compared")
        return choose(times) if times else None

    if columns:
        return Expression(evaluate, columns)
    try:
        return constant(evaluate({}))
    except BadCellError as error:
        raise scope.wrong(error.text) from None


def _numbers(
    scope: Scope, nodes: list[Any], step: str, apply: Callable[[list[Decimal]], Decimal]
) -> Expression:
    return scope.lift(
        lambda *values: apply([as_number(value) for value in values]),
        *scope.all_checked(nodes, step, as_number),
    )


def _looked_up(table: dict[str, str], value: Value) -> str:
    try:
        return table[written(value)]
    except KeyError:
        raise BadValueError(f"'{shown(value)}' is not in the table of the mapping") from None
