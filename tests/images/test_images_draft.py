"""Large JPEGs decoded at a fraction of their sides, where that is asked for."""

import io
import random
from collections import Counter

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


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_any_damage_gets_the_same_verdict_as_when_decoded_in_full() -> None:
    """What sharding counts on: cut, altered, shortened, whole and turned, progressive and in several pictures."""
    rng, wholes = random.Random(0), [encoded(turn=6), progressive(), encoded("MPO"), encoded("PNG")]
    verdicts = Counter[str]()
    for number in range(400):
        damaged = bytearray(wholes[number % len(wholes)])
        at = rng.randrange(len(damaged))
        match rng.randrange(4):
            case 0:
                del damaged[at:]
            case 1:
                del damaged[at : at + rng.randrange(1, 300)]
            case 2:
                damaged[at] = rng.randrange(256)
            case _:
                damaged[rng.randrange(700)] = rng.randrange(256)  # among the headers
        full, drafted = (verdict(bytes(damaged), pixels) for pixels in (None, 1))
        assert drafted == full
        verdicts[full[0]] += 1
    assert min(verdicts["taken"], verdicts["corrupt image"]) > 100  # the damage is not all of one kind


def progressive() -> bytes:
    """The same picture in several scans."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(encoded())).save(stream, "JPEG", progressive=True)
    return stream.getvalue()


def verdict(image: bytes, pixels: int | None) -> tuple[str, str]:
    """What comes of an image, and its facts or what was found."""
    try:
        return "taken", str(decode(image, AnySize(), pixels)[0])
    except Unusable as found:
        return found.reason.value, found.detail
