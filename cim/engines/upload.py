"""A picture as a chat server takes it: a data URL, of the bytes it came in where the server would see the same."""

import base64
import io
import math
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from cim.images.decode import GIF, open_image

QUALITY = 95
"""Of JPEGs that are made here."""
_ORIENTATION = 0x0112
_SENT = {"JPEG": "image/jpeg", "PNG": "image/png"}  # what every server reads


@dataclass(frozen=True)
class Upload:
    """A `Prepare`. max_pixels: larger pictures are scaled down to it. reencode: what is made of all others."""

    max_pixels: int | None = None
    reencode: Literal["jpeg", "png"] = "png"

    def __call__(self, pixels: Image.Image, encoded: bytes) -> str:
        """The data URL."""
        if self.max_pixels is not None and pixels.width * pixels.height > self.max_pixels:
            return _url(f"image/{self.reencode}", self._encoded(_scaled(pixels, self.max_pixels)))
        kind = _as_it_came(pixels, encoded)
        return _url(kind, encoded) if kind else _url(f"image/{self.reencode}", self._encoded(pixels))

    def _encoded(self, pixels: Image.Image) -> bytes:
        out = io.BytesIO()
        options = {"quality": QUALITY} if self.reencode == "jpeg" else {"compress_level": 1}
        pixels.save(out, self.reencode, **options)
        return out.getvalue()


def _as_it_came(pixels: Image.Image, encoded: bytes) -> str | None:
    """The media type of bytes that any reader sees as `pixels`: RGB, not to be turned, the same size."""
    if not encoded or encoded.startswith(GIF):
        return None
    with open_image(encoded) as found:
        plain = found.mode == "RGB" and found.getexif().get(_ORIENTATION, 1) == 1 and getattr(found, "n_frames", 1) == 1
        same = plain and found.size == pixels.size and not found.has_transparency_data
        return _SENT.get(found.format or "") if same else None


def _scaled(pixels: Image.Image, most: int) -> Image.Image:
    side = math.sqrt(most / (pixels.width * pixels.height))
    size = max(1, math.floor(pixels.width * side)), max(1, math.floor(pixels.height * side))
    return pixels.resize(size, Image.Resampling.LANCZOS)


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
