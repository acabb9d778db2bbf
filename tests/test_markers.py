"""A planted change in a module makes stale exactly those done markers whose work imports it."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from layers import callers
from markers import Marker, markers_in

import cim.fingerprint
from cim.fingerprint import UNCOUNTED, code_of
from cim.imports import import_closure
from cim.layout import Layout
from cim.readers.webdataset import TarPart
from tasks.models import MAKERS

CODE = ("cim", "flows", "tasks")
PLANTED = b"\n# planted\n"
TAR = TarPart.__module__.replace(".", "/") + ".py"
# The markers of each stage, and what of its task's imports the other stages of that task run, or brings to a store what
# is made; evaluate has no marker.
STAGES: dict[str, tuple[Collection[str], Collection[str]]] = {
    "shard": (["shard"], []),
    "models captioner": (["models captioner"], ["cim.encoders.make"]),
    "models text": (["models text"], ["cim.warm_start.make"]),
    "models image": (["models image"], ["cim.warm_start.make"]),
    "models heldout": (["models heldout"], ["cim.warm_start.make"]),
    "embed text": (["embed text"], []),
    "embed image": (["embed image"], []),
    "embed heldout": (["embed heldout"], []),
    "index": (["index items", "index space"], []),
    "tune": (["tune"], []),
    "caption": (["caption", "caption, score"], []),
    "remix": (["remix"], ["cim.rewrite.stored", "cim.captions.store"]),
}

# Modules of which a task takes a value that its marker holds: how deep an index is measured; where files lie.
BY_VALUE = {
    "index": ["cim/index/depth.py"],
    "models": ["cim/layout.py"],
}


@pytest.fixture
def copy(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of all code, which markers take for the code that runs."""
    for name in CODE:
        shutil.copytree(root / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    monkeypatch.setattr(cim.fingerprint, "ROOT", tmp_path / "copy")
    code_of.cache_clear()
    yield tmp_path / "copy"
    code_of.cache_clear()


@pytest.fixture
def markers(root: Path, tmp_path: Path) -> dict[str, Marker]:
    return markers_in(root, Layout(tmp_path / "data"))


def now(marker: Marker) -> str:
    """The marker of a process that starts now."""
    code_of.cache_clear()
    return marker.asked()


@contextmanager
def planted(root: Path, files: Collection[str]) -> Iterator[None]:
    """While it is open, there is a change in each of these files."""
    kept = {file: (root / file).read_bytes() for file in files}
    for file, content in kept.items():
        (root / file).write_bytes(content + PLANTED)
    yield
    for file, content in kept.items():
        (root / file).write_bytes(content)


def test_every_module_of_its_work_makes_a_marker_stale_and_no_other(copy: Path, markers: dict[str, Marker]) -> None:
    every = {str(file.relative_to(copy)) for name in CODE for file in (copy / name).rglob("*.py")}
    for name, marker in markers.items():
        needed, before = import_closure(copy, marker.entries, UNCOUNTED), now(marker)
        assert len(needed) > 5, name
        for file in needed:
            with planted(copy, [file]):
                assert now(marker) != before, f"{name}: {file}"
        with planted(copy, every - needed):
            assert now(marker) == before, name


def test_markers_hold_all_that_the_task_of_their_stage_imports(root: Path, markers: dict[str, Marker]) -> None:
    """All but the task itself, which hands over: what decides an artefact is in cim, or the task is the entry."""
    for stage, (names, of_others) in STAGES.items():
        task = stage.split()[0]
        run = import_closure(root, [f"tasks.{task}"], [*UNCOUNTED, *of_others])
        entries = [entry for name in names for entry in markers[name].entries]
        assert run - import_closure(root, entries, UNCOUNTED) <= {f"tasks/{task}.py", *BY_VALUE.get(task, ())}, stage


def test_every_role_and_every_caller_is_among_them(root: Path, markers: dict[str, Marker]) -> None:
    """A marker made anywhere else must come into markers.py first."""
    assert {f"models {role}" for role in MAKERS} <= set(STAGES)
    known = {
        "cim/warm_start/make.py", "cim/captions/job.py", "cim/captions/lineage.py", "cim/readers/hash_cache.py",
        "cim/embeddings/plan.py", "cim/index/build.py", "cim/rewards/pictures.py", "cim/shards/write.py",
        "tasks/models.py", "tasks/recaption.py", "cim/tuning/job.py", "cim/rewrite/job.py", "cim/curation/measure.py",
        "cim/curation/write.py", "cim/export/shard.py", "cim/export/folder.py", "cim/refine/job.py",
    }  # fmt: skip
    assert callers([root / name for name in CODE], "code_of") == {root / name for name in known}


@pytest.mark.parametrize(
    ("name", "file", "stale"),
    [
        ("embed image", "cim/images/decode.py", True),
        ("embed image", "cim/shards/read.py", True),
        ("embed image", "cim/encoders/clip.py", True),
        ("embed image", "cim/encoders/fit.py", False),
        ("embed image", "cim/params/retrieval.py", False),
        ("models captioner", "cim/images/decode.py", True),
        ("models captioner", "cim/shards/read.py", True),
        ("models captioner", "cim/prefetch.py", True),
        ("models captioner", "cim/models/fetch.py", True),
        ("models captioner", "cim/encoders/make.py", False),
        ("models text", "cim/models/fetch.py", True),
        ("models text", "cim/captioners/load.py", False),
        ("models image", "cim/images/decode.py", True),
        ("models image", "cim/shards/read.py", True),
        ("index items", "cim/encoders/clip.py", False),
        ("tune", "cim/images/decode.py", True),
        ("tune", "cim/encoders/clip.py", True),
        ("tune", "cim/index/search.py", True),
        ("tune", "cim/encoders/fit.py", False),
        ("caption", "cim/records.py", True),
        ("caption", "cim/readers/files.py", True),
        ("caption", TAR, True),
        ("caption", "cim/rewards/identity.py", False),
        ("caption, version", TAR, False),
        ("caption, score", "cim/rewards/identity.py", True),
        ("caption, stats", "cim/readers/files.py", True),
        ("caption, stats", "cim/captioners/generate.py", False),
    ],
)
def test_named_ones(copy: Path, markers: dict[str, Marker], name: str, file: str, stale: bool) -> None:
    """Known without computing any closure: what each is made with."""
    before = now(markers[name])
    with planted(copy, [file]):
        assert (now(markers[name]) != before) == stale
