"""The fields of samples' JSON: one type for all samples, as columns of a table need it, or left out."""

from collections.abc import Mapping
from typing import Any

Shape = Any
"""What values look like, JSON-able: "null", "bool", "int64", "float64", "string", "mixed", ["list", Shape], or
{"name": Shape} for an object."""

MIXED, NULL = "mixed", "null"
MOST = 200  # names of an object; one with more is a map, no record
DEEPEST = 12


def shape_of(value: Any, depth: int = 0) -> Shape:
    """Of one value."""
    if depth > DEEPEST:
        return MIXED
    match value:
        case None:
            return NULL
        case bool():
            return "bool"
        case int():
            return "int64" if -(2**63) <= value < 2**63 else MIXED
        case float():
            return "float64"
        case str():
            return "string"
        case list():
            inner: Shape = NULL
            for one in value:
                inner = joined(inner, shape_of(one, depth + 1))
            return ["list", inner]
        case _:
            return {name: shape_of(one, depth + 1) for name, one in value.items()} if len(value) <= MOST else MIXED


def joined(one: Shape, other: Shape) -> Shape:
    """Of values of which some look like the one and some like the other; MIXED where no type takes both."""
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if isinstance(one, dict) and isinstance(other, dict):
        names = [*one, *(name for name in other if name not in one)]
        if len(names) > MOST:
            return MIXED
        return {name: joined(one.get(name, NULL), other.get(name, NULL)) for name in names}
    if isinstance(one, list) and isinstance(other, list):
        return ["list", joined(one[1], other[1])]
    if {str(one), str(other)} == {"int64", "float64"}:
        return "float64"
    return MIXED


def feature_of(shape: Shape) -> Any:
    """As a feature of `datasets`, None where it has none: values of several types, or no value anywhere.

    Objects and lists keep what has one.
    """
    from datasets import List, Value

    if isinstance(shape, list):
        inner = feature_of(shape[1])
        return None if inner is None else List(inner)
    if isinstance(shape, Mapping):
        # a dot or a blank name can't be told from a nested one, or written
        found = {name: feature for name in sorted(shape) if name and (feature := feature_of(shape[name])) is not None}
        return found or None
    return None if shape in (MIXED, NULL) else Value(shape)


def left_out(shape: Shape, name: str = "") -> dict[str, str]:
    """Dotted names of what `feature_of` leaves out, and why."""
    if isinstance(shape, list):
        return left_out(shape[1], f"{name}[]")
    if isinstance(shape, Mapping) and shape:
        found: dict[str, str] = {}
        for inner in sorted(shape):
            found |= left_out(shape[inner], f"{name}.{inner}" if name else inner)
        return found
    if shape == MIXED:
        return {name: "values of several types"}
    return {name: "no value in any sample"} if shape == NULL or shape == {} else {}
