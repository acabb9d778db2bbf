"""Which of this project's files a module needs, computed from its import statements."""

import ast
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

TRIES = 5  # of parsing a file, see _parsed
OURS = ("cim", "tasks", "flows")  # packages below the root; beside an installed `cim` lie those of others


def import_closure(root: Path, entries: Collection[str], without: Collection[str] = ()) -> set[str]:
    """Paths relative to `root` of all files of this project that `entries`, modules' names, import, their own included.

    Imports inside functions and by import_module("name") count, and so does the __init__.py of every package on the
    way. without: names of modules and packages that are neither listed nor followed.
    Raises ModuleNotFoundError for an entry that is no module of this project; a package is none, it does no work.
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    while waiting:
        name = waiting.pop()
        if name in found or any(f"{name}.".startswith(f"{left_out}.") for left_out in without):
            continue
        file = _file_of(root, name)
        if file is not None:
            found[name] = file
            package = name if file.endswith("/__init__.py") else name.rpartition(".")[0]
            waiting += _imported((root / file).read_bytes(), package)
        if name in entries and (file is None or file.endswith("/__init__.py")):
            raise ModuleNotFoundError(f"no module {name} in {root}")
        if parent := name.rpartition(".")[0]:
            waiting.append(parent)
    return set(found.values())


def imports_of(file: Path, package: str = "") -> frozenset[str]:
    """Dotted names of what a file imports anywhere in it: modules, and whatever it takes `from` a module.

    package: the one it lies in, for relative imports.
    """
    return _imported(file.read_bytes(), package)


def _file_of(root: Path, name: str) -> str | None:
    if name.split(".")[0] not in OURS:
        return None
    path = name.replace(".", "/")
    return next((file for file in (f"{path}/__init__.py", f"{path}.py") if (root / file).is_file()), None)


@cache  # by content: a file is parsed once, an edited one anew
def _imported(code: bytes, package: str) -> frozenset[str]:
    return frozenset(name for node in ast.walk(_parsed(code)) for name in _names(node, package))


def _names(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
        source = ".".join([*above, *([node.module] if node.module else [])])
        yield source
        yield from (f"{source}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__") and node.args:
        name = node.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _parsed(code: bytes) -> ast.Module:
    """CPython before 3.13 counts how deep all threads are in their parsing in one place: one of two that parse at once
    may be told of a `recursion depth mismatch`, a SystemError; seen once, in a run of a busy machine."""
    for _ in range(TRIES - 1):
        with suppress(SystemError):
            return ast.parse(code)
    return ast.parse(code)
