"""Image bytes to RGB pixels, the same way wherever an image is looked at."""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from cim.images.png import without_excess

# What shards may hold: Pillow's format name -> file suffix. MPO is a JPEG with further pictures (depth,
# preview) behind the first, as phones write them; the first one counts.
SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp"}
_READERS = ("JPEG", "PNG", "WEBP")  # only these parsers see untrusted bytes
_ORIENTATION = 0x0112  # EXIF 2.32, table 4
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_rgb(image: bytes) -> Image.Image:
    """The picture as a viewer shows it: upright (EXIF), RGB, 8 bits a channel.

    CMYK is converted; 16-bit gray is scaled, not clipped; transparency is put on white.
    Raises what Pillow raises (mostly OSError) for bytes that are no whole JPEG, PNG or WebP;
    samples in shards have passed this once.
    """
    with opened(image) as picture:
        return rgb(picture)


@contextmanager
def opened(image: bytes) -> Iterator[Image.Image]:
    """The image with its header read and its pixels not yet decoded."""
    with Image.open(io.BytesIO(without_excess(image)), formats=_READERS) as picture:
        yield picture


def rgb(picture: Image.Image) -> Image.Image:
    """Decode an opened image in full; see `decode_rgb`."""
    picture.load()
    turn = _UPRIGHT.get(_orientation(picture))
    upright = picture if turn is None else picture.transpose(turn)
    if upright.mode.startswith("I"):
        upright = _from_16_bits(upright)
    elif picture.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    result = upright.convert("RGB")  # a copy in any case, free of the open file
    result.info = {}  # else its EXIF would turn it a second time
    return result


def _orientation(picture: Image.Image) -> int:
    try:
        found = picture.getexif().get(_ORIENTATION)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return 1  # broken EXIF says nothing about the pixels: shown as stored
    return found if isinstance(found, int) else 1


def _from_16_bits(picture: Image.Image) -> Image.Image:
    """0..65535 to 0..255, rounded. Pillow's own conversion clips everything above 255 to white."""
    values = np.asarray(picture).clip(0, 65535).astype(np.uint32)
    values *= 255  # in place: pictures may have 100 million pixels
    values += 32767
    values //= 65535
    return Image.fromarray(values.astype(np.uint8))
