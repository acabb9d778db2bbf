"""Pictures as a chat server takes them."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from cim.engines.upload import Upload


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    image.save(out := io.BytesIO(), kind, **options)
    return out.getvalue()


class TestUpload:
    NOISE = Image.effect_noise((40, 30), 90).convert("RGB")

    def content(self, url: str) -> tuple[str, bytes]:
        kind, _, data = url.removeprefix("data:").partition(";base64,")
        return kind, base64.b64decode(data)

    @pytest.mark.parametrize("kind", ["jpeg", "png"])
    def test_bytes_go_as_they_came(self, kind: str) -> None:
        came = encoded(self.NOISE, kind)
        pixels = Image.open(io.BytesIO(came)).convert("RGB")
        assert self.content(Upload()(pixels, came)) == (f"image/{kind}", came)

    def test_turned_gray_transparent_and_other_kinds_are_made_plain(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by a quarter
        turned = encoded(self.NOISE, "jpeg", exif=exif)
        for came in (turned, encoded(self.NOISE.convert("L"), "png"), encoded(self.NOISE, "webp"), b""):
            kind, sent = self.content(Upload()(self.NOISE, came))
            assert kind == "image/png"
            assert Image.open(io.BytesIO(sent)).tobytes() == self.NOISE.tobytes()

    def test_large_ones_are_scaled_down(self) -> None:
        """40 x 30 to 300 pixels at most: by the root of 1/4, to 20 x 15."""
        came = encoded(self.NOISE, "jpeg")
        kind, sent = self.content(Upload(300, "jpeg")(self.NOISE, came))
        assert (kind, Image.open(io.BytesIO(sent)).size) == ("image/jpeg", (20, 15))
        assert self.content(Upload(1200, "jpeg")(self.NOISE, came))[1] == came
