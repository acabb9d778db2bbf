"""The chaos benchmark's work done by a real captioner."""

from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

import benchmarks.chaos
from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import load_captioner
from cim.captions.lineage import Lineage


def use_model(folder: Path) -> None:
    """Let benchmarks.chaos.work caption with the model in `folder`, greedily, in batches of two."""
    torch.set_num_threads(1)
    captioner = load_captioner(folder, "cpu", "float32")

    def engine(images: list[Image], keys: list[str]) -> list[Any]:
        return generate(captioner, images, ["Say."] * len(images), Decoding(4), keys, 2)

    benchmarks.chaos.says_what_it_sees = engine  # type: ignore[assignment]
    benchmarks.chaos.LINEAGE = Lineage(captioner.fingerprint, "Say.", Decoding(4), "float32")
