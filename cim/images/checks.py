"""What an image is by its signature, whether it is refused, and why."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from PIL import Image, UnidentifiedImageError

from cim.images.decode import GIF, PNG, SUFFIXES, draft, open_image, rgb

# Offset, bytes there, name. Told to the user as "unsupported format", never decoded.
_OTHERS = (
    *((0, signature, "GIF") for signature in GIF),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),  # BigTIFF
    (0, b"MM\0+", "TIFF"),
    (4, b"ftypavif", "AVIF"),
    (4, b"ftypavis", "AVIF"),
    (4, b"ftyp", "HEIF or another ISO media file"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"8BPS\0\1", "PSD"),
    (0, b"%PDF-", "PDF"),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # at offset 14: "BM" alone is also a word
_HEAD = 4096  # comments and a document type may come before the first element
_SVG = re.compile(
    rb"\A(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*|<!--.*?-->\s*|<!DOCTYPE\s+svg[^>]*>\s*)*<(\w+:)?svg[\s>]", re.DOTALL
)


class Reason(StrEnum):
    """Why an image, a caption or what else came with an image is not used: the values of reason in rejects."""

    NO_IMAGE = "caption without image"
    NO_CAPTION = "image without caption"
    UNREADABLE = "unreadable file"
    EMPTY = "empty file"
    NOT_AN_IMAGE = "not an image"
    UNSUPPORTED = "unsupported format"
    ANIMATED = "animated image"
    CORRUPT = "corrupt image"
    TOO_SMALL = "too small"
    TOO_LARGE = "too many pixels"
    TOO_NARROW = "too narrow"
    CAPTION_NOT_UTF8 = "caption is not UTF-8"
    CAPTION_EMPTY = "caption is empty"
    CAPTION_TOO_LONG = "caption is too long"
    NOT_TEXT = "caption is not text"
    UNSAFE_NAME = "unsafe name"
    BAD_JSON = "broken JSON"
    WITHOUT_IMAGE = "sample without image"
    NOT_ADJACENT = "members not adjacent"
    URL = "image is a URL"
    BASE64 = "image is base64 text"
    NOT_A_FILE = "not a regular file"
    BROKEN_TAR = "broken tar"


class Unusable(Exception):
    """An image or caption that is not used. detail: what exactly was found."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True)
class Checked:
    """A usable image's facts. width, height: pixels after EXIF orientation. suffix: by content, not by name."""

    suffix: str
    width: int
    height: int


Animated = Literal["reject", "first_frame"]


class Limits(Protocol):
    """What is taken: pixels of the smaller side, of the whole, the longer side by the smaller; moving images, or not.

    animated: "first_frame" takes GIFs, moving or not, and the first frame of images that have several.
    """

    @property
    def min_side(self) -> int: ...

    @property
    def max_pixels(self) -> int: ...

    @property
    def max_aspect(self) -> float: ...

    @property
    def animated(self) -> Animated: ...


def decode(image: bytes, limits: Limits, draft_pixels: int | None = None) -> tuple[Checked, Image.Image]:
    """The facts of an image and its pixels as `rgb` gives them; of a large JPEG fewer, see `draft`, where asked for.

    Raises Unusable with the first reason found.
    """
    if not image:
        raise Unusable(Reason.EMPTY)
    if not (is_decodable(image) or (image.startswith(GIF) and limits.animated == "first_frame")):
        other = other_format(image)
        raise (
            Unusable(Reason.UNSUPPORTED, other)
            if other
            else Unusable(Reason.NOT_AN_IMAGE, f"begins with {image[:16]!r}")
        )
    try:
        with open_image(image) as picture:
            width, height = picture.size
            _check_size(width, height, limits)  # before decoding: the header is enough
            # A moving image has no one content; several frames in a JPEG (MPO) are not movement.
            moving = limits.animated == "reject" and picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1
            if moving:
                raise Unusable(Reason.ANIMATED, f"{getattr(picture, 'n_frames', 1)} frames")
            suffix = SUFFIXES[picture.format or ""]
            size = draft(picture, draft_pixels) if draft_pixels else None
            pixels = rgb(picture)
    except (Unusable, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unusable(Reason.TOO_LARGE, str(error)) from error
    except Exception as error:  # Pillow's decoders raise many kinds on broken bytes, all meaning this
        raise Unusable(Reason.CORRUPT, first_line(error)) from error
    return Checked(suffix, *(size or pixels.size)), pixels


def is_decodable(content: bytes) -> bool:
    """Whether `content` begins as a JPEG, PNG or WebP does."""
    return content.startswith((b"\xff\xd8\xff", PNG)) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def other_format(content: bytes) -> str:
    """The name of a picture format that is not decoded here, "" for what is no picture."""
    for offset, signature, name in _OTHERS:
        if content.startswith(signature, offset):
            return name
    if content.startswith(b"BM") and int.from_bytes(content[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return "SVG" if _SVG.match(content[:_HEAD]) else ""


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise Unusable(Reason.TOO_LARGE, f"{width} x {height}, at most {limits.max_pixels} pixels")
    if min(width, height) < limits.min_side:
        raise Unusable(Reason.TOO_SMALL, f"{width} x {height}, each side at least {limits.min_side}")
    if max(width, height) > limits.max_aspect * min(width, height):
        raise Unusable(Reason.TOO_NARROW, f"{width} x {height}, one side at most {limits.max_aspect:g} times the other")


def first_line(error: Exception) -> str:
    """What an error on bad data says, for rejects: one line, at most 200 characters, the same on every run."""
    if isinstance(error, UnidentifiedImageError):  # its own text holds a memory address
        return "broken header"
    return f"{type(error).__name__}: {error}".split("\n")[0][:200].encode("utf-8", "backslashreplace").decode()
