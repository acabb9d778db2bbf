from pathlib import Path
from typing import Any

import pytest
import torch

from cim.captioners.load import load_captioner
from cim.params import WarmStart
from cim.shards.read import ImageLookup
from cim.warm_start import sft as module
from cim.warm_start.rows import caption_rows


def test_loss_and_weights_are_those_of_trl(
    scene: tuple[Path, list[str], ImageLookup], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captions of several lengths behind prompts of two, so that rows begin and end at different positions."""
    folder, ids, images = scene
    captions = [["a star"], ["two large red stars left of a circle"], ["a red circle", "a circle"], ["two stars"]]
    params = WarmStart(epochs=3, batch_size=5, learning_rate=0.01, seed=0)

    def trained(name: str) -> tuple[list[float], dict[str, Any]]:
        captioner = load_captioner(folder, "cpu", "float32")
        rows = caption_rows(ids, captions, ["Describe this image.", "What is this?"], images, 0, {})
        log = module.warm_start(captioner.model, captioner.processor, rows, params, tmp_path / name)
        return [record["loss"] for record in log], captioner.model.state_dict()

    losses, weights = trained("ours")
    monkeypatch.setattr(module, "with_caption_loss", lambda trainer: trainer)
    expected, theirs = trained("theirs")
    assert losses[-1] < losses[0]
    assert losses == pytest.approx(expected, rel=1e-5)
    for name, weight in weights.items():
        assert torch.allclose(weight, theirs[name], atol=1e-4), name
