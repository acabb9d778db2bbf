"""The variants of the ablation: what they are made from, when a run is reused, and when it is refused."""

from pathlib import Path

import pytest

from benchmarks.ablation import runs
from benchmarks.ablation.finished import hash_project
from benchmarks.ablation.runs import KEPT, MADE_FROM, made_from, pending
from benchmarks.ablation.tables import MARKERS
from benchmarks.ablation.variants import SEEDS, TABLES, VARIANTS, Variant
from benchmarks.common.project import copy_project
from cim.atomic import write_json
from cim.errors import CimError
from cim.params import Params
from cim.params.yaml import read_yaml

K_5 = VARIANTS["k-5"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A workspace that has run, as far as a variant's identity goes."""
    folder = tmp_path / "source"
    for part in KEPT:
        (folder / "data" / part).mkdir(parents=True)
        (folder / "data" / part / "file").write_text(part)
    (folder / "params.yaml").write_text("tune: {reward: {k: 3}}\n")
    return folder


def leave(work: Path, name: str, parts: dict[str, str] | None) -> None:
    """A finished run, with or without a word on what it was made from."""
    (work / name / "data/report").mkdir(parents=True)
    (work / name / "data/report/metrics.json").write_text("{}")
    if parts is not None:
        write_json(work / name / MADE_FROM, parts)


def test_a_finished_run_of_the_same_is_reused_and_an_unfinished_one_is_not(source: Path, tmp_path: Path) -> None:
    wanted = {"k-5": made_from(K_5, source), "k-1": made_from(VARIANTS["k-1"], source)}
    leave(tmp_path / "work", "k-5", wanted["k-5"])
    (tmp_path / "work/k-1").mkdir()
    write_json(tmp_path / "work/k-1" / MADE_FROM, wanted["k-1"])
    assert pending(wanted, tmp_path / "work") == ["k-1"]


def test_a_run_of_other_parameters_code_or_workspace_is_refused_before_anything_runs(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(tmp_path / "work", "k-5", made_from(K_5, source))

    def refused() -> str:
        with pytest.raises(CimError) as error:
            pending({"k-1": {}, "k-5": made_from(K_5, source)}, tmp_path / "work")
        return error.value.found

    (source / "data/tuned/file").write_text("other weights")
    assert refused().endswith("k-5 (other workspace)")
    (source / "params.yaml").write_text("tune: {reward: {k: 3, beta: 2}}\n")
    assert refused().endswith("k-5 (other params, workspace)")
    monkeypatch.setattr(runs, "hash_project", lambda root: "other code")
    assert refused().endswith("k-5 (other params, code, workspace)")


def test_a_run_that_was_stopped_goes_on_and_another_one_begins_anew(
    source: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in `caption`: what `tune` left is there when it goes on, and gone for other parameters."""
    (source / "params.yaml").write_text((root / "params.yaml").read_text())
    left, ran = tmp_path / "run/data/tuned/new", list[tuple[str, bool]]()

    def stage(command: list[str], **_: object) -> None:
        name = command[2].removeprefix("flows.")
        ran.append((name, left.exists()))
        if name == "tune":
            left.touch()
        if name == "caption" and len(ran) < 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs.subprocess, "run", stage)
    parts = made_from(K_5, source)
    with pytest.raises(KeyboardInterrupt):
        runs.run(K_5, source, tmp_path / "run", parts)
    runs.run(K_5, source, tmp_path / "run", parts)
    runs.run(VARIANTS["k-1"], source, tmp_path / "run", made_from(VARIANTS["k-1"], source))
    assert ran == [
        ("tune", False), ("caption", True), ("tune", True), ("caption", True), ("evaluate", True),
        ("tune", False), ("caption", True), ("evaluate", True),
    ]  # fmt: skip


def test_a_run_that_does_not_say_what_it_was_made_from_is_refused(source: Path, tmp_path: Path) -> None:
    leave(tmp_path / "work", "k-5", None)
    with pytest.raises(CimError, match=r"no made_from\.json"):
        pending({"k-5": made_from(K_5, source)}, tmp_path / "work")


def test_a_copy_of_the_project_is_the_same_code(root: Path, tmp_path: Path) -> None:
    copy_project(tmp_path, root / "params.yaml")
    assert hash_project(tmp_path) == hash_project(root)
    (tmp_path / "tasks/tune.py").write_text("")
    assert hash_project(tmp_path) != hash_project(root)


def test_other_stages_are_another_run(source: Path) -> None:
    fewer = Variant(K_5.stages[1:], K_5.changes)
    first, second = made_from(K_5, source), made_from(fewer, source)
    assert [part for part in first if first[part] != second[part]] == ["stages"]


def test_changes_reach_into_lists_and_leave_the_default_alone() -> None:
    default = {"shard": {"sources": [{"count": 6000}, {"count": 1}]}, "tune": {"seed": 0}}
    changed = Variant((), {"shard.sources.0.count": 1500, "tune.steps": 9}).params(default)
    assert changed == {"shard": {"sources": [{"count": 1500}, {"count": 1}]}, "tune": {"seed": 0, "steps": 9}}
    assert default == {"shard": {"sources": [{"count": 6000}, {"count": 1}]}, "tune": {"seed": 0}}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_every_variant_is_valid_for_the_default(root: Path, name: str) -> None:
    Params.model_validate(VARIANTS[name].params(read_yaml(root / "params.yaml")))


def test_every_variant_stands_in_a_table_and_every_table_in_the_document(root: Path) -> None:
    places = {variant for table in TABLES.values() for variant, _ in table.rows.values()}
    assert places | set(SEEDS.values()) == set(VARIANTS)
    assert all(label in table.rows for table in TABLES.values() for pair in table.against.items() for label in pair)
    text = (root / "docs/ablation.md").read_text()
    assert all(f"<!-- {marker} -->" in text and f"<!-- end {marker} -->" in text for marker in MARKERS)
