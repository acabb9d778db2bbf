"""YAML as DVC reads and writes it: version 1.2, by the same library with the same settings."""

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from cim.errors import CimError

DEEPEST = 100
"""Levels of nesting: no parameters have nearly as many, and the parser itself falls over at thousands."""

MOST = 100_000
"""Values in one file, those that an alias repeats counted each time: a few lines of aliases can mean billions."""


def read_yaml(path: Path) -> Any:
    """The values of a YAML file in UTF-8: mappings with text keys, lists, text, numbers, booleans and None.

    Raises CimError, with the line where one is known, for a file that is not there, empty or not such YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CimError(f"no readable YAML file at {path} ({error})", "a text file in UTF-8", "mend the path") from error
    values = parse_yaml(text, str(path))
    if values is None:
        raise CimError(f"{path} is empty", "YAML with values", "write them, or mend the path")
    return values


def parse_yaml(text: str, name: str) -> Any:
    """The values of a YAML text, as `read_yaml`; None where it is empty. `name` is used in messages."""
    try:
        _check_depth(text)
        values = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise _refused(name, _place(error), _problem(error)) from error
    except ValueError as error:  # a date of month 13, a whole number of thousands of digits
        raise _refused(name, _place_of_bad_value(text), str(error)) from error
    if problems := list(_problems(values)):
        raise _refused(name, "", "; ".join(problems))
    return values


def dump_yaml(values: Any) -> str:
    """`values` as the YAML text that DVC would write, keys in the order given; `parse_yaml` reads the same back."""
    stream = io.StringIO()
    writer = YAML()
    writer.default_flow_style = False
    writer.representer.ignore_aliases = lambda data: True  # the same list twice is written twice
    writer.dump(values, stream)
    return stream.getvalue()


def _refused(name: str, place: str, problem: str) -> CimError:
    return CimError(f"{name} can't be read{place}: {problem}", "YAML 1.2 with every key once", "mend what is named")


def _place(error: YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return "" if mark is None else _line_and_column(mark)


def _line_and_column(mark: Any) -> str:
    return f" at line {mark.line + 1}, column {mark.column + 1}"


def _problem(error: YAMLError) -> str:
    if not isinstance(error, MarkedYAMLError):
        return str(error).splitlines()[0]
    parts = [error.problem, "a tab, @ or `" if "cannot start any token" in str(error.problem) else error.context]
    if error.problem == "found unexpected ':'":
        parts.append(
            "text with a colon inside of { } or [ ] stands in quotes (`dvc exp run -S` writes it without: give such a"
            " mapping a line a key)"
        )
    return ", ".join(str(part) for part in parts if part)


def _check_depth(text: str) -> None:
    """Raises YAMLError where the text nests too deep to be read; looks at its syntax only."""
    depth = 0
    for event in YAML(typ="safe").parse(text):
        kind = type(event).__name__
        depth += kind.endswith(("MappingStartEvent", "SequenceStartEvent"))
        depth -= kind.endswith(("MappingEndEvent", "SequenceEndEvent"))
        if depth > DEEPEST:
            raise MarkedYAMLError(problem=f"more than {DEEPEST} levels of nesting", problem_mark=event.start_mark)


def _place_of_bad_value(text: str) -> str:
    """Where the first value stands that is written like one of a type but is none of it."""
    for node in _scalars(YAML(typ="safe").compose(text)):
        reader = YAML(typ="safe")
        try:
            reader.constructor.construct_object(node)
        except ValueError:
            return _line_and_column(node.start_mark)
    return ""


def _scalars(node: Any) -> Iterator[Any]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for inner in node.value:
            yield from _scalars(inner)
    elif isinstance(node, MappingNode):
        for pair in node.value:
            for inner in pair:
                yield from _scalars(inner)


def _problems(values: Any) -> Iterator[str]:
    """What no parameter can be, by its dotted name. Stops at what is endless, by aliases, or nearly so."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), values)]
    count = 0
    while waiting:
        path, value = waiting.pop()
        count += 1
        if len(path) > DEEPEST or count > MOST:
            yield f"aliases that repeat each other to more than {DEEPEST} levels or {MOST} values"
            return
        where = ".".join(path) or "(top level)"
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    yield f"{where}: the key {key!r} is no text; put it in quotes"
            waiting += [((*path, str(key)), inner) for key, inner in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*path, str(i)), inner) for i, inner in reversed(list(enumerate(value)))]
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{where}: {value} is no finite number"
        elif not isinstance(value, str | int | float | None):
            yield f"{where}: {value!s:.80} is read as a {type(value).__name__}; put it in quotes if it is text"
