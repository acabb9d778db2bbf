"""What tests of terms share: vectors on paper instead of encoders, images and a gallery."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from cim.encoders.remembered import RememberedBatch
from cim.index.rows import UnitRows
from cim.index.vectors import encode_ids
from cim.rewards.lookalikes import LookAlikes
from cim.rewards.terms.workspace import CaptionVectors


class WordVectors:
    """The text "0.6 0.8" is the vector (0.6, 0.8) made unit; "@" raises, as a tokenizer may."""

    dim = 2

    def __init__(self) -> None:
        self.calls = 0

    def encode_texts(self, texts: list[str]) -> Any:
        self.calls += 1
        if "@" in texts:
            raise ValueError("no text")
        return _unit([[float(word) for word in text.split()] for text in texts if text != "a picture"] or [[1.0, 0.0]])


class Images:
    """Unit vectors by id. Meets ImageVectors."""

    def __init__(self, vectors: Mapping[str, Sequence[float]]) -> None:
        self._vectors = {name: _unit([vector])[0] for name, vector in vectors.items()}

    def has(self, ids: Sequence[str]) -> Any:
        return np.array([name in self._vectors for name in ids])

    def get(self, ids: Sequence[str]) -> Any:
        return np.stack([self._vectors[name] for name in ids])


def gallery(vectors: Mapping[str, Sequence[float]]) -> LookAlikes:
    """Of these images by id."""
    unit = _unit(list(vectors.values()))
    return LookAlikes(UnitRows(unit, np.ones(len(unit), np.float32)), encode_ids(list(vectors)))


def workspace(near: Mapping[str, Sequence[float]], **more: Any) -> Any:
    """What terms work with: that gallery, and captions that are vectors in words."""
    encoder = WordVectors()
    return SimpleNamespace(
        encode=CaptionVectors(RememberedBatch(encoder)), encoder=encoder, gallery=gallery(near), **more
    )


def _unit(vectors: Sequence[Sequence[float]]) -> Any:
    found = np.asarray(vectors, dtype=np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)
