"""Parts measured with a CIM score and a classifier in place of cosines, and classifiers that can't be used."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest
from curated_corpora import TopicEncoder, encoded, picture, write_corpus

from cim.curation.classifier import classifier_identity, open_classifier
from cim.curation.encoders import Encoders
from cim.curation.measure import MeasureJob, Tools, measure
from cim.errors import CimError
from cim.params.images import ImageLimits
from cim.readers.webdataset import TarPart


def job(folder: Path, source_field: str | None = None) -> MeasureJob:
    part = TarPart(folder / "a.tar")
    return MeasureJob(part, "tars", folder / "out", "0", ImageLimits(), "tools", folder / "hash.json", source_field)


def test_scores_of_images_and_pairs_stand_in_their_rows(tmp_path: Path) -> None:
    """Scored by length of the text, and by redness of the picture's first block."""
    images = [encoded(picture(topic, topic)) for topic in (2, 4)]
    ids = write_corpus(tmp_path / "a.tar", [*images, b"none"], [["four", "fives"], [], ["lost"]])
    tools = Tools(
        Encoders(),
        lambda pictures: [one.getpixel((0, 0))[0] / 255 for one in pictures],
        lambda captions, keys, pictures: [None if "x" in one else float(len(one)) for one in captions],
        batch_size=1,
        threads=1,
    )
    assert measure(job(tmp_path), lambda: tools) == 4
    rows = {
        row["caption"] or row["id"]: row for row in pl.read_parquet(tmp_path / "out/0.parquet").iter_rows(named=True)
    }
    assert [rows[name]["score"] for name in ("four", "fives", "lost")] == [4.0, 5.0, None]
    assert [rows[name]["nsfw"] for name in ("four", ids[1], "lost")] == pytest.approx([55 / 255, 105 / 255, None])
    assert [rows[name]["reason"] for name in ("four", ids[1], "lost")] == [
        None,
        "image without caption",
        "not an image",
    ]
    assert rows["four"]["image_row"] is None
    assert measure(job(tmp_path), lambda: pytest.fail("measured again")) == 4


def test_vectors_are_the_mean_of_several_encoders(tmp_path: Path) -> None:
    write_corpus(tmp_path / "a.tar", [encoded(picture(2, 2))], [["2 or 3"]])
    two = Encoders([TopicEncoder(), TopicEncoder()])
    measure(job(tmp_path, "source"), lambda: Tools(two, threads=0))
    row = pl.read_parquet(tmp_path / "out/0.parquet").row(0, named=True)
    assert (row["source"], row["score"]) == ("there", pytest.approx(0.5**0.5, abs=1e-6))
    images, captions = (np.load(tmp_path / f"out/0.{name}.npy") for name in ("images", "captions"))
    assert images.shape == captions.shape == (1, 20)
    assert float(images[0].astype(float) @ captions[0]) == pytest.approx(0.5**0.5, abs=1e-3)


class TestClassifier:
    @pytest.fixture
    def module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        (tmp_path / "planted_classifier.py").write_text("scores = lambda images: [0.25 for _ in images]")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "planted_classifier", raising=False)
        return importlib.import_module("planted_classifier")

    def test_a_function_of_any_module(self, module: ModuleType) -> None:
        assert open_classifier("planted_classifier:scores")([picture(0, 0)] * 2) == [0.25, 0.25]
        assert len(classifier_identity("planted_classifier:scores")) == 16

    def test_what_is_none_is_refused(self, module: ModuleType) -> None:
        for name in ("planted_classifier:none", "no_such_module:scores"):
            with pytest.raises(CimError, match=rf"curate\.nsfw\.classifier '{name}'"):
                classifier_identity(name)

    @pytest.mark.parametrize("found", [[], [0.5, 2.0], [0.5, -1.0]])
    def test_other_than_a_share_an_image_is_refused(self, module: ModuleType, found: list[float]) -> None:
        module.scores = lambda images: found  # type: ignore[attr-defined]
        with pytest.raises(CimError, match=r"a number in \[0, 1\] for each image"):
            open_classifier("planted_classifier:scores")([picture(0, 0)] * 2)
