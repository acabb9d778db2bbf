"""What the architecture tests measure: imports by syntax tree, imports by running, sizes of files."""

import ast
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from cim.fingerprint import UNCOUNTED
from cim.imports import import_closure, imports_of

HEAVY = ("torch", "transformers", "sentence_transformers", "open_clip", "trl", "faiss", "torchvision")


def importers(folder: Path, forbidden: Iterable[str]) -> dict[str, set[str]]:
    """Files below `folder` that import a forbidden package, and which."""
    found = {path: {name.split(".")[0] for name in imports_of(path)} & set(forbidden) for path in folder.rglob("*.py")}
    return {str(path.relative_to(folder)): names for path, names in found.items() if names}


def code_deps(root: Path, entry: str, without: Collection[str] = ()) -> set[str]:
    """What dvc.yaml must list for a stage that runs the module `entry`: packages as folders, other modules as files.

    without: names of modules and packages that are neither listed nor followed, beside those that no hash counts.
    """
    files = import_closure(root, [entry], [*UNCOUNTED, *without])
    return {file if file.count("/") == 1 else "/".join(file.split("/")[:2]) for file in files}


def callers(folders: Iterable[Path], function: str) -> set[Path]:
    """Files in which a function of that name is called."""
    return {
        path
        for path in _python_files(folders)
        if any(isinstance(n, ast.Call) and _called(n) == function for n in ast.walk(ast.parse(path.read_bytes())))
    }


def computed_imports(folders: Iterable[Path]) -> set[Path]:
    """Files that can import what no reading of them tells: by a name that is no literal, or by running text."""
    return {path for path in _python_files(folders) if any(map(_is_computed, ast.walk(ast.parse(path.read_bytes()))))}


def _is_computed(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in ("importlib", "pkgutil", "runpy") for alias in node.names)
    if isinstance(node, ast.ImportFrom) and node.module:
        renamed = any(alias.name == "import_module" and alias.asname for alias in node.names)
        return renamed or node.module in ("importlib.util", "importlib.machinery", "pkgutil", "runpy")
    if not isinstance(node, ast.Call):
        return False
    called = _called(node)
    if called in ("import_module", "__import__"):
        literal = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)  # two: relative to a package
        return not literal or bool(node.keywords)
    return isinstance(node.func, ast.Name) and called in ("exec", "eval")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


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
