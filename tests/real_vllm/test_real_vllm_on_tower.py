"""A captioner on a tower of timm, FastVLM's architecture: vLLM takes it by its backend for transformers' models."""

from dataclasses import replace
from pathlib import Path

from conftest import OPTIONS, PROMPT
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_tower import make_on_tower

from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.engines.open import open_engine
from cim.engines.spec import ContinuousEngine, EngineSpec


def test_captions_are_those_of_transformers(tmp_path: Path, pictures: list[Image.Image]) -> None:
    folder = make_on_tower(tmp_path)
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if weight.ndim > 1 and "vision_tower" not in name and "embed" not in name:
            weight *= 6  # else all it says is its last token again
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    spec = EngineSpec(folder, captioner_fingerprint(folder), PROMPT, Decoding(12), device="cpu", batch_size=8)
    keys = [str(place) for place in range(16)]
    engine = open_engine(spec)
    (one, other) = engine([(pictures[:8], keys[:8]), (pictures[8:16], keys[8:])])  # type: ignore[operator]
    backend = open_engine(replace(spec, name="vllm", vllm=OPTIONS))
    assert isinstance(backend, ContinuousEngine)
    found = {}
    for place, picture in enumerate(pictures[:16]):
        backend.submit(place, backend.prepare(picture, b""), keys[place])
        while place % 8 == 7 and len(found) <= place:
            found |= {answer.number: answer.found for answer in backend.collect(60)}
    expected = [*one, *other]
    assert len({caption.text for caption in expected}) > 1
    assert [found[place].text for place in range(16)] == [caption.text for caption in expected]
