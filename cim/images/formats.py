"""What bytes are, by their signatures: no parser sees what is not going to be decoded."""

import re

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# Offset, bytes there, name. Told to the user as "unsupported format", never decoded.
_OTHERS = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
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


def is_decodable(content: bytes) -> bool:
    """Whether `content` begins as a JPEG, PNG or WebP does."""
    return content.startswith((_JPEG, _PNG)) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP")


def other_format(content: bytes) -> str:
    """The name of a picture format that is not decoded here, "" for what is no picture."""
    for offset, signature, name in _OTHERS:
        if content.startswith(signature, offset):
            return name
    if content.startswith(b"BM") and int.from_bytes(content[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return "SVG" if _SVG.match(content[:_HEAD]) else ""
