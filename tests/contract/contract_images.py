"""Bytes of every kind in place of an image, in each place where an image may lie."""

import random
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from contract_case import Case, Expected
from contract_inputs import Params, photo, write_coco, write_files, write_parquet, write_tar
from contract_refused import saved_dataset
from malformed_images import CORRUPT, IMAGES, NOT_AN_IMAGE, ODD, UNSUPPORTED, chunk, encoded, jpeg_of, picture, png_of
from PIL import ImageCms, PngImagePlugin

MEGABYTE = 2**20
_ROWS = zlib.compress(bytes(40 * 121))  # of a black picture of 40 x 40


def _rng(name: str) -> random.Random:
    return random.Random(name)


def _profile(size: int) -> bytes:
    """An ICC profile of about this size that does not compress."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + _rng("profile").randbytes(size)


def _png(name: str, *before: bytes, after: bytes = b"") -> bytes:
    """A picture of its own with chunks before its pixels and bytes behind its end."""
    rows = b"".join(b"\0" + _rng(f"{name} {at}").randbytes(120) for at in range(40))
    return png_of(40, 40, zlib.compress(rows), before=b"".join(before)) + after


def _hex(size: int) -> bytes:
    """Letters that do not compress to less than half."""
    return _rng("text").randbytes(size // 2).hex().encode()


def _text(key: bytes, size: int) -> bytes:
    return chunk(b"tEXt", key + b"\0" + _hex(size))


def _metadata(size: int) -> PngImagePlugin.PngInfo:
    found = PngImagePlugin.PngInfo()
    found.add_itxt("XML:com.adobe.xmp", _rng("xmp").randbytes(size // 2).hex())
    return found


def _webp(**options: Any) -> bytes:
    return encoded(picture(_rng(f"webp {sorted(options)}"), (40, 40)), "WEBP", **options)


def _jpeg(**options: Any) -> bytes:
    return encoded(picture(_rng(f"jpeg {sorted(options)}"), (40, 40)), "JPEG", **options)


FINE: dict[str, bytes] = {
    "profile-of-1-mb": encoded(picture(_rng("1"), (40, 40)), "PNG", icc_profile=_profile(MEGABYTE)),
    "profile-that-shrinks": _png("2", chunk(b"iCCP", b"x\0\0" + zlib.compress(_profile(64) + bytes(MEGABYTE)))),
    "profile-that-is-broken": _png("3", chunk(b"iCCP", b"x\0\0" + b"broken")),
    "text-of-1-mb": _png("4", _text(b"Comment", MEGABYTE)),
    "many-texts": _png("5", *(_text(b"k%d" % at, 1000) for at in range(1000))),
    "text-of-1-mb-packed": _png("6", chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * MEGABYTE))),
    "text-of-over-1-mb-packed": _png("6b", chunk(b"zTXt", b"Comment\0\0" + zlib.compress(_hex(MEGABYTE + 4096)))),
    "xmp-of-over-1-mb-packed": _png("6c", chunk(
        b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(_hex(MEGABYTE + 4096)))),
    "xmp-of-1-mb": encoded(picture(_rng("7"), (40, 40)), "PNG", pnginfo=_metadata(MEGABYTE)),
    "unknown-chunk-of-2-mb": _png("8", chunk(b"prVt", _rng("8").randbytes(2 * MEGABYTE))),
    "data-behind-the-png": _png("9", after=b"and a text behind it"),
    "data-behind-the-jpeg": _jpeg(quality=91) + bytes(1000),
    "jpeg-profile-of-1-mb": _jpeg(icc_profile=_profile(MEGABYTE)),
    "jpeg-comment": _jpeg(comment=b"caf\xe9" * 1000),
    "jpeg-gray": encoded(picture(_rng("gray"), (40, 40), "L"), "JPEG"),
    "webp-lossless": _webp(lossless=True),
    "webp-profile-of-1-mb": _webp(icc_profile=_profile(MEGABYTE)),
    "webp-transparent": encoded(picture(_rng("alpha"), (40, 40), "RGBA"), "WEBP", lossless=True),
    "least-side": encoded(picture(_rng("16"), (16, 16)), "PNG"),
    "long-but-not-narrow": encoded(picture(_rng("long"), (3200, 16)), "PNG"),
}  # fmt: skip
BROKEN: dict[str, tuple[str, bytes]] = {
    "one-short": ("too small", encoded(picture(_rng("15"), (16, 15)), "PNG")),
    "one-narrow": ("too narrow", encoded(picture(_rng("3217"), (3217, 16)), "PNG")),
    "avif": (UNSUPPORTED, b"\0\0\0\x1cftypavif" + bytes(40)),
    "ico": (UNSUPPORTED, b"\0\0\1\0\1\0\x10\x10" + bytes(40)),
    "psd": (UNSUPPORTED, b"8BPS\0\1" + bytes(40)),
    "pdf": (UNSUPPORTED, b"%PDF-1.7\n%\xe2\xe3"),
    "jpeg-xl": (UNSUPPORTED, b"\xff\x0a" + bytes(40)),
    "jpeg-2000": (UNSUPPORTED, b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40)),
    "svg-with-a-bom": (UNSUPPORTED, b'\xef\xbb\xbf<svg xmlns="x"/>'),
    "one-byte": (NOT_AN_IMAGE, b"\xff"),
    "blanks": (NOT_AN_IMAGE, b" " * 500),
    "zeros": (NOT_AN_IMAGE, bytes(500)),
    "zip": (NOT_AN_IMAGE, b"PK\3\4" + bytes(100)),
    "base64": (NOT_AN_IMAGE, b"iVBORw0KGgoAAAANSUhEUgAAAAUA"),
    "png-read-as-text": (NOT_AN_IMAGE, photo("text").replace(b"\r\n", b"\n", 1)),
    "byte-order-mark-before-png": (NOT_AN_IMAGE, b"\xef\xbb\xbf" + photo("bom")),
    "png-without-pixels": (
        CORRUPT, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0))),
    "png-of-no-size": (CORRUPT + "|too small", png_of(0, 0, _ROWS)),
    "jpeg-of-no-size": (CORRUPT + "|too small", jpeg_of(0, 0, _rng("0"))),
    "long-bomb": ("too many pixels|too narrow", png_of(2_000_000, 100, _ROWS)),
}  # fmt: skip


def _every() -> list[tuple[str, bytes, str]]:
    """(name, bytes, why they are refused) of all there are."""
    rows = [(f"fine-{name}", content, "") for name, content in FINE.items()]
    rows += [(f"broken-{name}", content, reason) for name, (reason, content) in BROKEN.items()]
    rows += [(f"odd-{at}", make(_rng(f"odd {at}")), "") for at, (_, make) in enumerate(ODD.values())]
    rows += [
        (f"malformed-{at}", make(_rng(f"malformed {at}")), reason) for at, (reason, make) in enumerate(IMAGES.values())
    ]
    return rows


def _named(suffix: str) -> list[tuple[str, bytes]]:
    return [(f"{name}.{suffix}", content) for name, content, _ in _every()]


def _coco(folder: Path) -> Params:
    images = [{"id": at, "file_name": name} for at, (name, _) in enumerate(_named("jpg"))]
    return write_coco(folder, {"images": images, "annotations": [{"image_id": 0, "caption": "x"}]}, _named("jpg"))


def _columns() -> Params:
    return {"image": pa.array([content for _, content, _ in _every()], pa.binary())}


def _structs() -> Params:
    return {"image": pa.array([{"bytes": content, "path": None} for _, content, _ in _every()])}


def _paths(folder: Path) -> Params:
    write_files(folder, _named("webp"))
    return write_parquet(folder, image=[name for name, _ in _named("webp")]) | {"caption": None}


def _wanted(rows: str = "", first: Sequence[str] = ()) -> tuple[Expected, ...]:
    return tuple(
        Expected(
            rows.format(at) if rows else name, None if why else content, tuple(first) if at == 0 else (), problem=why
        )
        for at, (name, content, why) in enumerate(_every())
    )


def _case(place: str, write: Callable[[Path], Params], wanted: tuple[Expected, ...]) -> Case:
    return Case(f"images in {place}", write, wanted)


CASES = [
    _case("a tar", lambda folder: write_tar(folder / "t.tar", _named("png")), _wanted()),
    _case("a folder", lambda folder: write_files(folder, _named("jpg")), _wanted()),
    _case("COCO", _coco, _wanted(first=("x",))),
    _case("a column of binary", lambda folder: write_parquet(folder, **_columns()) | {"caption": None},
          _wanted("t.parquet:{}")),
    _case("a column of structs", lambda folder: write_parquet(folder, **_structs()) | {"caption": None},
          _wanted("t.parquet:{}")),
    _case("a column of paths", _paths, _wanted("t.parquet:{}")),
    _case("a saved dataset", lambda folder: saved_dataset(folder, _structs()) | {"caption": None},
          _wanted("data-00000-of-00001.arrow:{}")),
]  # fmt: skip
