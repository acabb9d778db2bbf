"""Steps, tokens, hours and files of a run, by hand."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plain_plan import SHAPE, plan, sizes

from cim.estimate.data import SourceFound, images_by_split, look
from cim.estimate.models import Encoder, Shapes
from cim.estimate.work import Work, disk, hours, work_of
from cim.params import FolderSource, Params, ScenesSource, WebDatasetSource, load_params


@pytest.fixture
def params(root: Path) -> Params:
    return load_params(root / "params.yaml")


def test_counts(params: Params) -> None:
    """60 steps of 16 images, 8 captions each: 7,680 captions of 40 tokens; validations at 0, 15, 30, 45, 60, and of the
    interpolated weights: 6 of 128 images. Two updates a rollout make 30 of 60. 960 of 3,840 images: a quarter."""
    tune = params.tune.model_copy(update={"updates_per_rollout": 2})
    work = work_of(params.model_copy(update={"tune": tune}), 55, 3840)
    assert work == Work(60, 30, 7680, 7680 * 40, 6 * 128 * 40, 7680 * 95, 0.25)
    assert work_of(params, 55, None).epochs is None


def test_hours() -> None:
    """7,200 tokens at 2 a second, as many to validate and 3,600 at 1 are three hours, of two devices half as many."""
    work = Work(1, 1, 1, generated=7200, validated=7200, trained=3600, epochs=None)
    assert hours(work, 2, 1, processes=2) == pytest.approx(1.5)


def test_files() -> None:
    """Full: weights 4 x 1000, with the optimizer 12 x 1000, twice. LoRA of rank 2 trains 100 numbers.

    Vectors of 10 gallery and 5 train images: 15 x (3 + 4 + 5) x 2, and the gallery's in the index, its captions' once,
    its images' twice: 10 x (3 + 2 x 4) x 2.
    """
    shapes = Shapes(SHAPE, Encoder(100, 3), Encoder(200, 4), Encoder(300, 5))
    images = {"gallery": 10, "train": 5, "eval": None}
    full = {name: update for name, (_, update) in sizes(disk(SHAPE, plan(), shapes, images)).items()}
    assert full == {
        "models": 4000 + 2400, "checkpoints while training": 24000, "best weights": 8000, "tuned captioner": 4000,
        "vectors and index": 360 + 220,
    }  # fmt: skip
    adapters = sizes(disk(SHAPE, plan(lora=2), shapes, images))
    assert adapters["checkpoints while training"][1] == 2 * (400 + 800)
    assert adapters["best weights"][1] == 800


SPLITS: Any = {"train": 0.75, "eval": 0.25}


class TestData:
    def test_scenes_are_counted(self) -> None:
        source = ScenesSource(kind="scenes", count=8, seed=0, detail=1.0, splits=SPLITS)
        found = look([source], 100)
        assert images_by_split(found) == {"train": 6, "eval": 2}

    def test_a_folder_that_is_not_there_is_said(self, tmp_path: Path) -> None:
        source = FolderSource(kind="folder", path=str(tmp_path / "none"), splits=SPLITS)
        (found,) = look([source], 100)
        assert "none" in found.problem

    def test_a_store_is_not_asked(self) -> None:
        source = WebDatasetSource(kind="webdataset", path="s3://bucket/{0..9}.tar", splits=SPLITS)
        (found,) = look([source], 100)
        assert (found.remote, found.images, found.problem) == (True, None, "")

    def test_a_split_with_an_uncounted_source_is_unknown(self) -> None:
        counted = SourceFound("a", 8, {"train": 0.5, "eval": 0.5})
        found = images_by_split([counted, replace(counted, images=None, splits={"eval": 1.0})])
        assert found == {"train": 4, "eval": None}
