"""Decoding: upright, 8-bit RGB, whatever the file holds."""

import numpy as np
import pytest
from PIL import Image
from shard_pictures import encoded, picture

from cim.images.decode import decode_rgb


def test_plain_picture_is_unchanged():
    image = picture(1)
    assert np.array_equal(np.asarray(decode_rgb(encoded(image))), np.asarray(image))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(orientation):
    # Each EXIF value says how the stored pixels lie; storing the picture in that way and decoding gives it back.
    stored = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    image = picture(2, (40, 24))
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = image if stored is None else image.transpose(stored)
    decoded = decode_rgb(encoded(turned, "PNG", exif=exif))
    assert decoded.size == (40, 24)
    assert np.array_equal(np.asarray(decoded), np.asarray(image))
    assert not decoded.getexif()  # nothing is left that would turn it again


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_broken_exif_is_ignored():
    image = picture(3)
    data = encoded(image, "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert np.array_equal(np.asarray(decode_rgb(data)), np.asarray(image))


def test_16_bits_are_scaled_not_clipped():
    # v * 255 / 65535: 0 -> 0, 257 -> 1, 32896 -> 128, 65535 -> 255; Pillow's convert makes 257 and above white.
    deep = np.array([[0, 257], [32896, 65535]], dtype=np.uint16)
    decoded = decode_rgb(encoded(Image.fromarray(deep)))
    assert decoded.mode == "RGB"
    assert np.asarray(decoded)[..., 0].tolist() == [[0, 1], [128, 255]]


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA"])
def test_modes_become_rgb(mode):
    assert decode_rgb(encoded(picture(4, mode=mode))).mode == "RGB"


def test_cmyk_jpeg_keeps_its_colour():
    red = Image.new("RGB", (32, 32), (255, 0, 0)).convert("CMYK")
    r, g, b = decode_rgb(encoded(red, "JPEG", quality=95)).getpixel((16, 16))
    assert r > 240
    assert max(g, b) < 15


def test_transparency_is_put_on_white():
    # Half transparent black on white: 255 * (1 - 128/255) = 127.
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 128))
    decoded = decode_rgb(encoded(image))
    assert decoded.getpixel((0, 0)) == (127, 127, 127)
    assert decoded.getpixel((5, 5)) == (255, 255, 255)


def test_phone_jpeg_gives_its_first_picture():
    data = encoded(picture(5), "MPO", save_all=True, append_images=[picture(6)])
    first = decode_rgb(data)
    assert np.abs(np.asarray(first, dtype=int) - np.asarray(picture(5), dtype=int)).mean() < 20


@pytest.mark.parametrize("data", [b"", b"text", encoded(picture(7), "BMP"), encoded(picture(7), "JPEG")[:400]])
def test_other_bytes_are_refused(data):
    with pytest.raises(OSError, match=r"."):
        decode_rgb(data)
