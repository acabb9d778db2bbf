"""PNGs with more metadata than Pillow takes are decoded without it; all others are left as they are."""

import random
import zlib
from pathlib import Path

import pytest
from malformed_images import chunk, encoded, picture, png_of
from PIL import Image

from cim.images.checks import decode
from cim.images.decode import PNG, without_excess
from cim.params.images import ImageLimits

RNG = random.Random(4)
ROWS = zlib.compress(b"".join(b"\0" + RNG.randbytes(120) for _ in range(40)))
BARE = png_of(40, 40, ROWS)
LARGE = 2**20  # bytes of one text that Pillow refuses; 64 times as many of all


def text(kind: bytes, size: int) -> bytes:
    """A metadata chunk whose content is `size` bytes when decompressed."""
    packed = zlib.compress(bytes(size))
    return chunk(kind, {
        b"tEXt": b"Comment\0" + b"x" * size,
        b"zTXt": b"Comment\0\0" + packed,
        b"iTXt": b"Comment\0\1\0en\0Kommentar\0" + packed,
        b"iCCP": b"profile\0\0" + packed,
    }[kind])  # fmt: skip


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_one_that_is_too_large_is_left_out(kind: bytes) -> None:
    image = png_of(40, 40, ROWS, before=text(kind, LARGE + 1))
    assert without_excess(image) == BARE
    facts, pixels = decode(image, ImageLimits())
    assert (facts.suffix, facts.width, facts.height) == ("png", 40, 40)
    assert pixels.tobytes() == decode(BARE, ImageLimits())[1].tobytes()


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_what_pillow_takes_is_left_as_it_is(kind: bytes) -> None:
    image = png_of(40, 40, ROWS, before=text(kind, LARGE // 2))
    assert without_excess(image) is image
    decode(image, ImageLimits())


def test_many_that_together_are_too_large_are_left_out() -> None:
    half = text(b"zTXt", LARGE // 2)
    assert without_excess(png_of(40, 40, ROWS, before=half * 129)) == BARE  # 64.5 MiB
    fine = png_of(40, 40, ROWS, before=half * 120)
    assert without_excess(fine) is fine


def test_other_chunks_stay_in_their_places() -> None:
    gamma = chunk(b"gAMA", (45455).to_bytes(4, "big"))
    image = png_of(40, 40, ROWS, before=gamma + text(b"zTXt", 2 * LARGE))
    assert without_excess(image) == png_of(40, 40, ROWS, before=gamma)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_other_images_are_left_as_they_are(kind: str) -> None:
    image = encoded(picture(RNG), kind)
    assert without_excess(image) is image


def test_pillow_refuses_what_is_left_out(tmp_path: Path) -> None:
    """Else none of this is needed any more."""
    (tmp_path / "x.png").write_bytes(png_of(40, 40, ROWS, before=text(b"zTXt", 2 * LARGE)))
    with pytest.raises(ValueError, match="too large"), Image.open(tmp_path / "x.png") as image:
        image.load()


@pytest.mark.parametrize("cut", [8, 12, 20, 40, 100, -30, -1])
def test_what_breaks_off_stays_broken_as_it_was(cut: int) -> None:
    """Metadata goes, the rest stays byte for byte: no chunk is made up, and nothing reads beyond the end."""
    whole = png_of(40, 40, ROWS, before=text(b"tEXt", 2 * LARGE))
    kept = without_excess(whole[:cut])
    assert kept.startswith(PNG)
    assert BARE.startswith(kept) or kept == whole[:cut]
