from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cim.atomic import read_json, write_json
from cim.captioners.fetch import cap_pixels
from cim.captioners.inputs import conversation
from cim.captioners.load import load_captioner
from cim.errors import CimError
from cim.params import Models, TinyCaptioner
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar
from cim.warm_start.make import make_base_captioner
from cim.warm_start.tiny import make_tiny_captioner

TINY = TinyCaptioner(kind="tiny", hidden=64, layers=1, vision_hidden=64, vision_depth=1, side=128, vocabulary=320)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Qwen2.5-VL that takes every image as 128 x 128 pixels; 16 x 16 pixels are a token."""
    make_tiny_captioner(TINY, ["a red circle"] * 9, 0, tmp_path / "model")
    return tmp_path / "model"


def image_tokens(folder: Path, width: int, height: int) -> int:
    processor = load_captioner(folder, "cpu").processor
    picture = Image.fromarray(np.zeros((height, width, 3), dtype=np.uint8))
    inputs = processor.apply_chat_template(
        [conversation("What?", picture)], tokenize=True, return_dict=True, return_tensors="pt"
    )
    return int((inputs["input_ids"] == processor.image_token_id).sum())


def as_older_models_keep_it(folder: Path) -> None:
    """The image processor in a file of its own, with the names of before: as in Qwen2.5-VL's repositories."""
    config = read_json(folder / "processor_config.json")
    images = config.pop("image_processor")
    size = images.pop("size")
    write_json(folder / "processor_config.json", config)
    old = {"min_pixels": size["shortest_edge"], "max_pixels": size["longest_edge"]}
    write_json(folder / "preprocessor_config.json", images | old)


@pytest.mark.parametrize("old", [False, True])
def test_a_big_image_takes_no_more_tokens_than_the_cap(folder: Path, old: bool) -> None:
    if old:
        as_older_models_keep_it(folder)
    assert image_tokens(folder, 900, 700) > 32
    cap_pixels(folder, 32 * 16 * 16)
    for width, height in ((900, 700), (128, 128), (3000, 100)):
        assert 1 <= image_tokens(folder, width, height) <= 32
    # Narrower than 32:1, it can't be made smaller than one row of tokens: floor(sqrt(75 * 32)) = 48.
    assert image_tokens(folder, 3000, 40) == 48
    cap_pixels(folder, 9 * 16 * 16)  # lower still, over what is there
    assert image_tokens(folder, 900, 900) == 9


def test_a_cap_below_one_token_is_refused(folder: Path) -> None:
    with pytest.raises(CimError, match="give at least one token's: 256"):
        cap_pixels(folder, 255)


def test_a_processor_of_fixed_size_is_refused(tmp_path: Path) -> None:
    from transformers import CLIPImageProcessor

    CLIPImageProcessor(size={"shortest_edge": 32}).save_pretrained(tmp_path)
    with pytest.raises(CimError, match=r"CLIPImageProcessor with size .*32.*leave max_pixels out"):
        cap_pixels(tmp_path, 1000)


def test_params_reach_the_base_captioner(folder: Path, tmp_path: Path) -> None:
    fit = {"kind": "fit", "width": 8, "epochs": 1, "learning_rate": 0.001}
    values = {
        "text_encoder": {"name": "package:none"},
        "image_encoder": {**fit, "seed": 0},
        "heldout_encoder": {**fit, "seed": 1},
        "captioner": {"kind": "hf", "name": str(folder), "max_pixels": 16 * 16 * 16},
        "warm_start": {"epochs": 1, "learning_rate": 0.001},
    }
    train = tmp_path / "train"
    train.mkdir()
    write_tar(train / "train-000000.tar", [Sample("a", draw(scene_at(0, 0), 32), "png", (), "s", 32, 32)])
    pl.DataFrame({"id": ["a"], "captions": [["a star"]]}).write_parquet(train / "manifest.parquet")
    make_base_captioner(Models.model_validate(values), [train], ["Say."], "cpu", tmp_path / "base")
    assert image_tokens(tmp_path / "base", 900, 900) == 16
    assert image_tokens(folder, 900, 900) == 64  # the user's own folder stays as it is
