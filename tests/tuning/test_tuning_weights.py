"""A tuned captioner is written from the kept weights of its training: again with another interpolation, or killed."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
import torch
from full_disk import full_beyond
from halving_trainer import RECORDS, Trainer
from tiny_run import TUNE
from tiny_scene import TINY

from cim.atomic import marker_of, read_json, write_bytes, write_json
from cim.captioners.load import load_captioner
from cim.disk import disk_trouble
from cim.encoders.card import EncoderCard
from cim.fingerprint import hash_path
from cim.index.meta import IndexMeta
from cim.languages.english import ENGLISH
from cim.layout import Layout
from cim.rewards.retriever import Retriever
from cim.tuning import run
from cim.tuning.grpo import Tuned
from cim.tuning.job import TuneJob
from cim.tuning.validate import Validation
from cim.tuning.weights import read_trained, save_trained
from cim.warm_start.tiny import make_tiny_captioner
from tasks.tune import tune_task


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Trainer:
    """The only part of the task that trains; retrieval is left out."""
    made = Trainer()
    monkeypatch.setattr(run, "grpo", made)
    monkeypatch.setattr(run, "ImageLookup", lambda _: None)
    monkeypatch.setattr(run, "prompt_rows", lambda *_: None)
    monkeypatch.setattr(run, "TrlReward", lambda *_: None)
    monkeypatch.setattr(Retriever, "open", lambda *_: SimpleNamespace(language=ENGLISH, text_tower=None))
    monkeypatch.setattr(run, "_validator", lambda *_: lambda *_: Validation(0.2, 0.0, None, None, 0, 1.0))
    return made


@pytest.fixture
def job(tmp_path: Path) -> TuneJob:
    """A base captioner and what else the fingerprint names; goes 0.5 of the way."""
    layout = Layout(tmp_path / "data")
    make_tiny_captioner(TINY, ["a red circle", "two stars"] * 50, 0, layout.model("captioner"))
    for part in ("items", "caption_text"):
        meta = IndexMeta(part, "inner_product", "Flat", 2, 2, 2, "e", {}, "", "f", gallery={"gallery": "bytes of it"})
        meta.write(layout.index(part))
    for role in ("text", "image"):
        layout.model(role).mkdir(parents=True)
        EncoderCard(role, "open_clip", "made", None, 2, f"{role} weights").write(layout.model(role))
    for split in ("train", "validation"):
        meta_of = {"encoder_fingerprint": "e", "dim": 2, "fingerprint": f"{split} vectors", "content": f"{split} tars"}
        write_json(layout.embeddings("image", split) / "meta.json", meta_of)
    for split in ("train", "validation"):
        layout.shards(split).mkdir(parents=True)
        pl.DataFrame({"id": ["a", "b"]}).write_parquet(layout.shards(split) / "manifest.parquet")
    return TuneJob(layout, TUNE.model_copy(update={"interpolation": 0.5}), ("Say.",), "cpu", 1, False)


def test_its_card_names_training_index_gallery_and_encoders(job: TuneJob, trainer: Trainer) -> None:
    tune_task.fn(job)
    layout = job.layout
    made_from = read_json(layout.tuned / "cim.json")["made_from"]
    assert made_from["training"] == {
        "fingerprint": job.training(),
        "weights": hash_path(layout.trained),
        "record": hash_path(marker_of(layout.trained)),
    }
    assert made_from["reward"] == {
        "encoders": {"image": "image weights", "text": "text weights"},
        "index": {part: hash_path(layout.index(part) / "meta.json") for part in ("items", "caption_text")},
        "gallery": {"gallery": "bytes of it"},
    }
    manifest = hash_path(layout.shards("train") / "manifest.parquet")
    assert made_from["images"]["train"] == {"manifest": manifest, "shards": "train tars", "vectors": "train vectors"}


def going(job: TuneJob, share: float) -> TuneJob:
    return replace(job, params=job.params.model_copy(update={"interpolation": share}))


def elsewhere(job: TuneJob, folder: Path) -> TuneJob:
    """The same job on a copy of its inputs: what an undisturbed run leaves."""
    shutil.copytree(job.layout.root, folder, ignore=shutil.ignore_patterns("tuned"))
    return replace(job, layout=Layout(folder))


def contents(job: TuneJob) -> dict[str, bytes]:
    """Every file that the stage left, markers too."""
    base = job.layout.tuned.parent
    return {str(path.relative_to(base)): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()}


def test_another_interpolation_writes_weights_and_trains_nothing(
    job: TuneJob, trainer: Trainer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tune_task.fn(job)
    assert (trainer.asked, capsys.readouterr().out) == (1, "")
    first = contents(job)
    for share in (0.25, 1.0):
        facts = tune_task.fn(going(job, share))
        assert trainer.asked == 1
        assert f"Nothing to train: weights are written {share:g} of the way" in capsys.readouterr().out
        assert ("kept" in facts) == (share < 1)
    undisturbed = going(elsewhere(job, tmp_path / "undisturbed"), 1.0)
    tune_task.fn(undisturbed)
    assert trainer.asked == 2
    assert contents(job) == contents(undisturbed) != first
    tune_task.fn(job)
    assert contents(job) == first
    start, tuned = (dict(load_captioner(one, "cpu", "float32").model.named_parameters()) for one in folders(job))
    for name, weight in tuned.items():
        torch.testing.assert_close(weight, 0.75 * start[name])  # half of the way to half


def test_weights_between_that_are_worse_than_the_base_are_not_left(
    job: TuneJob, trainer: Trainer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The base captioner retrieves itself in 0.1, the best checkpoint in 0.3, half of the way in 0.05."""
    monkeypatch.setattr(run, "_validator", lambda *_: lambda *_: Validation(0.05, 0.0, None, None, 0, 1.0))
    facts = tune_task.fn(job)
    assert facts["kept"] == facts["best"] == RECORDS[1]
    assert "(0.050) than the base captioner's (0.100). Kept: the best checkpoint's" in caplog.text
    start, tuned = (dict(load_captioner(one, "cpu", "float32").model.named_parameters()) for one in folders(job))
    for name, weight in tuned.items():
        torch.testing.assert_close(weight, 0.5 * start[name])


def folders(job: TuneJob) -> tuple[Path, Path]:
    return job.layout.model("captioner"), job.layout.tuned


class Killed(BaseException):
    """As kill -9, and nobody catches it; a real one: tests/resume."""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Put a number in: so many files and folders of the stage take their places, and before the next it dies."""
    left: list[int] = []
    real = Path.replace

    def counted(self: Path, target: Path) -> Path:
        if left and "tuned" in target.parts:
            left[0] -= 1
            if left[0] < 0:
                left.clear()
                raise Killed
        return real(self, target)

    monkeypatch.setattr(Path, "replace", counted)
    return left


@pytest.mark.parametrize(
    ("after", "kills", "trainings"),
    [
        # Places are taken by: best.done.json, training, curves.csv, alarms.json, cim.json, model, summary.json,
        # model.done.json. Killed before the first or the second, it trains again.
        pytest.param(None, 8, 8 + 2, id="from nothing"),
        pytest.param(0.5, 6, 1, id="after a run with another interpolation"),
    ],
)
def test_killed_between_any_two_steps(
    job: TuneJob, trainer: Trainer, tmp_path: Path, steps: list[int], after: float | None, kills: int, trainings: int
) -> None:
    undisturbed = going(elsewhere(job, tmp_path / "undisturbed"), 0.25)
    tune_task.fn(undisturbed)
    if after is not None:
        tune_task.fn(going(job, after))
    start, job, trainer.asked = job, going(job, 0.25), 0 if after is None else 1
    for kill in range(kills):
        killed = replace(job, layout=Layout(tmp_path / f"kill-{kill}"))
        shutil.copytree(start.layout.root, killed.layout.root)
        steps.append(kill)
        with pytest.raises(Killed):
            tune_task.fn(killed)
        assert killed.done() is None
        tune_task.fn(killed)
        assert contents(killed) == contents(undisturbed)
    assert trainer.asked == trainings
    steps.append(kills)
    tune_task.fn(job)
    assert steps == [0]  # there was no further step


def test_other_training_is_not_taken_for_this_one(job: TuneJob, trainer: Trainer) -> None:
    tune_task.fn(job)
    tune_task.fn(replace(job, prompts=("Else.",)))
    assert trainer.asked == 2
    assert not any(path.name.startswith(".") for path in job.layout.tuned.parent.iterdir())


def test_a_lost_or_changed_training_is_done_again(job: TuneJob, trainer: Trainer) -> None:
    tune_task.fn(job)
    first = contents(job)
    shutil.rmtree(job.layout.trained.parent)
    tune_task.fn(job)  # DVC would miss an output
    (job.layout.trained / "model.safetensors").write_bytes(b"another")
    tune_task.fn(job)
    assert trainer.asked == 3
    assert contents(job) == first


def test_a_kept_run_is_read_as_it_was(tmp_path: Path) -> None:
    write_bytes(tmp_path / "run/best-000002/weights", b"w")
    tuned = Tuned([{"step": 1, "reward": 0.1 + 0.2}], RECORDS, tmp_path / "run/best-000002", [], [], "stop_early")  # type: ignore[arg-type]
    out = tmp_path / "training/best"
    kept = save_trained(tuned, out, "f")
    assert kept == replace(tuned, best=out) == read_trained(out, "f")
    assert (out / "weights").read_bytes() == b"w"
    assert read_trained(out, "g") is None
    assert read_json(marker_of(out))["facts"]["stop_reason"] == "stop_early"


def test_a_full_disk_leaves_no_half_of_a_captioner(job: TuneJob, trainer: Trainer) -> None:
    """The weights are refused as the trainer writes them, then, after a training, as the tuned ones are written."""
    undisturbed = replace(job, layout=Layout(job.layout.root.parent / "undisturbed"))
    shutil.copytree(job.layout.root, undisturbed.layout.root)
    tune_task.fn(undisturbed)
    with full_beyond(2000), pytest.raises(Exception, match="File too large") as refused:
        tune_task.fn(job)
    assert disk_trouble(refused.value) is not None
    assert not job.layout.trained.parent.exists()
    trained = run.train(job, *run.open_reward(job))
    with full_beyond(2000), pytest.raises(Exception, match="File too large"):
        tune_task.fn(job)
    assert not job.layout.tuned.exists()
    assert not marker_of(job.layout.tuned).exists()
    tune_task.fn(job)
    assert trainer.asked == 3  # undisturbed, refused, and the one that was kept
    assert trained.best == job.layout.trained
    for folder in ("model", "training/best"):
        for path in (undisturbed.layout.root / "tuned" / folder).iterdir():
            if path.name != "cim.json":
                assert (job.layout.root / "tuned" / folder / path.name).read_bytes() == path.read_bytes(), path
