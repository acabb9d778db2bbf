"""A params section as help text: every field with type, default and description, nested and by kind."""

import json
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def describe(model: type[BaseModel], indent: int = 1) -> Iterator[str]:
    """Lines on the fields of `model`, those of its sections (and of each kind of a choice) indented below."""
    for name, field in model.model_fields.items():
        yield "  " * indent + field_line(name, field)
        for inner in models_in(field.annotation):
            kind = inner.model_fields.get("kind")
            if kind is not None:
                yield "  " * (indent + 1) + f"kind {type_name(kind.annotation)}: {_summary(inner)}"
            yield from describe(inner, indent + 1 + (kind is not None))


def field_line(name: str, field: FieldInfo) -> str:
    """A field with type, limits, default and description."""
    said = f"{name}: {type_name(field.annotation)}{_limits(field)}{_default(field)}"
    return said + (f"  {field.description}" if field.description else "")


def type_name(annotation: Any) -> str:
    """A type as a person reads it: `int`, `list of text`, `cpu | cuda`, `section or null`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_name(inner[0])
    if origin is Literal:
        return " | ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in inner)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(type_name(part) for part in inner))
    if origin in (list, tuple):
        return f"list of {type_name(inner[0])}"
    if origin is dict:
        return f"map of {type_name(inner[0])} to {type_name(inner[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return {str: "text", bool: "true | false", NoneType: "null"}.get(annotation, getattr(annotation, "__name__", "any"))


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The sections that a field's type may hold, in the order written."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_in(inner)]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return " (required)"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""  # its own fields show theirs
    return f" (default {value if isinstance(value, str) else json.dumps(value)})"


def _limits(field: FieldInfo) -> str:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    found = [
        f"{sign} {value}"
        for part in field.metadata
        for key, sign in signs.items()
        if (value := getattr(part, key, None)) is not None
    ]
    return f" {', '.join(found)}" if found else ""


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n")[0]
