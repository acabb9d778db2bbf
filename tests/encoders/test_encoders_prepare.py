"""Pictures made ready for a CLIP model: as open_clip itself makes them, to one of 255."""

import pickle

import numpy as np
import pytest
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from cim.encoders import prepare
from cim.encoders.prepare import Prepare, pixels_of

SIZES = [(300, 200), (97, 130), (64, 64), (20, 33)]  # smaller, narrower, as they are, larger


def picture(width: int, height: int) -> Image.Image:
    """Noise, smooth at one side: every brightness, edges of all kinds."""
    noise = np.random.default_rng(width).integers(0, 255, (height, width, 3), dtype=np.uint8)
    noise[:, : width // 2] = np.linspace(0, 255, height, dtype=np.uint8)[:, None, None]
    return Image.fromarray(noise)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("filter_", ["bicubic", "bilinear"])
def test_as_open_clip_makes_them(mode: str, size: tuple[int, int], filter_: str) -> None:
    config = PreprocessCfg(size=64, resize_mode=mode, interpolation=filter_)  # type: ignore[arg-type]
    steps = tuple(image_transform_v2(config, is_train=False).transforms[:-2])
    image, wanted = picture(*size), picture(*size)
    for step in steps:
        wanted = step(wanted)
    found = pickle.loads(pickle.dumps(Prepare(steps)))(image)
    assert found.shape == (64, 64, 3)
    assert found.dtype == np.uint8
    difference = np.abs(found.astype(int) - np.asarray(wanted))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


def test_a_copy_in_bands_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands of 300 pixels: 10 rows of 30, of which 33 rows need a last one of 3."""
    monkeypatch.setattr(prepare, "BAND", 300)
    image = picture(30, 33)
    np.testing.assert_array_equal(pixels_of(image), np.asarray(image))
