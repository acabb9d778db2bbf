"""A captioner on a timm tower captions what an earlier stage has seen without looking again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_tower import PROMPT, count_looks, make_on_tower

from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.engines.open import open_engine
from cim.engines.spec import ContinuousEngine, EngineSpec


def test_a_picture_seen_before_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = count_looks(monkeypatch)
    folder = make_on_tower(tmp_path)
    spec = EngineSpec(folder, captioner_fingerprint(folder), PROMPT, Decoding(6), device="cpu", precision="float32")
    numbers = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3), dtype=np.uint8)
    images, ids = [Image.fromarray(one) for one in numbers], ["a", "b"]

    def captions(spec: EngineSpec) -> list[str]:
        looked.clear()
        engine = open_engine(spec)
        assert not isinstance(engine, ContinuousEngine)
        return [one.text for batch in engine([(images, ids)]) for one in batch]

    alone = captions(spec)
    assert sum(looked) == 2
    kept = replace(spec, outputs=tmp_path / "outputs")
    assert captions(kept) == alone
    assert sum(looked) == 3  # a black picture tells the shape of what is kept
    assert captions(kept) == alone
    assert sum(looked) == 1
