"""A captioner made from nothing, scenes, and vLLM: `make test-vllm` runs these tests in vLLM's own environment."""

import os
from pathlib import Path

# Before vLLM is imported: its engine in this process (a test looks into it), no lines of progress, and 1 GiB for keys
# and values: its share of memory counts all that the process holds, and several engines follow each other in this one.
os.environ |= {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}

import io
import sys
from dataclasses import replace

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.engines.spec import EngineSpec
from cim.engines.vllm import Vllm
from cim.engines.vllm_options import VllmOptions
from cim.params import TinyCaptioner
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.warm_start.tiny import make_tiny_captioner

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests/tuning")]  # what its tests share with these
PROMPT = "Describe it."
OPTIONS = VllmOptions(max_model_length=256, memory_share=0.05, enforce_eager=True)


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def captioner_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default's captioner, untrained. Its layers count for more: else all it says is its last token again."""
    folder = tmp_path_factory.mktemp("model") / "captioner"
    make_tiny_captioner(TinyCaptioner(kind="tiny"), ["a red circle above a blue square", PROMPT] * 9, 1, folder)
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name, weight in weights.items():
        if weight.ndim > 1 and "embed" not in name:
            weight *= 3
    save_file(weights, path, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """64 scenes of the generator."""
    return [Image.open(io.BytesIO(draw(scene_at(0, number), 64))).convert("RGB") for number in range(64)]


@pytest.fixture(scope="session")
def keys() -> list[str]:
    return [f"{number:016x}" for number in range(64)]


@pytest.fixture(scope="session")
def spec(captioner_folder: Path) -> EngineSpec:
    """Greedy, 24 tokens; by transformers."""
    fingerprint = captioner_fingerprint(captioner_folder)
    return EngineSpec(captioner_folder, fingerprint, PROMPT, Decoding(24), device="cpu", batch_size=16)


@pytest.fixture(scope="session")
def backend(spec: EngineSpec) -> Vllm:
    """vLLM with that captioner, opened once."""
    return Vllm.open(replace(spec, name="vllm", vllm=OPTIONS))
