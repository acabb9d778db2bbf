"""Small pictures for the tests of sources."""

import io

from PIL import Image


def png(shade: int) -> bytes:
    """A gray picture of 8 x 8 pixels; another shade, other bytes."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8), shade).save(buffer, "PNG")
    return buffer.getvalue()
