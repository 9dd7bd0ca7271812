"""Events and facts as the tower keeps them: small structs, made of the models at import.

A kept event has the attributes of its model, and its type says so, but it is several times
smaller and quicker to read: it was validated at the edge and is only read back here. That it
says what the model says of the same bytes is what tests/test_kept.py compares.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from models.events import by_kind

M = TypeVar("M", bound=BaseModel)


def decoder_of(union: object) -> Callable[[bytes], Any]:
    """Return a function from canonical bytes to a kept event of a union told by `kind`."""
    structs = [_struct(model, kind) for kind, model in by_kind(union).items()]
    return msgspec.json.Decoder(Union[tuple(structs)]).decode  # noqa: UP007 - made at run time


def kept(model: type[M]) -> type[M]:
    """Return the struct of an event or a fact of one kind, to make and to encode."""
    (kind,) = get_args(model.model_fields["kind"].annotation)
    return cast("type[M]", _struct(model, kind))


@lru_cache
def _struct(model: type[BaseModel], kind: str | None = None) -> type[msgspec.Struct]:
    """Return the struct of a model; that of an event is told by its kind."""
    needed: list[tuple[str, Any]] = []
    given: list[tuple[str, Any, Any]] = []
    late: dict[str, Callable[[dict[str, Any]], object]] = {}
    for name, field in model.model_fields.items():
        if name == "kind":
            continue
        if field.is_required():
            needed.append((name, _type(field.annotation)))
            continue
        if field.default_factory is not None:
            late[name] = field.default_factory  # type: ignore[assignment]  # it takes the data
        given.append((name, _type(field.annotation) | None, _default(field)))
    namespace: dict[str, Any] = {} if kind is None else {"kind": kind}
    if late:
        namespace["__post_init__"] = _filling(late)
    return msgspec.defstruct(
        model.__name__,
        [*needed, *given],
        module=__name__,
        namespace=namespace,
        tag=kind,
        tag_field=None if kind is None else "kind",
        gc=False,
    )


def _default(field: FieldInfo) -> Any:  # noqa: ANN401 - any default
    return None if field.default_factory is not None else field.default


def _filling(late: dict[str, Callable[[dict[str, Any]], object]]) -> Callable[[Any], None]:
    """Return what gives a new struct the defaults that hang on its other fields."""

    def fill(made: Any) -> None:  # noqa: ANN401 - the struct
        for name, factory in late.items():
            if getattr(made, name) is None:
                setattr(made, name, factory(msgspec.structs.asdict(made)))

    return fill


def _type(annotation: Any) -> Any:  # noqa: ANN401 - any annotation
    """Return the type a field is kept as: its bounds were checked at the edge."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(parts[0])
    if origin is Literal:
        return type(parts[0])
    if origin in {Union, UnionType}:
        return Union[tuple(map(_type, parts))]  # noqa: UP007 - made at run time
    if origin is tuple:
        return GenericAlias(tuple, (_type(parts[0]), ...))
    if origin is dict:
        return GenericAlias(dict, tuple(map(_type, parts)))
    if annotation is datetime or not isinstance(annotation, type):
        return annotation
    return _struct(annotation) if issubclass(annotation, BaseModel) else annotation
