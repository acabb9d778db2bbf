"""A trunk of timm, tiny, with batch normalisation and weights by chance, and a captioner on it."""

from pathlib import Path
from typing import Any

import pytest

from cim.params import TowerCaptioner
from cim.trunks.frozen import FrozenTrunk
from cim.trunks.weights import open_trunk
from cim.warm_start.on_tower import make_tower_captioner

SIDE = 64  # of 4 image tokens: a trunk's stride is 32
PROMPT = "Describe this image."
ARCHITECTURE = "test_efficientnet"


def write_trunk(file: Path) -> Path:
    """Its weights, as if trained: batch statistics are others than those it holds."""
    import timm
    import torch
    from safetensors.torch import save_file

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model(ARCHITECTURE)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.1)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), file)
    return file


def on_tower(weights: Path) -> TowerCaptioner:
    """Parameters of a captioner on the trunk in this file."""
    trunk = {"architecture": ARCHITECTURE, "weights": str(weights), "size": SIDE}
    values: dict[str, Any] = {"hidden": 64, "layers": 2, "vocabulary": 320, "trunk": trunk}
    return TowerCaptioner.model_validate({"kind": "frozen_tower", **values})


def make_on_tower(folder: Path) -> Path:
    """A captioner's folder below `folder`, weights by chance."""
    params = on_tower(write_trunk(folder / "trunk.safetensors"))
    texts = ["a red circle", "two stars above it", PROMPT] * 50
    make_tower_captioner(params, open_trunk(params.trunk), texts, 0, folder / "on-tower")
    return folder / "on-tower"


def count_looks(patch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures a frozen trunk computes at a time, from now on."""
    looked: list[int] = []
    run = FrozenTrunk._run

    def counted(trunk: FrozenTrunk, pixels: Any) -> Any:
        looked.append(len(pixels))
        return run(trunk, pixels)

    patch.setattr(FrozenTrunk, "_run", counted)
    return looked
