"""A mapping bound to the columns of one file: what each row becomes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from streams.importing.conditions import Condition, bind_condition
from streams.importing.expressions import Expression, Node, Scope, columns_of
from streams.importing.fields import CONVERSIONS, FieldShape, Json, kinds
from streams.importing.mapping import EventMapping, Mapping
from streams.importing.operations import bind_operation
from streams.importing.values import BadCellError, BadValueError, Row, Value

# The events of a row as they will be written; a part of an event is such a table again.
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event: where its value comes from and what becomes of it."""

    name: str
    expression: Expression
    convert: Callable[[Value], Json]
    required: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A part of an event with fields of its own, left out when none of them is there."""

    name: str
    fields: "tuple[Field | Group, ...]"
    required: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return columns_of(
            each.expression if isinstance(each, Field) else Expression(_nothing, each.columns)
            for each in self.fields
        )


@dataclass(frozen=True, slots=True)
class EventPlan:
    """One event a row may become: when, at what time, and with which other fields."""

    kind: str
    when: Condition | None
    occurred_at: Field
    fields: tuple[Field | Group, ...]

    def build(self, row: Row) -> Fields | None:
        """Return the event, None where it did not happen or has no time."""
        if self.when is not None and not self.when.holds(row):
            return None
        occurred_at = _value(self.occurred_at, row)
        if occurred_at is None:
            return None
        event: Fields = {"kind": self.kind, "occurred_at": occurred_at}
        _fill(event, self.fields, row, self.kind)
        return event

    def columns_at(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns that the field at a path of the event was made of."""
        fields: Iterable[Field | Group] = (self.occurred_at, *self.fields)
        columns: tuple[str, ...] = ()
        for step in path:
            found = next((each for each in fields if each.name == step), None)
            if isinstance(found, Group):
                fields, columns = found.fields, found.columns
            elif found is not None:
                return found.expression.columns
        return columns


@dataclass(frozen=True, slots=True)
class Plan:
    """What each row of a file becomes: named values first, then the events."""

    let: tuple[tuple[str, Expression], ...]
    events: tuple[EventPlan, ...]


def bind(mapping: Mapping, file: str, columns: Iterable[str]) -> Plan:
    """Return the plan for a file with these columns; `file` names the mapping in errors."""
    names: dict[str, tuple[str, ...]] = {column: (column,) for column in columns}
    let = []
    for name, node in mapping.let.items():
        scope = Scope(file, "let", names, bind_operation)
        if name in names:
            raise scope.within(name).wrong("there is a column of that name already")
        expression = scope.bind(node, name)
        names = {**names, name: expression.columns}
        let.append((name, expression))
    root = Scope(file, "", names, bind_operation).within("events")
    taken: set[Any] = set()
    events = []
    for index, event in enumerate(mapping.events):
        scope = root.within(index)
        plan, event_id = _event(scope, event, mapping.common)
        if str(event_id) in taken:
            raise scope.wrong("its event_id is that of an event above; give it its own")
        taken.add(str(event_id))
        events.append(plan)
    return Plan(tuple(let), tuple(events))


def _event(scope: Scope, event: EventMapping, common: dict[str, Any]) -> tuple[EventPlan, Node]:
    """Return one event's plan and its event_id as the mapping writes it."""
    shapes = kinds().get(event.kind)
    if shapes is None:
        raise scope.wrong(f"kind {event.kind!r} is none of {', '.join(sorted(kinds()))}")
    nodes = {name: node for name, node in common.items() if name in shapes} | event.fields
    if "event_id" not in nodes:
        key = "order_id" if "order_id" in shapes else "courier_id"
        nodes["event_id"] = f"{nodes.get(key, '')}/{event.kind}"
    when = None if event.when is None else bind_condition(scope.within("when"), event.when)
    fields = {each.name: each for each in _fields(scope, nodes, shapes)}
    occurred_at = fields.pop("occurred_at")
    if not isinstance(occurred_at, Field):
        raise scope.wrong("occurred_at is one instant")
    plan = EventPlan(event.kind, when, occurred_at, tuple(fields.values()))
    return plan, nodes["event_id"]


def _fields(
    scope: Scope, nodes: dict[str, Any], shapes: dict[str, FieldShape]
) -> list[Field | Group]:
    unknown = next((name for name in nodes if name not in shapes), None)
    if unknown is not None:
        raise scope.within(unknown).wrong(f"no such field; there are {', '.join(shapes)}")
    missing = [name for name, each in shapes.items() if each.required and name not in nodes]
    if missing:
        raise scope.wrong(f"{' and '.join(missing)} must be given")
    return [_field(scope, name, node, shapes[name]) for name, node in nodes.items()]


def _field(scope: Scope, name: str, node: Node, shape: FieldShape) -> Field | Group:
    if shape.want in {"part", "table"}:
        inside = scope.within(name)
        if not isinstance(node, dict) or not node:
            raise inside.wrong("a table of fields belongs here")
        if shape.want == "part":
            return Group(name, tuple(_fields(inside, node, dict(shape.parts))), shape.required)
        free = FieldShape("free", required=False)
        parts = tuple(_field(inside, each, inner, free) for each, inner in node.items())
        return Group(name, parts, shape.required)
    expression = scope.checked(node, name, shape.check_constant)
    return Field(name, expression, CONVERSIONS[shape.want], shape.required)


def _fill(into: Fields, fields: Iterable[Field | Group], row: Row, where: str) -> None:
    for field in fields:
        value = _value(field, row) if isinstance(field, Field) else _part(field, row, where)
        if value is not None:
            into[field.name] = value
        elif field.required:
            columns = field.expression.columns if isinstance(field, Field) else field.columns
            raise BadCellError(columns, f"{where} needs {field.name} and there is none")


def _part(group: Group, row: Row, where: str) -> Fields | None:
    """Return a part; one of constants alone, its columns all empty, is left out too."""
    varying = [
        each for each in group.fields if not isinstance(each, Field) or each.expression.columns
    ]
    if varying and not any(_is_there(each, row) for each in varying):
        return None
    part: Fields = {}
    _fill(part, group.fields, row, f"{where}.{group.name}")
    return part or None


def _is_there(field: Field | Group, row: Row) -> bool:
    if isinstance(field, Field):
        return field.expression.evaluate(row) is not None
    return any(_is_there(each, row) for each in field.fields)


def _value(field: Field, row: Row) -> Json | None:
    value = field.expression.evaluate(row)
    if value is None:
        return None
    try:
        return field.convert(value)
    except BadValueError as error:
        raise BadCellError(field.expression.columns, str(error)) from None


def _nothing(_: Row) -> Value:
    return None
