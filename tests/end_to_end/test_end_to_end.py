"""All stages through `dvc repro`, once; then nothing; then only what a changed parameter touches."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from workspace import Workspace

from cim.params.yaml import read_yaml

pytestmark = pytest.mark.slow
MODEL_LIBRARIES = {"torch", "transformers", "sentence_transformers", "open_clip", "trl"}


def stages_run(output: str) -> list[str]:
    """Names in the order in which `dvc repro` ran them."""
    return re.findall(r"Running stage '([^']+)'", output)


def columns(values: Any) -> list[Any]:
    """The numbers that DVC shows, a column each."""
    return [leaf for value in values.values() for leaf in (columns(value) if isinstance(value, dict) else [value])]


EMBED = ("embed@text", "embed@image", "embed-heldout")


def stages_named(finished: Workspace) -> set[str]:
    return set(read_yaml(finished.folder / "dvc.lock")["stages"])


class TestFirstRun:
    def test_every_stage_ran_once(self, finished: Workspace) -> None:
        ran = stages_run(finished.first_run)
        assert len(ran) == len(set(ran))
        assert set(ran) == stages_named(finished) > {"shard", "models@image", "embed@text", "index", "tune", "evaluate"}

    def test_an_id_means_the_same_everywhere(self, finished: Workspace) -> None:
        """Ids of the eval split: in the manifest, the embeddings and both captioners' captions."""
        data = finished.folder / "data"
        ids = set(pl.read_parquet(data / "shards/eval/manifest.parquet")["id"])
        assert len(ids) > 10
        places = ["embeddings/heldout/eval", "captions/base/eval", "captions/tuned/eval"]
        for place in places:
            tables = [pl.read_parquet(path) for path in sorted((data / place).glob("eval-*.parquet"))]
            found = pl.concat([table.select("id") for table in tables])["id"]
            assert found.len() == found.n_unique()
            assert set(found) == ids, place

    def test_no_image_in_two_splits(self, finished: Workspace) -> None:
        splits = finished.folder / "data/shards"
        ids = [id for path in splits.glob("*/manifest.parquet") for id in pl.read_parquet(path)["id"]]
        assert len(ids) == len(set(ids))

    def test_report_stands_alone(self, finished: Workspace) -> None:
        """It loads nothing from elsewhere: no linked script, style, picture or font."""
        page = (finished.folder / "data/report/report.html").read_text(encoding="utf-8")
        assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)([^"']+)""", page) == []
        assert re.findall(r"url\((?!['\"]?(?:data:|#))", page) == []
        assert len(page) > 10_000

    def test_metrics_are_numbers_dvc_can_read(self, finished: Workspace) -> None:
        shown: dict[str, Any] = json.loads(finished.check("dvc", "metrics", "show", "--json"))
        assert "error" not in shown[""]
        (headline,) = shown[""]["data"].items()  # no other file is a metric
        assert headline[0] == "data/report/headline.json"
        assert len(columns(headline[1]["data"])) <= 12

    def test_status_says_done_and_the_log_how_it_went(self, finished: Workspace) -> None:
        answer = json.loads(finished.check("flows.status", "--json"))
        assert answer["dvc"] is None
        assert {stage["name"]: (stage["state"], stage["why"]) for stage in answer["stages"]} == {
            name: ("done", []) for name in stages_named(finished)
        }
        assert all(stage["bytes"] for stage in answer["stages"])
        told = [json.loads(line) for line in (finished.folder / "data/logs/flows.jsonl").read_text().splitlines()]
        assert {"time", "run", "step", "process", "host", "event"} <= set.intersection(*(set(line) for line in told))
        ended = [line["step"] for line in told if line["event"] == "done"]
        assert {"flows.shard", "flows.embed text", "flows.models captioner", "flows.evaluate"} <= set(ended)

    def test_light_stages_loaded_no_model_library(self, finished: Workspace) -> None:
        for stage in ("shard", "index"):
            loaded = set((finished.imports / stage).read_text().split())
            assert "prefect" in loaded  # the note was taken
            assert loaded & MODEL_LIBRARIES == set()
        assert "torch" in (finished.imports / "embed@image").read_text().split()  # and would tell


class TestAgain:
    def test_nothing_runs(self, finished: Workspace) -> None:
        assert stages_run(finished.check("dvc", "repro")) == []

    def test_forced_onto_done_markers_changes_no_byte(self, copied: Workspace) -> None:
        """What DVC thinks stale and the markers know to be done is skipped, not remade."""
        before = {path: path.stat().st_mtime_ns for path in (copied.folder / "data/embeddings").rglob("*.npy")}
        copied.check("flows.embed")
        assert {path: path.stat().st_mtime_ns for path in before} == before


class TestOneParameter:
    def test_cards_rerun_evaluate_alone(self, copied: Workspace) -> None:
        copied.change("evaluate.cards", 3)
        assert stages_run(copied.check("dvc", "repro")) == ["evaluate"]

    @pytest.mark.parametrize(
        ("name", "value", "stale"),
        [
            ("runtime.workers", 1, set()),
            ("shard.seed", 1, {"shard"}),
            ("models.warm_start.seed", 1, {"models-captioner"}),
            ("embed.heldout_splits", ["eval"], set(EMBED)),
            ("models.heldout_encoder.seed", 2, {"models-heldout"}),
            ("embed.batch_size", 8, set(EMBED)),
            (
                "index.splits",
                ["gallery", "train"],
                {"embed@text", "embed@image", "index", "tune", "caption", "evaluate"},
            ),
            ("tune.seed", 1, {"tune"}),
            ("tune.reward.beta", 0.5, {"tune", "caption", "evaluate"}),
            ("caption.prompts", ["What is it?"], {"models-captioner", "tune", "caption"}),
            ("evaluate.seed", 1, {"evaluate"}),
        ],
    )
    def test_makes_only_its_readers_stale(self, scratch: Workspace, name: str, value: Any, stale: set[str]) -> None:
        """DVC's own answer, asked in this process: stages whose parameters changed (those after them follow)."""
        from dvc.repo import Repo

        params = (scratch.folder / "params.yaml").read_text()
        scratch.change(name, value)
        try:
            with Repo(str(scratch.folder)) as repo:
                changed = {stage.rpartition(":")[2] for stage in repo.status()}
        finally:
            (scratch.folder / "params.yaml").write_text(params)
        assert changed == stale


class TestBadStart:
    @pytest.mark.parametrize("step", ["shard", "evaluate"])
    def test_bad_parameter_is_one_plain_error(self, finished: Workspace, tmp_path: Path, step: str) -> None:
        text = (finished.folder / "params.yaml").read_text()
        (tmp_path / "bad.yaml").write_text(text.replace("  steps:", "  stepz:"))
        done = finished.run(f"flows.{step}", "--params", str(tmp_path / "bad.yaml"))
        assert done.returncode == 1
        assert "tune.stepz: unknown name; did you mean 'steps'?" in done.stdout
        assert "Traceback" not in done.stdout

    def test_missing_input_is_one_plain_error(self, copied: Workspace) -> None:
        for path in (copied.folder / "data/embeddings").rglob("meta.json"):
            path.unlink()
        done = copied.run("flows.index")
        assert done.returncode == 1
        assert "index: found" in done.stdout
        assert "Traceback" not in done.stdout


def test_pipeline_flow_prints_the_table(copied: Workspace) -> None:
    """The scheduled flow finds nothing to do and still says what came of it and where the report is."""
    output = copied.check("flows.pipeline")
    assert stages_run(output) == []
    assert str(Path("data/report/report.html")) in output
