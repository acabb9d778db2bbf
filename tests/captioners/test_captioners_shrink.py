"""Pictures as small as the model sees them: the very same tensors."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from transformers import CLIPImageProcessor, Qwen2VLImageProcessor

from cim.captioners.shrink import shrink_for


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(width).integers(0, 255, (height, width, 3), dtype=np.uint8))


def of(image_processor: Any) -> Any:
    return SimpleNamespace(image_processor=image_processor)


@pytest.fixture(scope="module")
def qwen() -> Any:
    """Sides are multiples of 28, 40,000 pixels at most: 200 x 200."""
    return Qwen2VLImageProcessor(size={"shortest_edge": 56 * 56, "longest_edge": 40_000})


def test_large_pictures_shrink_and_the_model_sees_no_difference(qwen: Any) -> None:
    shrink = shrink_for(of(qwen))
    assert shrink
    pictures = [noise(*size) for size in ((400, 300), (400, 300), (301, 800), (900, 220))]
    smaller = [shrink(picture, b"") for picture in pictures]
    # 400 x 300: by the root of 120,000 / 40,000 = 1.732 to 230.9 x 173.2, down to multiples of 28
    assert [one.size for one in smaller[:2]] == [(224, 168)] * 2
    before, after = (qwen(images=some, return_tensors="np") for some in (pictures, smaller))
    assert np.array_equal(before["pixel_values"], after["pixel_values"])
    assert np.array_equal(before["image_grid_thw"], after["image_grid_thw"])


@pytest.mark.parametrize("size", [(60, 90), (30, 20), (900, 4)])
def test_small_and_thin_ones_stay_as_they_are(qwen: Any, size: tuple[int, int]) -> None:
    shrink, picture = shrink_for(of(qwen)), noise(*size)
    assert shrink
    assert shrink(picture, b"").width <= picture.width
    assert shrink(picture, b"").height <= picture.height
    if size != (60, 90):
        assert shrink(picture, b"") is picture


def test_where_a_second_resizing_would_change_it_nothing_is_done() -> None:
    """One size for all: 54 x 75 pixels become 48 x 64, and those would be enlarged."""
    one_size = Qwen2VLImageProcessor(size={"shortest_edge": 4096, "longest_edge": 4096}, patch_size=8)
    shrink = shrink_for(of(one_size))
    picture = noise(500, 375)
    assert shrink is None or shrink(picture, b"") is picture


def test_other_processors_are_given_the_picture() -> None:
    assert shrink_for(of(CLIPImageProcessor())) is None


def test_one_whose_tensors_would_differ_is_found(qwen: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at what is left out: another rounding before the tensors."""
    real = type(qwen).resize

    def darker(self: Any, images: Any, **named: Any) -> Any:
        return real(self, images, **named) // 2

    monkeypatch.setattr(type(qwen), "resize", darker)
    assert shrink_for(of(qwen)) is None
