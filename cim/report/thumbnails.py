"""Pictures small enough to travel inside the report."""

import base64
import io

from PIL import Image

_QUALITY = 78
_LOSSLESS = 6_000  # bytes


def data_uri(picture: Image.Image, side: int) -> str:
    """`picture` (RGB) as a data: URI, at most `side` pixels wide and high; smaller pictures keep their size.

    PNG up to 6 kB, which keeps flat drawings crisp; beyond, the shorter of WebP and PNG.
    """
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    webp, png = _encoded(small, "WEBP", quality=_QUALITY, method=4), _encoded(small, "PNG", optimize=True)
    kind, content = ("png", png) if len(png) <= max(_LOSSLESS, len(webp)) else ("webp", webp)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _encoded(picture: Image.Image, kind: str, **how: int | bool) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **how)
    return buffer.getvalue()
