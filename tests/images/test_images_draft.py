"""Large JPEGs decoded at a fraction of their sides, where that is asked for."""

import io

import numpy as np
import pytest
from PIL import Image

from cim.captions.job import AnySize
from cim.images.checks import Reason, Unusable, decode

SIZE = (400, 240)


def encoded(kind: str = "JPEG", turn: int = 1) -> bytes:
    """Coarse noise of 400 x 240, to be turned by EXIF."""
    noise = np.random.default_rng(0).integers(0, 255, (15, 25, 3), dtype=np.uint8)
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC).save(stream, kind, exif=exif)
    return stream.getvalue()


# 96,000 pixels. A half has 24,000, a quarter 6,000, an eighth 1,500.
@pytest.mark.parametrize(
    ("pixels", "size"),
    [(96_000, SIZE), (24_001, SIZE), (24_000, (200, 120)), (6_001, (200, 120)), (1_500, (50, 30)), (1, (50, 30))],
)
def test_it_leaves_the_pixels_that_are_asked_for(pixels: int, size: tuple[int, int]) -> None:
    facts, picture = decode(encoded(), AnySize(), pixels)
    assert picture.size == size
    assert (facts.width, facts.height) == SIZE  # those of the image itself


def test_an_image_that_is_turned_has_its_own_size_upright() -> None:
    facts, picture = decode(encoded(turn=6), AnySize(), 24_000)
    assert (picture.size, facts.width, facts.height) == ((120, 200), 240, 400)


def test_other_kinds_and_the_default_are_decoded_in_full() -> None:
    assert decode(encoded("PNG"), AnySize(), 1)[1].size == SIZE
    assert decode(encoded(), AnySize())[1].size == SIZE


def test_it_shows_the_same_within_what_is_said() -> None:
    """Not the same pixels: on coarse noise 1.3 of 255 apart in the mean was seen."""
    whole, small = decode(encoded(), AnySize())[1], decode(encoded(), AnySize(), 24_000)[1]
    apart = np.abs(np.asarray(whole.reduce(2), dtype=float) - np.asarray(small, dtype=float)).mean()
    assert 0 < apart < 5


def test_a_broken_one_is_found_all_the_same() -> None:
    with pytest.raises(Unusable) as found:
        decode(encoded()[:2000], AnySize(), 1)
    assert found.value.reason == Reason.CORRUPT
