"""The fields of every event kind, taken from the vocabulary, and what each wants of a value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from models.events import CourierEvent, OrderEvent
from streams.importing.values import (
    BadValueError,
    Value,
    as_instant,
    as_number,
    shown,
    written,
)

Json = str | float | bool
Want = Literal["text", "instant", "number", "integer", "boolean", "free", "part", "table"]

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class FieldShape:
    """What one field wants: a plain value, a part with fields, or a table of free values."""

    want: Want
    required: bool
    parts: Mapping[str, "FieldShape"] = field(default_factory=dict)
    info: FieldInfo | None = None

    def check_constant(self, value: Value) -> None:
        """Refuse a value that the contract allows in no event."""
        converted = CONVERSIONS[self.want](value)
        if self.info is None:
            return
        try:
            rule: Any = Annotated[self.info.annotation, "", *self.info.metadata]
            TypeAdapter(rule).validate_python(converted)
        except ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise BadValueError(f"'{shown(value)}': {why}") from None


@cache
def kinds() -> dict[str, dict[str, FieldShape]]:
    """Return the fields of each kind of event; those that are lists have no place in a row."""
    found = {}
    for union in (OrderEvent, CourierEvent):
        for model in get_args(get_args(union)[0]):
            schema = model.model_json_schema()
            shapes = _shapes(model, schema, schema.get("$defs", {}))
            kind = schema["properties"]["kind"]
            for name in kind.get("enum", [kind.get("const")]):
                if "stops" not in shapes or shapes["stops"].want == "integer":
                    found[name] = shapes
    return found


def _shapes(
    model: type[BaseModel], schema: dict[str, Any], defined: dict[str, Any]
) -> dict[str, FieldShape]:
    required = schema.get("required", ())
    return {
        name: _shape(model.model_fields[name], each, defined, required=name in required)
        for name, each in schema["properties"].items()
        if name != "kind"
    }


def _shape(
    info: FieldInfo, schema: dict[str, Any], defined: dict[str, Any], *, required: bool
) -> FieldShape:
    options = schema.get("anyOf", [schema])
    option = next(each for each in options if each.get("type") != "null")
    if "$ref" in option:
        part = defined[option["$ref"].rpartition("/")[2]]
        return FieldShape("part", required, _shapes(_model_of(info.annotation), part, defined))
    if "additionalProperties" in option:
        return FieldShape("table", required)
    if option.get("format") == "date-time":
        return FieldShape("instant", required, info=info)
    wants: dict[str, Want] = {"number": "number", "integer": "integer", "boolean": "boolean"}
    return FieldShape(wants.get(option.get("type", ""), "text"), required, info=info)


def _model_of(annotation: Any) -> type[BaseModel]:  # noqa: ANN401 (whatever a field may hold)
    """Return the model of a field that holds one, perhaps or None."""
    options = (annotation, *get_args(annotation))
    return next(
        each for each in options if isinstance(each, type) and issubclass(each, BaseModel)
    )


def _instant(value: Value) -> Json:
    return written(value if isinstance(value, datetime) else as_instant(value))


def _integer(value: Value) -> Json:
    number = as_number(value)
    if number != number.to_integral_value():
        raise BadValueError(f"'{shown(value)}' is not a whole number")
    return int(number)


def _boolean(value: Value) -> Json:
    try:
        return _BOOLEANS[written(value).lower()]
    except KeyError:
        raise BadValueError(f"'{shown(value)}' is neither true nor false") from None


CONVERSIONS: dict[Want, Callable[[Value], Json]] = {
    "text": written,
    "instant": _instant,
    "number": lambda value: float(as_number(value)),
    "integer": _integer,
    "boolean": _boolean,
    "free": lambda value: float(value) if isinstance(value, Decimal) else written(value),
}
