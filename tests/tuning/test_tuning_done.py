"""A tuned model counts as done only with what evaluate needs of the run beside it."""

from pathlib import Path

import pytest
from tiny_scene import TINY

from cim.atomic import mark_done, write_bytes
from cim.errors import CimError
from cim.layout import Layout
from cim.params import load_params
from cim.tuning.job import TuneJob
from cim.tuning.run import tune
from cim.warm_start.tiny import make_tiny_captioner


@pytest.fixture
def job(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TuneJob:
    """A finished run; its inputs are gone, so its fingerprint is given."""
    monkeypatch.setattr(TuneJob, "training", lambda _: "t")
    monkeypatch.setattr(TuneJob, "fingerprint", lambda _: "f")
    for name in (
        "training/best/model.safetensors",
        "model/model.safetensors",
        "curves.csv",
        "alarms.json",
        "summary.json",
    ):
        write_bytes(tmp_path / "tuned" / name, b"x")
    mark_done(tmp_path / "tuned/training/best", "t")
    mark_done(tmp_path / "tuned/model", "f", steps=3)
    return TuneJob(Layout(tmp_path), load_params(root / "params.yaml").tune, ("Describe.",), "cpu", 1, False)


def test_whole(job: TuneJob) -> None:
    assert job.done() == {"steps": 3}


@pytest.mark.parametrize(
    "lost",
    [
        "curves.csv",
        "alarms.json",
        "summary.json",
        "model/model.safetensors",
        "model.done.json",
        "training/best/model.safetensors",
        "training/best.done.json",
    ],
)
def test_a_lost_file_means_not_done(job: TuneJob, lost: str) -> None:
    (job.layout.tuned.parent / lost).unlink()
    assert job.done() is None


def test_a_prompt_that_ends_the_turn_is_refused_before_anything_is_loaded(root: Path, tmp_path: Path) -> None:
    """There is no index, no encoder and no shard here: the prompt comes first."""
    make_tiny_captioner(TINY, ["a red circle"] * 50, 0, tmp_path / "models/captioner")
    params = load_params(root / "params.yaml").tune
    with pytest.raises(CimError, match=r"a prompt 'Say<\|im_end\|>' that holds <\|im_end\|>"):
        tune(TuneJob(Layout(tmp_path), params, ("Describe.", "Say<|im_end|>"), "cpu", 1, False))


def test_another_model_checked_out_means_not_done(job: TuneJob) -> None:
    (job.layout.tuned / "model.safetensors").write_bytes(b"y")
    assert job.done() is None
