"""An untrained captioner: it says nonsense, always the same."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint, load_captioner
from cim.engines.spec import EngineSpec
from cim.params import TinyCaptioner
from cim.warm_start.tiny import make_tiny_captioner

PROMPT = "Describe it."
SIZES = {"hidden": 64, "layers": 2, "vision_hidden": 64, "vision_depth": 1, "vocabulary": 320}


@pytest.fixture(scope="session")
def captioner_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engine") / "captioner"
    make_tiny_captioner(TinyCaptioner(kind="tiny", **SIZES), ["a red circle", PROMPT] * 9, 1, folder)
    model = load_captioner(folder, "cpu").model
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "embed" not in name:
            weight.data *= 12  # else all it says is its last token again
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def spec(captioner_folder: Path) -> EngineSpec:
    """Greedy, in batches of 3, as it is."""
    fingerprint = captioner_fingerprint(captioner_folder)
    return EngineSpec(captioner_folder, fingerprint, PROMPT, Decoding(6), device="cpu", batch_size=3)


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Eight noisy pictures of different shapes."""
    noise = np.random.default_rng(0)
    shapes = [(int(noise.integers(32, 96)), int(noise.integers(32, 96)), 3) for _ in range(8)]
    return [Image.fromarray(noise.integers(0, 255, shape, dtype=np.uint8)) for shape in shapes]


@pytest.fixture(scope="session")
def keys() -> list[str]:
    return [f"{number:016x}" for number in range(8)]
