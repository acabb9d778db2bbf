"""Imports inside cim/ run downward only, and nothing imports itself; planted violations are caught."""

from pathlib import Path

import pytest
from floors import between_packages, imports_within, in_circles, upward

# From the ground up: each imports from lower floors only, and on the ground also from its neighbours.
FLOORS = (
    (
        "errors", "disk", "streams", "forks", "command", "imports", "fingerprint", "atomic", "records", "layout",
        "params", "models",
        "text", "batches", "questions", "retrieval", "prefetch", "ranks", "lock", "chat", "sentences",
        "provenance", "trouble", "markdown", "languages",
    ),
    ("images", "scenes", "mixes", "trunks", "judges"),
    ("readers",),
    ("shards", "captioners", "index"),
    ("encoders", "engines", "warm_start"),
    ("embeddings", "graphs", "rewards", "captions"),
    ("rewrite",),
    ("tuning", "lineage", "metrics", "remix", "curation"),
    ("detailed",),
    ("report", "estimate", "refine", "robustness"),
    ("score", "export"),
)  # fmt: skip


def test_every_package_has_its_floor(root: Path) -> None:
    assert sorted(between_packages(imports_within(root))) == sorted(name for floor in FLOORS for name in floor)


def test_imports_go_down(root: Path) -> None:
    assert upward(imports_within(root), FLOORS) == {}


def test_nothing_imports_itself(root: Path) -> None:
    modules = imports_within(root)
    assert in_circles(modules) == set()
    assert in_circles(between_packages(modules)) == set()


TREE = {
    "__init__.py": "",
    "errors.py": "",
    "atomic.py": "from cim.errors import CimError",  # neighbours on the ground
    "low/__init__.py": "",
    "low/one.py": "from cim.low.two import x\nimport cim.atomic, json",
    "low/two.py": "from cim import __version__",
    "beside/one.py": "",
    "high/one.py": "def f():\n    from cim.low import one",
}
TREE_FLOORS = (("errors", "atomic"), ("low", "beside"), ("high",))


class TestPlanted:
    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        for name, text in TREE.items():
            (tmp_path / "cim" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "cim" / name).write_text(text)
        return tmp_path

    def test_a_sound_tree_has_none(self, tree: Path) -> None:
        modules = imports_within(tree)
        assert modules["cim.high.one"] == {"cim.low", "cim.low.one"}
        assert upward(modules, TREE_FLOORS) == {}
        assert in_circles(modules) == in_circles(between_packages(modules)) == set()
        assert set(between_packages(modules)) == {name for floor in TREE_FLOORS for name in floor}

    @pytest.mark.parametrize(
        ("file", "line", "found"),
        [
            ("low/two.py", "import cim.high.one", "cim.high.one"),
            ("low/two.py", "def f():\n    from cim.high.one import g", "cim.high.one"),
            ("low/two.py", 'import_module("cim.high.one")', "cim.high.one"),
            ("low/two.py", "from cim.beside import one", "cim.beside.one"),  # no neighbours but on the ground
            ("errors.py", "from cim.low.two import x", "cim.low.two"),
        ],
    )
    def test_an_upward_import_is_found(self, tree: Path, file: str, line: str, found: str) -> None:
        (tree / "cim" / file).write_text(line)
        (names,) = upward(imports_within(tree), TREE_FLOORS).values()
        assert found in names

    def test_circles_are_found(self, tree: Path) -> None:
        (tree / "cim/low/two.py").write_text("def f():\n    from cim.low.one import g")
        modules = imports_within(tree)
        assert in_circles(modules) == {"cim.low.one", "cim.low.two"}
        assert in_circles(between_packages(modules)) == set()
        (tree / "cim/low/two.py").write_text("import cim.high.two")  # no module comes back to itself, a package does
        (tree / "cim/high/two.py").write_text("")
        modules = imports_within(tree)
        assert in_circles(modules) == set()
        assert in_circles(between_packages(modules)) == {"low", "high"}
