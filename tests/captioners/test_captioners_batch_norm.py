"""Batch normalisation of a captioner's tower: its statistics move in a training unless they are held."""

from pathlib import Path

import torch
from tiny_tower import SIDE, make_on_tower

from cim.captioners.batch_norm import hold_statistics
from cim.captioners.load import load_captioner


def test_statistics_move_unless_they_are_held(tmp_path: Path) -> None:
    model = load_captioner(make_on_tower(tmp_path), "cpu", "float32").model
    pictures = torch.randn(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))

    def after_training() -> dict[str, torch.Tensor]:
        model.train()
        model.model.vision_tower(pictures)
        return {name: buffer.clone() for name, buffer in model.named_buffers() if "running" in name}

    before = {name: buffer.clone() for name, buffer in model.named_buffers() if "running" in name}
    moved = after_training()  # the planted violation
    assert all(not torch.equal(moved[name], before[name]) for name in before)
    hold_statistics(model)
    held = after_training()
    assert all(torch.equal(held[name], moved[name]) for name in moved)
    assert model.training
    assert model.model.language_model.training
