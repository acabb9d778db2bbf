"""A tuned model is made from the indexes that its reward's space searches, and from no other."""

from dataclasses import replace
from pathlib import Path

import pytest

from cim.layout import Layout
from cim.params import load_params
from cim.tuning.job import TuneJob


@pytest.mark.parametrize(
    ("space", "counts"),
    [
        ("caption_text", {"items", "caption_text"}),
        ("clip", {"items", "clip", "caption_text"}),  # nothing is searched there, but copies are looked for
        ("fused", {"items", "caption_text", "clip"}),
    ],
)
def test_the_indexes_of_the_space_count(root: Path, tmp_path: Path, space: str, counts: set[str]) -> None:
    layout = Layout(tmp_path)
    metas = {part: layout.index(part) / "meta.json" for part in ("items", "caption_text", "clip")}
    captioner = layout.model("captioner")
    inputs = [captioner / "config.json", captioner / "model.safetensors", *metas.values()]
    inputs += [layout.shards(split) / "manifest.parquet" for split in ("train", "validation")]
    for path in inputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    tune = load_params(root / "params.yaml").tune
    tune = tune.model_copy(update={"reward": tune.reward.model_copy(update={"space": space})})
    job = TuneJob(layout, tune, ("Describe.",), "cpu", 1, False)
    before = job.fingerprint()
    changed = set()
    for part, path in metas.items():
        path.write_text("second")
        if job.fingerprint() != before:
            changed.add(part)
        path.write_text("first")
    assert changed == counts
    assert replace(job, prompts=("Else.",)).fingerprint() != before == job.fingerprint()


def test_loggers_and_the_encoders_device_change_no_training(root: Path, tmp_path: Path) -> None:
    tune = load_params(root / "params.yaml").tune
    job = TuneJob(Layout(tmp_path), tune, ("Describe.",), "cuda", 1, False)
    assert job.encoders_on == "cuda"
    assert replace(job, reward_device="cpu").encoders_on == "cpu"
    told = tune.model_copy(update={"report_to": ["wandb"]})
    frozen = tune.model_copy(update={"vision": "frozen"})
    assert job.parameters() == replace(job, params=told).parameters()
    assert job.parameters() != replace(job, params=frozen).parameters()
