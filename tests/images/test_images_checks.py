"""Every reason for refusing an image, and what is not refused."""

import struct
import zlib
from contextlib import nullcontext, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shard_pictures import encoded, params, picture

from cim.images.checks import Checked, Reason, Unusable, decode
from cim.images.decode import decode_rgb

LIMITS = params(min_side=32, max_pixels=100_000, max_aspect=9)


def check(image: bytes) -> Checked:
    return decode(image, LIMITS)[0]


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises width x height and whose pixel data is missing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_three_formats_are_taken_by_content():
    for kind, suffix in {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}.items():
        assert check(encoded(picture(1), kind)) == Checked(suffix, 40, 36)


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_jpeg_modes_are_taken(mode):
    assert check(encoded(picture(1, mode=mode), "JPEG")).suffix == "jpg"


def test_16_bit_png_is_taken():
    assert check(encoded(Image.new("I;16", (40, 40), 40_000))).suffix == "png"


def test_phone_jpeg_is_taken():
    assert check(encoded(picture(1), "MPO", save_all=True, append_images=[picture(2)])).suffix == "jpg"


def test_width_and_height_are_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert check(encoded(picture(1, (60, 40)), "JPEG", exif=exif)) == Checked("jpg", 40, 60)


REFUSED = {
    "empty": (b"", Reason.EMPTY, ""),
    "text": (b"not a picture", Reason.NOT_AN_IMAGE, "not a picture"),
    "bm text": (b"BMW is a car, and this is text.", Reason.NOT_AN_IMAGE, ""),
    "gif": (encoded(picture(1), "GIF"), Reason.UNSUPPORTED, "GIF"),
    "bmp": (encoded(picture(1), "BMP"), Reason.UNSUPPORTED, "BMP"),
    "tiff": (encoded(picture(1), "TIFF"), Reason.UNSUPPORTED, "TIFF"),
    "heic": (b"\0\0\0\x18ftypheic" + b"\0" * 40, Reason.UNSUPPORTED, "HEIF"),
    "moving": (
        encoded(picture(1), "WEBP", save_all=True, append_images=[picture(2)]),
        Reason.ANIMATED,
        "2 frames",
    ),
    "moving png": (
        encoded(picture(1), "PNG", save_all=True, append_images=[picture(2)]),
        Reason.ANIMATED,
        "2 frames",
    ),
    "cut": (encoded(picture(1, (90, 90)), "JPEG")[:-200], Reason.CORRUPT, "truncated"),
    "cut in the header": (encoded(picture(1), "JPEG")[:30], Reason.CORRUPT, "Truncated"),
    "signature alone": (b"RIFF\0\0\0\0WEBP" + b"x" * 40, Reason.CORRUPT, "broken header"),
    "cut png": (encoded(picture(1))[:-30], Reason.CORRUPT, ""),
    "cut webp": (encoded(picture(1, (90, 90)), "WEBP")[:-40], Reason.CORRUPT, ""),
    "small": (encoded(picture(1, (200, 31))), Reason.TOO_SMALL, "200 x 31"),
    "large": (encoded(picture(1, (400, 251))), Reason.TOO_LARGE, "400 x 251"),
    "narrow": (encoded(picture(1, (32, 9 * 32 + 1))), Reason.TOO_NARROW, "32 x 289, one side at most 9 times"),
    "bomb": (bomb(9_000, 9_000), Reason.TOO_LARGE, "9000 x 9000"),  # by its header: it could not be decoded
    "bomb that Pillow refuses": (bomb(60_000, 60_000), Reason.TOO_LARGE, "3600000000 pixels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    image, reason, detail = REFUSED[name]
    with pytest.raises(Unusable) as caught:
        check(image)
    assert caught.value.reason is reason
    assert detail in caught.value.detail
    assert " at 0x" not in caught.value.detail  # an address would differ from run to run


MOVING = {"GIF": "gif", "WEBP": "webp", "PNG": "png"}


@pytest.mark.parametrize("kind", MOVING)
def test_of_moving_images_the_first_frame_is_taken_where_params_say_so(kind: str) -> None:
    first, second = Image.new("RGB", (40, 36), "red"), Image.new("RGB", (40, 36), "blue")
    image = encoded(first, kind, save_all=True, append_images=[second], lossless=True)
    facts, pixels = decode(image, params(animated="first_frame"))
    assert facts == Checked(MOVING[kind], 40, 36)
    assert pixels.getcolors() == [(40 * 36, (255, 0, 0))]
    assert decode_rgb(image).tobytes() == pixels.tobytes()  # as shards with it are read
    with pytest.raises(Unusable):
        decode(image, params())


def test_a_gif_that_does_not_move_is_taken_with_the_others_and_put_on_white() -> None:
    image = Image.new("P", (40, 36), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(0, (0, 0, 20, 36))
    _, pixels = decode(encoded(image, "GIF", transparency=1), params(animated="first_frame"))
    assert sorted(pixels.getcolors()) == [(720, (255, 0, 0)), (720, (255, 255, 255))]


@pytest.mark.parametrize("cut", [8, 14, 200])
def test_a_gif_that_breaks_off_in_its_first_frame_is_corrupt(cut: int) -> None:
    with pytest.raises(Unusable) as caught:
        decode(encoded(picture(1, (90, 90)), "GIF")[:cut], params(animated="first_frame"))
    assert caught.value.reason is Reason.CORRUPT


def test_a_large_gif_is_refused_by_its_header() -> None:
    image = bytearray(encoded(picture(1), "GIF"))
    image[6:10] = struct.pack("<HH", 60_000, 2_000)
    with pytest.raises(Unusable) as caught:
        decode(bytes(image), params(animated="first_frame", max_pixels=1_000_000))
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("size", [(32, 9 * 32), (9 * 32, 32)])
def test_the_widest_that_is_allowed_is_taken(size):
    assert check(encoded(picture(1, size))).width == size[0]


def test_what_passes_by_default_qwen_takes():
    """Its processor refuses narrower images, which would end a training: they must not get that far."""
    from transformers import Qwen2VLImageProcessor

    take = Qwen2VLImageProcessor(size={"shortest_edge": 784, "longest_edge": 784})
    for longer, fits in ((200 * 32, True), (200 * 32 + 1, False)):
        image = picture(1, (longer, 32))
        with nullcontext() if fits else pytest.raises(Unusable, match="too narrow"):
            decode(encoded(image), params())
        with nullcontext() if fits else pytest.raises(ValueError, match="aspect ratio"):
            take(images=[image], return_tensors="pt")


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"GIF8"]),
)
def test_any_bytes_are_judged(content, start):
    with pytest.raises(Unusable):
        check(start + content)


@given(st.data())
def test_a_damaged_picture_is_judged(data):
    image = bytearray(encoded(picture(1), data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))))
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    with suppress(Unusable):  # anything else raised would be a bug
        assert check(bytes(image)).suffix in ("jpg", "png", "webp")


def test_running_out_of_memory_is_no_property_of_the_image(monkeypatch):
    def full(_):
        raise MemoryError

    monkeypatch.setattr("cim.images.checks.rgb", full)
    with pytest.raises(MemoryError):
        check(encoded(picture(1)))
