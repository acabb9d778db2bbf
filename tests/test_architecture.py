"""The rules of the design, held by measuring; each guard is shown to catch a planted violation."""

import statistics
from pathlib import Path
from typing import Any

import pytest
from layers import code_deps, computed_imports, importers, lengths, loaded_by, params_read

from cim.params import Params, load_params
from cim.params.yaml import dump_yaml, parse_yaml, read_yaml
from flows.help import models_in
from tasks.models import MAKERS

STEPS = [name for name in Params.model_fields if name not in ("runtime", "language")]
# How any stage is run and shown: changes no artefact.
SHARED = ("flows.command", "flows.help", "flows.model_workers", "flows.progress", "flows.shards")
PROFILES = sorted(f"profiles/{path.name}" for path in (Path(__file__).parents[1] / "profiles").glob("*.yaml"))
BESIDE = {"recaption", "remix", "curate", "export", "refine"}  # of flows that are no stage of dvc.yaml


@pytest.fixture
def stages(root: Path) -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml, a foreach group filled in."""
    found = {}
    for name, stage in read_yaml(root / "dvc.yaml")["stages"].items():
        each = stage.get("foreach", {"": {}})
        for key, item in (each if isinstance(each, dict) else {name: {} for name in each}).items():
            text = dump_yaml(stage.get("do", stage)).replace("${key}", key).replace("${item}", key)
            for field, value in item.items():
                text = text.replace(f"${{item.{field}}}", value)
            found[f"{name}@{key}" if key else name] = parse_yaml(text, name)
    return found


def step_of(stage: dict[str, Any]) -> str:
    """shard, for the command `python -m flows.shard`."""
    return str(stage["cmd"]).split()[2].removeprefix("flows.")


def code_to_list(root: Path, stage: dict[str, Any]) -> set[str]:
    """The code among the deps of a stage as it must be: of `models`, without what makes the models of other roles."""
    role = str(stage["cmd"]).split()[-1]
    others = set(MAKERS.values()) - {MAKERS[role]} if step_of(stage) == "models" else set[str]()
    return code_deps(root, f"flows.{step_of(stage)}", [*SHARED, *others]) - {"flows/__init__.py"}


def wrong_code(root: Path, name: str, stage: dict[str, Any]) -> str:
    """ "" for a stage that lists its code as it must, else what is wrong, with the right list to paste."""
    listed, right = [path for path in stage["deps"] if not path.startswith("data/")], code_to_list(root, stage)
    listed = [path for path in listed if path not in ("requirements.lock", "requirements-photos.lock")]
    if sorted(listed) == sorted(right):
        return ""
    lacking, surplus = sorted(right - set(listed)), sorted(set(listed) - right)
    text = ", ".join(sorted(right, key=lambda path: (path.endswith(".py"), path)))
    return f"{name} in dvc.yaml lacks {lacking}, has without need {surplus}. Its code:\n{text}\n"


def within(path: str, folders: list[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def output_paths(stage: dict[str, Any]) -> list[str]:
    listed = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in listed]


class TestLayers:
    def test_library_knows_no_orchestrator(self, root: Path) -> None:
        assert importers(root / "cim", ["prefect", "dvc", "flows", "tasks"]) == {}

    def test_tasks_know_neither_flows_nor_dvc(self, root: Path) -> None:
        assert importers(root / "tasks", ["flows", "dvc"]) == {}

    def test_faiss_is_imported_in_one_place(self, root: Path) -> None:
        assert importers(root / "cim", ["faiss"]) == {"index/library.py": {"faiss"}}

    def test_flows_only_orchestrate(self, root: Path) -> None:
        heavy = ["torch", "transformers", "trl", "faiss", "numpy", "polars", "open_clip", "sentence_transformers"]
        assert importers(root / "flows", heavy) == {}

    @pytest.mark.parametrize(
        "line",
        [
            "import prefect",
            "from dvc.repo import Repo",
            "def f():\n    import prefect.flows",
            'import_module("prefect")',
        ],
    )
    def test_planted_import_is_found(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep/planted.py").write_text(line)
        (tmp_path / "deep/innocent.py").write_text("import prefecture  # 'import prefect'")
        assert list(importers(tmp_path, ["prefect", "dvc"])) == ["deep/planted.py"]


class TestComputedImports:
    # They import packages of others, which parameters name, or look where one lies; no closure could tell what.
    KNOWN = ("cim/models/fetch.py", "cim/curation/classifier.py", "cim/trunks/weights.py", "flows/runners.py")

    def test_no_module_is_imported_by_a_computed_name(self, root: Path) -> None:
        found = computed_imports(root / name for name in ("cim", "flows", "tasks"))
        assert found == {root / name for name in self.KNOWN}

    @pytest.mark.parametrize(
        "line",
        [
            "import_module(name)",
            'importlib.import_module(f"cim.{name}")',
            'import_module(".b", "cim.a")',
            "__import__(name)",
            "import importlib",
            "from importlib import import_module as load",
            "import runpy",
            "exec(text)",
        ],
    )
    def test_planted_one_is_found(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "planted.py").write_text(line)
        (tmp_path / "innocent.py").write_text("from importlib import resources\nimport_module('a.b')\nmodel.eval()")
        assert computed_imports([tmp_path]) == {tmp_path / "planted.py"}


class TestLightStages:
    @pytest.mark.parametrize("step", ["shard", "index"])
    def test_loads_no_model_library(self, root: Path, step: str) -> None:
        assert loaded_by(f"flows.{step}", root) <= {"faiss"}  # index may search; what runs load: end_to_end

    def test_planted_import_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "torch.py").write_text("")
        (tmp_path / "inner.py").write_text("import torch")
        (tmp_path / "planted.py").write_text("import inner")
        assert loaded_by("planted", tmp_path) == {"torch"}
        assert loaded_by("json", tmp_path) == set()


class TestSizes:
    def test_files_are_small(self, root: Path) -> None:
        found = lengths(root / name for name in ("cim", "flows", "tasks", "tests", "benchmarks"))
        assert {name: lines for name, lines in found.items() if lines > 250} == {}

    def test_most_files_are_smaller_still(self, root: Path) -> None:
        found = lengths(root / name for name in ("cim", "flows", "tasks"))
        assert statistics.median(found.values()) <= 120

    def test_planted_long_file_is_measured(self, tmp_path: Path) -> None:
        (tmp_path / "long.py").write_text("pass\n" * 251)
        assert list(lengths([tmp_path]).values()) == [251]


class TestSteps:
    def test_every_step_is_in_every_layer(self, root: Path, stages: dict[str, dict[str, Any]]) -> None:
        assert {step_of(stage) for stage in stages.values()} == set(STEPS)
        for layer in ("flows", "tasks"):
            assert [step for step in STEPS if not (root / layer / f"{step}.py").is_file()] == []

    def test_every_file_of_tasks_is_a_step(self, root: Path) -> None:
        assert {path.stem for path in (root / "tasks").glob("*.py")} - {"__init__"} <= set(STEPS) | BESIDE

    def test_dependencies_exist(self, root: Path, stages: dict[str, dict[str, Any]]) -> None:
        made = [out for stage in stages.values() for out in output_paths(stage)]
        for name, stage in stages.items():
            for path in stage["deps"]:
                assert within(path, made) if path.startswith("data/") else (root / path).exists(), f"{name}: {path}"

    def test_a_stage_depends_on_the_code_it_runs_and_no_other(
        self, root: Path, stages: dict[str, dict[str, Any]]
    ) -> None:
        assert "\n".join(filter(None, (wrong_code(root, *stage) for stage in stages.items()))) == ""

    def test_planted_dependencies_are_found(self, tmp_path: Path) -> None:
        for name, text in {
            "flows/a.py": "import tasks.a",
            "tasks/a.py": "def f():\n    from cim.b.c import d",
            "cim/b/c.py": "import cim.e, cim.errors",
            "cim/e.py": "",
            "cim/errors.py": "",
        }.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        stage = {"cmd": "python -m flows.a", "deps": ["cim/b", "cim/e.py", "flows/a.py", "tasks/a.py", "data/in"]}
        assert wrong_code(tmp_path, "a", stage) == ""
        short = {**stage, "deps": ["cim/b", "flows/a.py", "tasks/a.py"]}
        assert "lacks ['cim/e.py'], has without need []" in wrong_code(tmp_path, "a", short)
        assert "cim/b, cim/e.py, flows/a.py, tasks/a.py\n" in wrong_code(tmp_path, "a", short)
        long = {**stage, "deps": [*stage["deps"], "cim/errors.py", "cim/b/c.py"]}
        assert "lacks [], has without need ['cim/b/c.py', 'cim/errors.py']" in wrong_code(tmp_path, "a", long)


class TestParams:
    def test_file_and_types_agree(self, root: Path) -> None:
        written = read_yaml(root / "params.yaml")
        read = load_params(root / "params.yaml").model_dump(mode="json", exclude_unset=True)
        assert read == written

    def test_no_parameter_is_without_effect(self, stages: dict[str, dict[str, Any]]) -> None:
        """Every field but runtime's is watched by the stage of its section; no stage watches runtime."""
        for step in STEPS:
            watched = {param for stage in stages.values() if step_of(stage) == step for param in stage["params"]}
            if step not in watched:
                (section,) = models_in(Params.model_fields[step].annotation)
                assert {f"{step}.{field}" for field in section.model_fields} <= watched
        assert not any(param.split(".")[0] == "runtime" for stage in stages.values() for param in stage["params"])

    @pytest.mark.parametrize("name", ["params.yaml", "tests/end_to_end/tiny.yaml", *PROFILES])
    def test_watched_parameters_are_written(self, root: Path, stages: dict[str, dict[str, Any]], name: str) -> None:
        """DVC knows no defaults: it refuses a stage whose parameter the file leaves out."""
        for param in {param for stage in stages.values() for param in stage["params"]}:
            values = read_yaml(root / name)
            for part in param.split("."):
                assert part in values, f"{name} leaves out {param}"
                values = values[part]

    def test_watched_parameters_exist(self, stages: dict[str, dict[str, Any]]) -> None:
        for param in {param for stage in stages.values() for param in stage["params"]}:
            models = [Params]
            for part in param.split("."):
                assert any(part in model.model_fields for model in models), param
                models = [
                    i for m in models if part in m.model_fields for i in models_in(m.model_fields[part].annotation)
                ]

    def test_a_stage_watches_all_parameters_it_reads(self, root: Path, stages: dict[str, dict[str, Any]]) -> None:
        for step in STEPS:
            watched = [param for stage in stages.values() if step_of(stage) == step for param in stage["params"]]
            for name in params_read(root / f"flows/{step}.py"):
                section = name.split(".")[0]
                if section in Params.model_fields and section != "runtime":
                    assert any(f"{name}.".startswith(f"{w}.") or w.startswith(f"{name}.") for w in watched), name

    def test_planted_hidden_parameter_is_found(self, tmp_path: Path) -> None:
        (tmp_path / "flow.py").write_text("k = params.tune.reward.k + params.embed.batch_size; other.tune.x")
        assert params_read(tmp_path / "flow.py") == {"tune.reward.k", "embed.batch_size"}
