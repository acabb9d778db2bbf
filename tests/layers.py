"""What the architecture tests measure: imports by syntax tree, imports by running, sizes of files."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HEAVY = ("torch", "transformers", "sentence_transformers", "open_clip", "trl", "faiss", "torchvision")


def imports_of(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, anywhere in it, also by import_module("name")."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            names |= {str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return names


def importers(folder: Path, forbidden: Iterable[str]) -> dict[str, set[str]]:
    """Files below `folder` that import a forbidden package, and which."""
    found = {path: {name.split(".")[0] for name in imports_of(path)} & set(forbidden) for path in folder.rglob("*.py")}
    return {str(path.relative_to(folder)): names for path, names in found.items() if names}


def own_modules(root: Path, start: str, known: tuple[str, ...] = ()) -> set[str]:
    """Paths below `root` of this project's modules that `start` (a path) needs, lazily imported ones too.

    known: beginnings of paths that are neither listed nor followed.
    """
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in seen or name.startswith(known):
            continue
        seen.add(name)
        for module in imports_of(root / name):
            path = f"{module.replace('.', '/')}.py"
            if module.split(".")[0] in ("cim", "tasks", "flows") and (root / path).is_file():
                waiting.append(path)
    return seen


def params_read(path: Path) -> set[str]:
    """Dotted names that a file reads from a variable `params`: {"tune.reward.k"} for params.tune.reward.k."""
    chains = (_chain(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {chain.removeprefix("params.") for chain in chains if chain.startswith("params.")}
    return {name for name in names if not any(other.startswith(f"{name}.") for other in names)}


def _chain(node: ast.AST) -> str:
    """a.b.c for that expression, "" for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (inner := _chain(node.value)):
        return f"{inner}.{node.attr}"
    return ""


def loaded_by(module: str, folder: Path, names: Iterable[str] = HEAVY) -> set[str]:
    """Those of `names` that `import module` in a fresh Python started in `folder` loads."""
    code = f"import sys, {module}; print(*sorted(set({tuple(names)!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def lengths(folders: Iterable[Path]) -> dict[str, int]:
    """Lines of every Python file below the folders."""
    return {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _python_files(folders)}


def _python_files(folders: Iterable[Path]) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*.py"))


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
