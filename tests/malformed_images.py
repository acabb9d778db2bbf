"""Bytes that are no usable image, of many kinds, and images that are odd but fine."""

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

Random = random.Random
CORRUPT, NOT_AN_IMAGE, UNSUPPORTED = "corrupt image", "not an image", "unsupported format"


def picture(rng: Random, size: tuple[int, int] = (48, 40), mode: str = "RGB") -> Image.Image:
    """Blocks of random colours."""
    small = Image.frombytes("RGB", (6, 5), rng.randbytes(90))
    return small.resize(size, Image.Resampling.NEAREST).convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def png_of(width: int, height: int, rows: bytes, depth: int = 8, colour: int = 2, before: bytes = b"") -> bytes:
    """A PNG whose header says what it is told, whatever `rows` (zlib data) hold. colour 2: RGB, 0: gray."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def webp_of(width: int, height: int) -> bytes:
    """An animated WebP whose canvas is as large as told, with one frame of 16 x 16."""
    frame = encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    size = [(number - 1).to_bytes(3, "little") for number in (width, height, 16, 16)]
    shown = bytes(6) + size[2] + size[3] + bytes(4) + frame
    parts = {b"VP8X": b"\2\0\0\0" + size[0] + size[1], b"ANIM": bytes(6), b"ANMF": shown}
    body = b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts.items())
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def jpeg_of(width: int, height: int, rng: Random) -> bytes:
    """A small JPEG whose frame header says width x height."""
    image = bytearray(encoded(picture(rng), "JPEG"))
    at = image.index(b"\xff\xc0") + 5
    image[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(image)


def _cut(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content) // 4, len(content) * 3 // 4)]


def _frames(rng: Random, kind: str) -> bytes:
    return encoded(picture(rng), kind, save_all=True, append_images=[picture(rng)], duration=100)


def _nan_tiff(rng: Random) -> bytes:
    return encoded(Image.fromarray(np.full((40, 40), np.nan, np.float32)), "TIFF")


def _scrambled(rng: Random) -> bytes:
    return png_of(40, 40, rng.randbytes(300))


def _html(rng: Random) -> bytes:
    return b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1><svg></svg>" + str(rng.random()).encode()


# kind -> why it is refused, and one of it
IMAGES: dict[str, tuple[str, Callable[[Random], bytes]]] = {
    "zero bytes": ("empty file", lambda rng: b""),
    "cut JPEG": (CORRUPT, lambda rng: _cut(encoded(picture(rng, (160, 120)), "JPEG"), rng)),
    "cut PNG": (CORRUPT, lambda rng: _cut(encoded(picture(rng), "PNG"), rng)),
    "cut WebP": (CORRUPT, lambda rng: _cut(encoded(picture(rng, (160, 120)), "WEBP"), rng)),
    "scrambled PNG": (CORRUPT, _scrambled),
    "a JPEG's first bytes": (CORRUPT, lambda rng: b"\xff\xd8\xff\xe0" + rng.randbytes(200)),
    "a PNG's first bytes": (CORRUPT, lambda rng: b"\x89PNG\r\n\x1a\n" + rng.randbytes(200)),
    "a WebP's first bytes": (CORRUPT, lambda rng: b"RIFF\xff\0\0\0WEBP" + rng.randbytes(200)),
    "PNG with less than it declares": (CORRUPT, lambda rng: png_of(4000, 4000, zlib.compress(rng.randbytes(64)))),
    "text": (NOT_AN_IMAGE, lambda rng: f"This is a text, {rng.random()}.\n".encode()),
    "HTML": (NOT_AN_IMAGE, _html),
    "JSON": (NOT_AN_IMAGE, lambda rng: json.dumps({"error": rng.random()}).encode()),
    "random bytes": (NOT_AN_IMAGE, lambda rng: b"\x01" + rng.randbytes(300)),
    "gzip": (NOT_AN_IMAGE, lambda rng: b"\x1f\x8b\x08\0" + rng.randbytes(100)),
    "NumPy array": (NOT_AN_IMAGE, lambda rng: b"\x93NUMPY\1\0" + rng.randbytes(100)),
    "SVG": (UNSUPPORTED, lambda rng: f'<?xml version="1.0"?>\n<svg xmlns="x" width="{rng.random()}"/>'.encode()),
    "GIF": (UNSUPPORTED, lambda rng: encoded(picture(rng), "GIF")),
    "moving GIF": (UNSUPPORTED, lambda rng: _frames(rng, "GIF")),
    "BMP": (UNSUPPORTED, lambda rng: encoded(picture(rng), "BMP")),
    "TIFF of NaN": (UNSUPPORTED, _nan_tiff),
    "HEIC": (UNSUPPORTED, lambda rng: b"\0\0\0\x18ftypheic" + rng.randbytes(60)),
    "moving WebP": ("animated image", lambda rng: _frames(rng, "WEBP")),
    "moving PNG": ("animated image", lambda rng: _frames(rng, "PNG")),
    "1 x 1": ("too small", lambda rng: encoded(picture(rng, (1, 1)), "PNG")),
    "9,000 x 20": ("too narrow", lambda rng: encoded(picture(rng, (9000, 20)), "PNG")),
    "PNG bomb": ("too many pixels", lambda rng: png_of(20_000, 20_000, zlib.compress(rng.randbytes(64)))),
    "JPEG bomb": ("too many pixels", lambda rng: jpeg_of(65_500, 65_500, rng)),
    "WebP bomb": ("too many pixels", lambda rng: webp_of(16_000, 16_000)),
}


def _deep_rgb(rng: Random) -> bytes:
    return png_of(40, 40, zlib.compress(b"".join(b"\0" + rng.randbytes(240) for _ in range(40))), depth=16)


def _deep_gray(rng: Random) -> bytes:
    return png_of(40, 40, zlib.compress(b"".join(b"\0" + rng.randbytes(80) for _ in range(40))), depth=16, colour=0)


def _palette(rng: Random) -> bytes:
    return encoded(picture(rng).quantize(8), "PNG", transparency=bytes([0, 128, 255]))


def _turned(rng: Random) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = rng.randint(2, 8)
    return encoded(picture(rng), "JPEG", exif=exif)


def _broken_exif(rng: Random) -> bytes:
    return encoded(picture(rng), "PNG", exif=b"Exif\0\0MM\0*" + rng.randbytes(40))


def _text_bomb(rng: Random) -> bytes:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(8_000_000)))
    rows = b"".join(b"\0" + rng.randbytes(120) for _ in range(40))
    return png_of(40, 40, zlib.compress(rows), before=bomb)


# kind -> the suffix of its name, and one of it
ODD: dict[str, tuple[str, Callable[[Random], bytes]]] = {
    "plain": ("jpg", lambda rng: encoded(picture(rng), "JPEG")),
    "PNG called .jpg": ("jpg", lambda rng: encoded(picture(rng), "PNG")),
    "JPEG called .png": ("png", lambda rng: encoded(picture(rng), "JPEG")),
    "capitals": ("JPG", lambda rng: encoded(picture(rng), "JPEG")),
    "CMYK": ("jpg", lambda rng: encoded(picture(rng, mode="CMYK"), "JPEG")),
    "progressive": ("jpg", lambda rng: encoded(picture(rng), "JPEG", progressive=True)),
    "16-bit gray": ("png", _deep_gray),
    "16-bit RGB": ("png", _deep_rgb),
    "palette with transparency": ("png", _palette),
    "gray with alpha": ("png", lambda rng: encoded(picture(rng, mode="LA"), "PNG")),
    "black and white": ("png", lambda rng: encoded(picture(rng, mode="1"), "PNG")),
    "PNG with a text bomb": ("png", _text_bomb),
    "turned by EXIF": ("jpg", _turned),
    "broken EXIF": ("png", _broken_exif),
    "phone's JPEG": ("jpg", lambda rng: encoded(picture(rng), "MPO", save_all=True, append_images=[picture(rng)])),
}
