"""A hand-made gallery on disk and a fake encoder whose captions are vectors in words."""

import numpy as np
import pytest

from cim.index.build import build_items, build_space
from cim.params.retrieval import Index
from cim.params.tune import Reward


class WordsAsNumbers:
    """ "0.6 0.8" -> (0.6, 0.8) made unit; "nan nan" -> an encoder that failed. Counts its calls."""

    def __init__(self, fingerprint="text-1"):
        self.fingerprint, self.calls = fingerprint, 0

    def encode_texts(self, texts):
        self.calls += 1
        vectors = np.array([[float(word) for word in text.split()] for text in texts], dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class ByColour:
    """Images to unit vectors: the mean red, green and blue; black has no direction."""

    fingerprint, dim = "image-1", 3

    def __init__(self):
        self.calls = 0

    def encode_images(self, images):
        self.calls += 1
        mean = np.array([np.asarray(image).reshape(-1, 3).mean(axis=0) for image in images], dtype=np.float32)
        with np.errstate(invalid="ignore"):
            return mean / np.linalg.norm(mean, axis=1, keepdims=True)


# Images of the gallery along the axes of 3 dimensions; "two" has two captions, the second the one that counts.
IMAGES = (["one", "three", "two"], [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
CAPTIONS = (["one", "two", "three", "two"], [[1, 0], [0, -1], [0.6, 0.8], [0.8, 0.6]])


@pytest.fixture
def world(layout, embed, monkeypatch):
    """A built index, and sources of the train split: "near" looks like "one", "far" like nothing in the gallery."""
    embed("image", "gallery", [IMAGES], encoder="image-1")
    embed("image", "train", [(["near", "far"], [[1, 0, 0], [-1, 0, 0]])], encoder="image-1")
    embed("text", "gallery", [CAPTIONS], encoder="text-1")
    build(layout)
    encoder = WordsAsNumbers()
    monkeypatch.setattr("cim.rewards.open._load", lambda *_: encoder)
    return layout, encoder


def build(layout):
    build_items(layout, ["gallery"], 1)
    build_space(layout, "caption_text", Index(factory="Flat"), 1)
    build_space(layout, "clip", Index(factory="Flat"), 1)


def reward(**changes):
    return Reward(**{"k": 2, "exclude": "self", **changes})
