"""The stage itself: both captioners, both splits, resume, loud failures. Prefect's part: tests/end_to_end."""

import shutil
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from captioned_shards import LINEAGE, in_turn, job_for, job_in, png, write_shard
from speaking import make_speaking

import cim.captioners.load
import flows.captioning
import tasks.caption
from cim.atomic import read_json
from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.captions.job import ShardJob
from cim.captions.read import read_captions, read_rejects
from cim.engines.captioning import Captioning
from cim.engines.spec import EngineSpec
from cim.errors import CimError
from cim.params.yaml import dump_yaml, read_yaml
from flows.caption import caption
from tasks.caption import ModelJob, caption_task


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two untrained captioners that differ in their weights."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in ((2, "base"), (6, "tuned")):
        make_speaking(folder / name, seed)
    return {name: folder / name for name in ("base", "tuned")}


def _model(folder: Path) -> ModelJob:
    spec = EngineSpec(folder, captioner_fingerprint(folder), "", Decoding(8), device="cpu", precision="float32")
    return ModelJob(spec, torch_threads=1)


def _other(model: ModelJob, **changes: Any) -> ModelJob:
    return replace(model, spec=replace(model.spec, **changes))


def _facts(job: ShardJob, model: ModelJob, batch_size: int) -> dict[str, Any]:
    outcome = caption_task.fn(job, model, batch_size)
    assert outcome is not None
    return outcome.facts


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Folders from which a captioner is loaded, in order; nothing is loaded yet."""
    tasks.caption._kept.clear()
    found: list[Path] = []
    load = cim.captioners.load.load_captioner

    def noted(folder: Path, *rest: object, **options: object) -> object:
        found.append(folder)
        return load(folder, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cim.captioners.load, "load_captioner", noted)
    return found


def test_the_model_is_loaded_once_and_only_when_there_is_work(
    models: dict[str, Path], tmp_path: Path, loads: list[Path]
) -> None:
    for number in range(2):
        write_shard(tmp_path / f"target-00000{number}.tar", [png(10 + number, (64, 64))])
    base = _model(models["base"])
    lineage = replace(LINEAGE, model_fingerprint=base.spec.fingerprint)
    jobs = [job_for(shard, tmp_path / "out", lineage) for shard in sorted(tmp_path.glob("*.tar"))]
    first = [_facts(job, base, 4) for job in jobs]
    assert loads == [models["base"]]
    tasks.caption._kept.clear()
    assert [_facts(job, base, 2) for job in jobs] == first  # another batch size is no reason
    assert loads == [models["base"]]
    caption_task.fn(replace(jobs[0], lineage=replace(lineage, prompt="What?")), base, 4)
    assert loads == [models["base"]] * 2


@pytest.mark.parametrize("prefetch_in", ["threads", "processes"])
def test_the_last_model_is_gone_before_the_next_one_is_loaded(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loads: list[Path], prefetch_in: Any
) -> None:
    held: list[weakref.ref[Any]] = []
    left: list[int] = []
    load = cim.captioners.load.load_captioner

    def watched(*given: Any, **named: Any) -> Any:
        left.append(sum(one() is not None for one in held))
        captioner = load(*given, **named)
        captioner.model.__dict__["itself"] = captioner.model  # as a hook or a wrapper may
        held.append(weakref.ref(captioner.model))
        return captioner

    monkeypatch.setattr(cim.captioners.load, "load_captioner", watched)
    write_shard(tmp_path / "target-000000.tar", [png(1, (64, 64)), png(2, (40, 90))])
    for name in ("base", "tuned", "base"):
        model = _other(_model(models[name]), prefetch_in=prefetch_in)
        lineage = replace(LINEAGE, model_fingerprint=model.spec.fingerprint)
        _facts(job_for(tmp_path / "target-000000.tar", tmp_path / "out", lineage), model, 2)
    assert loads == [models["base"], models["tuned"], models["base"]]
    assert left == [0, 0, 0]
    assert held[-1]() is not None  # kept for the next shard


def test_worker_processes_make_the_same_files_as_threads_rejects_included(
    models: dict[str, Path], tmp_path: Path, loads: list[Path]
) -> None:
    thin = png(90, (1, 300))  # Qwen's processor refuses a ratio above 200
    shard = write_shard(tmp_path / "target-000000.tar", [png(1, (64, 64)), thin, png(2, (40, 90)), b"bad", png(3)])
    threads = _model(models["base"])
    lineage = replace(LINEAGE, model_fingerprint=threads.spec.fingerprint)
    files = []
    for where in (threads, _other(threads, prefetch=2, prefetch_in="processes")):
        out = tmp_path / where.spec.prefetch_in
        facts = _facts(job_for(tmp_path / "target-000000.tar", out, lineage), where, 2)
        assert (facts["captions"], facts["rejects"]) == (3, 2)
        assert "refused by the captioner" in read_rejects(out)["reason"].to_list()
        files.append({path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert files[0] == files[1]
    assert len(shard) == 5


def test_a_model_that_changed_since_the_flow_began_is_refused(
    models: dict[str, Path], tmp_path: Path, loads: list[Path]
) -> None:
    write_shard(tmp_path / "target-000000.tar", [png(10)])
    with pytest.raises(CimError, match="changed while captioning"):
        caption_task.fn(job_in(tmp_path), _other(_model(models["base"]), fingerprint="other"), 4)
    assert not list((tmp_path / "out").iterdir())


@pytest.fixture
def place(models: dict[str, Path], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two target shards, an eval shard, models and params; the flow runs there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(flows.captioning, "map_shards", in_turn)
    values = read_yaml(root / "tests/end_to_end/tiny.yaml")
    values["caption"]["max_reject_share"] = 0.5
    Path("params.yaml").write_text(dump_yaml(values))
    thin = png(90, (1, 300))  # Qwen's processor refuses a ratio above 200
    contents = {"target": [[png(1, (64, 64)), png(2, (40, 90))], [png(3), b"bad"]], "eval": [[png(4), thin]]}
    for split, shards in contents.items():
        rows = []
        for number, images in enumerate(shards):
            path = Path(f"data/shards/{split}/{split}-00000{number}.tar")
            rows += [{"id": i, "shard": path.name} for i in write_shard(path, images)]
        pl.DataFrame(rows).write_parquet(f"data/shards/{split}/manifest.parquet")
    shutil.copytree(models["base"], "data/models/captioner")
    shutil.copytree(models["tuned"], "data/tuned/model")
    return tmp_path


def test_both_captioners_caption_both_splits_and_a_rerun_does_only_what_changed(
    place: Path, loads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = caption.fn()
    out = place / "data/captions"
    assert read_json(out / "summary.json") == summary
    counts = {n: {s: (c["images"], c["captions"], c["rejects"]) for s, c in of.items()} for n, of in summary.items()}
    assert counts == {name: {"target": (4, 3, 1), "eval": (2, 1, 1)} for name in ("base", "tuned")}
    assert read_rejects(out / "base/eval")["reason"].to_list() == ["refused by the captioner"]
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.tar")) == [
        "tuned/target/target-000000.tar", "tuned/target/target-000001.tar",
    ]  # fmt: skip
    for name, folder in {"base": "data/models/captioner", "tuned": "data/tuned/model"}.items():
        assert set(read_captions(out / name / "target")["model_fingerprint"]) == {captioner_fingerprint(Path(folder))}
    assert loads == [Path("data/models/captioner"), Path("data/tuned/model")]

    # Another tuned model and one shard fewer: the base captions stay, the leftover goes.
    before = {path: path.stat().st_mtime_ns for path in (out / "base").rglob("*.parquet")}
    template = place / "data/tuned/model/chat_template.jinja"
    template.write_text(template.read_text() + " ")
    (place / "data/shards/target/target-000001.tar").unlink()
    asked: list[str] = []
    caption_all = Captioning.__call__

    def noted(engine: Captioning, batches: Any) -> Any:
        there = list(batches)
        asked.extend(key for _, keys in there for key in keys)
        return caption_all(engine, there)

    monkeypatch.setattr(Captioning, "__call__", noted)
    tasks.caption._kept.clear()
    caption.fn()
    assert loads[2:] == [Path("data/tuned/model")]
    done = read_captions(out / "tuned/target")["id"].to_list()
    assert set(asked) >= set(done)
    assert len(done) == 2
    kept = {path: stats for path, stats in before.items() if "target-000001" not in path.name}
    assert {path: path.stat().st_mtime_ns for path in (out / "base").rglob("*.parquet")} == kept
    assert not list(out.rglob("*target-000001*"))


def test_a_split_without_any_caption_is_a_loud_failure(place: Path) -> None:
    write_shard(place / "data/shards/eval/eval-000000.tar", [b"bad", b"worse"])
    with pytest.raises(CimError, match=r"no caption for any of 2 images of data/captions/base/eval .not an image: 2"):
        caption.fn()


def test_a_missing_tuned_model_stops_the_run_before_any_work(place: Path) -> None:
    shutil.rmtree(place / "data/tuned")
    with pytest.raises(CimError, match="tune for the tuned one"):
        caption.fn()
    assert not (place / "data/captions").exists()
