"""Pictures small enough to travel inside the report."""

import base64
import io
import math

from PIL import Image

_QUALITY = 78
_FLAT = 4  # pixels a colour, at least, make a drawing
_LOSSLESS = 4_000  # bytes
_SHRINK = 0.92  # of the side that seems to fit: smaller pictures take more bytes a pixel


def data_uri(picture: Image.Image, side: int, most: int) -> str:
    """`picture` (RGB) as a WebP data: URI of at most `most` characters, at most `side` pixels wide and high.

    Smaller pictures keep their size; flat ones are lossless up to 4 kB, which keeps drawings crisp. One that is too
    long is shrunk until it fits, down to 8 pixels.
    """
    while True:
        small = picture.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        uri = f"data:image/webp;base64,{base64.b64encode(_encoded(small)).decode()}"
        if len(uri) <= most or side <= 8:
            return uri
        wide = max(small.size)
        side = max(8, int(wide * _SHRINK * math.sqrt(most / len(uri))))  # bytes go about with the area


def _encoded(picture: Image.Image) -> bytes:
    if picture.getcolors(picture.width * picture.height // _FLAT) is not None:
        exact = _webp(picture, lossless=True)
        if len(exact) <= _LOSSLESS:
            return exact
    return _webp(picture, quality=_QUALITY, method=4)


def _webp(picture: Image.Image, **how: int | bool) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **how)
    return buffer.getvalue()
