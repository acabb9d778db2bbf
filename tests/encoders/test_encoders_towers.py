"""One tower of a CLIP model: the vectors of the whole model, without the weights of the other tower."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from test_encoders_load import TEXTS, images

from cim.encoders.clip import CONFIG, OpenClipEncoder, save_clip
from cim.encoders.load import load_clip, load_image_tower, load_text_tower


@pytest.mark.parametrize("architecture", ["CLIP", "CustomTextCLIP"])
def test_one_tower_makes_the_same_vectors_without_the_other(
    clip_folder: Path, tmp_path: Path, architecture: str
) -> None:
    """Both of open_clip's kinds of model: the weights of the text tower lie in it, or in a module of their own."""
    folder = tmp_path / "model"
    shutil.copytree(clip_folder, folder)
    if architecture == "CustomTextCLIP":
        config = json.loads((folder / CONFIG).read_text())
        config["model_cfg"]["custom_text"] = True
        save_clip(open_clip.CustomTextCLIP(**_towers(config["model_cfg"])), config, folder)
    whole = OpenClipEncoder(folder, "f", "cpu")
    text, image = OpenClipEncoder(folder, "f", "cpu", "text"), OpenClipEncoder(folder, "f", "cpu", "image")
    assert type(whole._model).__name__ == architecture
    np.testing.assert_array_equal(text.encode_texts(TEXTS), whole.encode_texts(TEXTS))
    np.testing.assert_array_equal(image.encode_images(images()), whole.encode_images(images()))
    sizes = [sum(weight.numel() for weight in one._model.parameters()) for one in (text, image, whole)]
    assert sizes[0] + sizes[1] == sizes[2] + 1  # the logit scale is in both
    assert text.dim == image.dim == whole.dim
    with pytest.raises(AttributeError):
        text.encode_images(images())


def test_fingerprints_are_of_the_whole_folder(clip_folder: Path) -> None:
    whole = load_clip(clip_folder, "cpu").fingerprint
    assert load_text_tower(clip_folder, "cpu").fingerprint == load_image_tower(clip_folder, "cpu").fingerprint == whole


def _towers(config: dict[str, Any]) -> dict[str, Any]:
    return {name: config[name] for name in ("embed_dim", "vision_cfg", "text_cfg")}
