"""What a module needs, by its import statements, in trees small enough to see through."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cim.imports import import_closure, imports_of

Tree = Callable[..., Path]
ENTRIES = [
    "cim.captions.shard", "cim.embeddings.write", "cim.encoders.make", "cim.engines.open", "cim.index.build",
    "cim.rewards.pictures", "cim.shards.write",
]  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """tree(files) -> a root that holds these, path -> text."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    "line",
    [
        "import cim.b.c",
        "import cim.b.c as d",
        "from cim.b.c import thing",
        "from cim.b.c import *",
        "from cim.b import c",
        "from cim.b import thing, c as d",
        "from .b import c",
        "from .b.c import thing",
        "def f():\n    from cim.b.c import thing",
        "if TYPE_CHECKING:\n    from cim.b.c import thing",
        "try:\n    import cim.b.c\nexcept ImportError:\n    pass",
        'module = import_module("cim.b.c")',
        'module = importlib.import_module("cim.b.c")',
        '__import__("cim.b.c")',
    ],
)
def test_every_way_to_import_is_followed(tree: Tree, line: str) -> None:
    root = tree({"cim/a.py": line, "cim/b/c.py": "", "cim/b/beside.py": ""})
    assert import_closure(root, ["cim.a"]) == {"cim/a.py", "cim/b/c.py"}


@pytest.mark.parametrize(
    "line", ["from .near import x", "from . import near", "from ..b import near", "from .. import b"]
)
def test_relative_imports_go_up_from_the_package(tree: Tree, line: str) -> None:
    """cim.b is both the package of cim.b.a, where one dot looks, and what two dots reach through cim."""
    root = tree({"cim/b/a.py": line, "cim/b/near.py": "", "cim/near.py": "", "near.py": "", "cim/b/__init__.py": ""})
    expected = {"cim/b/a.py", "cim/b/__init__.py", *([] if line.endswith("import b") else ["cim/b/near.py"])}
    assert import_closure(root, ["cim.b.a"]) == expected


def test_a_package_is_run_before_its_modules(tree: Tree) -> None:
    """Those of cim, cim.b and cim.b.c run, with what they import themselves; dots in them go from where they lie."""
    root = tree(
        {
            "cim/__init__.py": "",
            "cim/a.py": "import cim.b.c.d",
            "cim/b/__init__.py": "from .said import x",
            "cim/b/said.py": "",
            "cim/b/c/__init__.py": "",
            "cim/b/c/d.py": "",
            "cim/b/c/e.py": "",
        }
    )
    assert import_closure(root, ["cim.a"]) == {
        "cim/__init__.py", "cim/a.py", "cim/b/__init__.py", "cim/b/said.py", "cim/b/c/__init__.py", "cim/b/c/d.py",
    }  # fmt: skip


def test_circles_end_and_what_is_far_is_found(tree: Tree) -> None:
    root = tree(
        {"tasks/a.py": "import cim.b", "cim/b.py": "import cim.c", "cim/c.py": "import cim.b, cim.d", "cim/d.py": ""}
    )
    assert import_closure(root, ["tasks.a"]) == {"tasks/a.py", "cim/b.py", "cim/c.py", "cim/d.py"}
    assert import_closure(root, ["cim.d", "cim.c"]) == {"cim/b.py", "cim/c.py", "cim/d.py"}


def test_code_of_others_and_words_in_texts_are_none_of_ours(tree: Tree) -> None:
    """A package beside `cim` may be another's, as where both are installed in one folder."""
    root = tree({"cim/a.py": '"import cim.b"  # import cim.b\nimport torch', "torch/__init__.py": "", "cim/b.py": ""})
    assert import_closure(root, ["cim.a"]) == {"cim/a.py"}


def test_what_is_left_out_is_not_followed(tree: Tree) -> None:
    root = tree({"cim/a.py": "import cim.b.c, cim.bb", "cim/b/c.py": "import cim.d", "cim/d.py": "", "cim/bb.py": ""})
    assert import_closure(root, ["cim.a"], ["cim.b"]) == {"cim/a.py", "cim/bb.py"}


@pytest.mark.parametrize("entry", ["cim.b", "cim.a.c", "cim.p", "torch"])
def test_an_entry_that_is_no_module_is_refused(tree: Tree, entry: str) -> None:
    root = tree({"cim/a.py": "", "cim/p/__init__.py": "", "cim/p/q.py": "", "torch.py": ""})
    with pytest.raises(ModuleNotFoundError, match=entry):
        import_closure(root, ["cim.a", entry])


def test_an_edited_file_is_read_anew(tree: Tree) -> None:
    root = tree({"cim/a.py": "", "cim/b.py": ""})
    assert import_closure(root, ["cim.a"]) == {"cim/a.py"}
    tree({"cim/a.py": "import cim.b"})
    assert import_closure(root, ["cim.a"]) == {"cim/a.py", "cim/b.py"}
    assert imports_of(root / "cim/a.py") == {"cim.b"}


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_what_python_loads_is_in_it(root: Path, entry: str) -> None:
    """Python's own word, as far as it goes: what is imported inside functions is not loaded yet."""
    code = f"import sys, {entry}; print(*(name for name in sys.modules if name.split('.')[0] == 'cim'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    found = {
        path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in import_closure(root, [entry])
    }
    assert set(done.stdout.split()) - found == set()


@pytest.mark.parametrize("failures", [1, 4])
def test_parsing_that_another_thread_disturbs_is_tried_again(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    parse, left = ast.parse, [failures]
    root = tree({"cim/a.py": f"import cim.b  # disturbed {failures} times", "cim/b.py": ""})

    def disturbed(code: bytes) -> ast.Module:
        left[0] -= 1
        if left[0] >= 0:
            raise SystemError("AST constructor recursion depth mismatch (before=57, after=95)")
        return parse(code)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert import_closure(root, ["cim.a"]) >= {"cim/a.py", "cim/b.py"}
    assert left[0] < 0
