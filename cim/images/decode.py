"""Image bytes to RGB pixels, the same way wherever an image is looked at."""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

# What shards may hold: Pillow's format name -> file suffix. MPO is a JPEG with further pictures (depth,
# preview) behind the first, as phones write them; the first one counts.
# GIFs only where a parameter takes them, for their first frame, as it takes that of other moving images.
SUFFIXES = {"JPEG": "jpg", "MPO": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif"}
_READERS = ("JPEG", "PNG", "WEBP")  # only these parsers see untrusted bytes, and GIF's those that begin as a GIF
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
_TURNED = (5, 6, 7, 8)  # width and height change places
PNG = b"\x89PNG\r\n\x1a\n"  # how such a file begins
GIF = (b"GIF87a", b"GIF89a")
_METADATA = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")
# Pillow's own limits (PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT_MEMORY), beyond which it refuses the picture.
_MOST_OF_ONE, _MOST_OF_ALL = 2**20, 64 * 2**20


def decode_rgb(image: bytes) -> Image.Image:
    """The picture as a viewer shows it: upright (EXIF), RGB, 8 bits a channel.

    CMYK is converted; 16-bit gray is scaled, not clipped; transparency is put on white. Of several frames the first.
    Raises what Pillow raises (mostly OSError) for bytes that are no whole JPEG, PNG, WebP or GIF;
    samples in shards have passed this once.
    """
    with open_image(image) as picture:
        return rgb(picture)


@contextmanager
def open_image(image: bytes) -> Iterator[Image.Image]:
    """The image with its header read and its pixels not yet decoded."""
    formats = ("GIF",) if image.startswith(GIF) else _READERS
    with Image.open(io.BytesIO(without_excess(image)), formats=formats) as picture:
        yield picture


def rgb(picture: Image.Image) -> Image.Image:
    """Decode an opened image in full; see `decode_rgb`."""
    seen = as_seen(picture)
    # Free of the open file in any case. Not by copy(): Pillow's pixels are shared, which took a quarter of the time.
    result = seen._new(seen.im) if seen is picture else seen
    result.info = {}  # else its EXIF would turn it a second time
    return result


def as_seen(picture: Image.Image) -> Image.Image:
    """As `rgb`, to be looked at while `picture` is open: where nothing is to be changed it is `picture` itself."""
    picture.load()
    turn = _UPRIGHT.get(_orientation(picture))
    upright = picture if turn is None else picture.transpose(turn)
    if upright.mode.startswith("I"):
        upright = _from_16_bits(upright)
    elif picture.has_transparency_data:
        white = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(white, upright.convert("RGBA"))
    return upright if upright.mode == "RGB" else upright.convert("RGB")


def draft(picture: Image.Image, pixels: int) -> tuple[int, int] | None:
    """Have a JPEG decoded at a half, quarter or eighth of its sides, with `pixels` at least; its own size, upright.

    Faster, and not the pixels of the whole picture reduced: the decoder leaves out fine waves. None for other kinds.
    """
    if not isinstance(picture, JpegImageFile):
        return None
    size = picture.size[::-1] if _orientation(picture) in _TURNED else picture.size
    side = math.sqrt(pixels / (picture.width * picture.height))  # of each side, what is needed
    picture.draft(None, (math.ceil(picture.width * side), math.ceil(picture.height * side)))
    return size


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


def without_excess(image: bytes) -> bytes:
    """The same picture without a PNG's colour profile and texts where Pillow takes none so large, else `image`.

    Neither changes a pixel here: profiles are not applied. Orientation written as text goes with the other texts.
    """
    if not image.startswith(PNG):
        return image
    sizes = [_inflated(image[start + 8 : end - 4]) for start, end, kind in _chunks(image) if kind in _METADATA]
    if max(sizes, default=0) < _MOST_OF_ONE and sum(sizes) < _MOST_OF_ALL:
        return image
    kept = [image[start:end] for start, end, kind in _chunks(image) if kind not in _METADATA]
    return b"".join([PNG, *kept])


def _chunks(image: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, kind) of every chunk; what breaks off behind the last whole header is the last."""
    at = len(PNG)
    while at + 8 <= len(image):
        end = min(at + 12 + int.from_bytes(image[at : at + 4], "big"), len(image))
        yield at, end, image[at + 4 : at + 8]
        at = end


def _inflated(content: bytes) -> int:
    """Bytes of a metadata chunk when decompressed, at least: looking stops at the limit. Of plain text, its length."""
    largest = len(content)
    for start in {content.find(b"\0") + 2, _after_languages(content)}:
        try:
            largest = max(largest, len(zlib.decompressobj().decompress(content[start:], _MOST_OF_ONE)))
        except zlib.error:  # not compressed there
            continue
    return largest


def _after_languages(content: bytes) -> int:
    """Where the text of an iTXt chunk begins: behind keyword, two flags, language and translated keyword."""
    flags = content.find(b"\0") + 1
    language = content.find(b"\0", flags + 2) + 1
    return content.find(b"\0", language) + 1
