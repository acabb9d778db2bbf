"""Photos, which have no exact truth, and the worst of several tries."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cim.detailed.units import ParsedUnits
from cim.errors import CimError
from cim.records import Sample
from cim.robustness import __main__ as command
from cim.robustness import read
from cim.robustness.photos import Photos, own_scores, table
from cim.robustness.read import Known, read_known
from cim.robustness.worst import worst_of

REFERENCES = {"a": ["A dog.", "A brown dog on grass."], "b": ["A red car."]}
CLEAN = {"a": "A brown dog.", "b": "A red car."}
SPOILT = {"a": "A cat.", "b": "A red car."}
IMAGES = np.array([[1, 0], [0, 1]], dtype=np.float32)


def encode(texts: list[str]) -> np.ndarray:
    """A dog points to the first photo, a car to the second, a cat halfway between."""
    at = {"dog": (1, 0), "car": (0, 1), "cat": (0.6, 0.8), ".": (np.nan, np.nan)}
    return np.array([at[text.rstrip(".").split(" ")[-1] or "."] for text in texts], dtype=np.float32)


def test_what_is_said_of_spoilt_photos_by_hand() -> None:
    """Clean: dog, (dog, brown), car, (car, red) are right, of 5 that the references have (grass; the relation of dog
    and grass makes 6). Spoilt: cat is in no reference, car and (car, red) are: 2 of 3 right, 2 of 6 told; of two COCO
    objects said one is invented; cosines 0.6 and 1."""
    against = Photos(REFERENCES, CLEAN, ParsedUnits("spacy"), IMAGES, encode)
    clean, spoilt = against.said(CLEAN), against.said(SPOILT)
    assert (clean.changed, clean.precision, clean.invented, clean.cosine) == (0, 1, 0, 1)
    assert clean.recall == pytest.approx(4 / 6)
    assert (spoilt.changed, spoilt.precision, spoilt.invented) == (1 / 2, pytest.approx(2 / 3), 1 / 2)
    assert spoilt.recall == pytest.approx(2 / 6)
    assert spoilt.cosine == pytest.approx(0.8)
    assert "| blur 1 | 50.0 | 66.7 | 33.3 | 50.0 | 0.800 |" in table({"blur 1": spoilt})


def test_without_an_encoder_and_without_words() -> None:
    against = Photos(REFERENCES, CLEAN, ParsedUnits("spacy"))
    assert against.said(CLEAN).cosine is None
    silent = against.said({"a": "", "b": " "})
    assert (silent.changed, silent.precision, silent.recall, silent.invented) == (1, None, 0, None)
    assert own_scores(["", "A dog."], IMAGES[[0, 0]], encode) == [-1, 1]


def test_the_worst_of_several_tries() -> None:
    """Captions say how dark the picture is; the score is how light. White pictures get darker by noise and occlusion
    alone, and the worst of more tries is no better."""
    pictures = [(name, Image.new("RGB", (20, 20), "white")) for name in "abcdef"]

    def say(spoilt: Sequence[Image.Image]) -> list[str]:
        return [str(np.asarray(one).mean() / 255) for one in spoilt]

    def score(captions: Sequence[str]) -> list[float]:
        return [float(text) for text in captions]

    few, many = (worst_of(tries, 1.0, pictures, say, score) for tries in (2, 6))
    assert few.clean == many.clean == 1
    assert many.worst <= few.worst < 1
    assert many.worst < many.tried < 1
    assert 0 < few.fell <= many.fell <= 1
    still = worst_of(3, 0.0, pictures, say, score)
    assert (still.worst, still.fell) == (1, 0)


def test_the_first_picture_decides_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def sample(name: str, captions: tuple[str, ...], **extra: object) -> Sample:
        return Sample(name, b"", "png", captions, "", 1, 1, dict(extra))

    photos, scene = [sample("a", ("A dog.", " ")), sample("b", ()), sample("c", ("A car.",))], sample("d", (), scene={})
    held = {"photos": [*photos, scene], "scenes": [scene, *photos], "none": [photos[1]]}
    monkeypatch.setattr("cim.shards.read.shard_paths", lambda folder: [folder])
    monkeypatch.setattr("cim.shards.read.read_samples", lambda folder: held[folder.name])
    monkeypatch.setattr("cim.images.decode.decode_rgb", lambda _: Image.new("RGB", (1, 1)))
    found = read_known(Path("photos"), 5)
    assert [(one.id, one.truth, one.references) for one in found] == [
        ("a", None, ("A dog.",)),
        ("c", None, ("A car.",)),
    ]
    assert [one.id for one in read_known(Path("photos"), 1)] == ["a"]
    assert [one.id for one in read_known(Path("scenes"), 5)] == ["d"]
    with pytest.raises(CimError, match="neither a scene nor a captioned photo"):
        read.read_known(Path("none"), 5)


def test_the_worst_on_photos_needs_an_encoder() -> None:
    options = argparse.Namespace(encoder=None)
    with pytest.raises(CimError, match="--encoder"):
        command._score(options, [Known("a", Image.new("RGB", (1, 1)), None, ("A dog.",))])
