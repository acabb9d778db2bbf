"""What the test of the direction of imports measures: who imports whom inside cim/, and in circles."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cim.imports import imports_of

Floors = Sequence[Collection[str]]
"""Names of packages and modules of cim/, the lowest floor first."""


def imports_within(root: Path) -> dict[str, set[str]]:
    """{"cim.a.b": {"cim.c.d"}} of all modules below root/cim; a package's name stands for its __init__.py."""
    files = {".".join(path.relative_to(root).with_suffix("").parts): path for path in (root / "cim").rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    packages = {name: name if path.stem == "__init__" else name.rpartition(".")[0] for name, path in files.items()}
    return {
        name: set(imports_of(path, packages[name])) & (files.keys() - {name, "cim"})
        for name, path in files.items()
        if name != "cim"
    }


def between_packages(modules: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """{"a": {"c"}} of {"cim.a.b": {"cim.c.d"}}: which packages, and modules beside them, import which."""
    found: dict[str, set[str]] = {}
    for name, imported in modules.items():
        found.setdefault(_package(name), set()).update(set(map(_package, imported)) - {_package(name)})
    return found


def upward(modules: Mapping[str, Collection[str]], floors: Floors) -> dict[str, set[str]]:
    """The imports that do not go down to a lower floor; those within one package, and within the ground floor, may."""
    at = {name: number for number, floor in enumerate(floors) for name in floor}

    def allowed(name: str, imported: str) -> bool:
        here, there = at[_package(name)], at[_package(imported)]
        return there < here or there == here == 0 or _package(name) == _package(imported)

    found = {name: {one for one in imported if not allowed(name, one)} for name, imported in modules.items()}
    return {name: imported for name, imported in found.items() if imported}


def in_circles(imports: Mapping[str, Collection[str]]) -> set[str]:
    """Those that import themselves, by whatever detour."""
    return {name for name in imports if name in _reached(name, imports)}


def _reached(start: str, imports: Mapping[str, Collection[str]]) -> set[str]:
    seen, waiting = set[str](), list(imports[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imports.get(name, ())
    return seen


def _package(module: str) -> str:
    """rewards, for cim.rewards.guards.base."""
    return module.split(".")[1]
