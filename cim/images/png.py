"""PNGs with more metadata than Pillow takes: the pixels are whole, so the metadata is left out before decoding."""

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_METADATA = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")
# Pillow's own limits (PngImagePlugin.MAX_TEXT_CHUNK, MAX_TEXT_MEMORY), beyond which it refuses the picture.
_MOST_OF_ONE, _MOST_OF_ALL = 2**20, 64 * 2**20


def without_excess(image: bytes) -> bytes:
    """The same picture without colour profile and texts where these are larger than Pillow takes, else `image`.

    Neither changes a pixel here: profiles are not applied. Orientation written as text goes with the other texts.
    """
    if not image.startswith(SIGNATURE):
        return image
    sizes = [_inflated(image[start + 8 : end - 4]) for start, end, kind in _chunks(image) if kind in _METADATA]
    if max(sizes, default=0) < _MOST_OF_ONE and sum(sizes) < _MOST_OF_ALL:
        return image
    kept = [image[start:end] for start, end, kind in _chunks(image) if kind not in _METADATA]
    return b"".join([SIGNATURE, *kept])


def _chunks(image: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, kind) of every chunk; what breaks off behind the last whole header is the last."""
    at = len(SIGNATURE)
    while at + 8 <= len(image):
        end = min(at + 12 + int.from_bytes(image[at : at + 4], "big"), len(image))
        yield at, end, image[at + 4 : at + 8]
        at = end


def _inflated(content: bytes) -> int:
    """Bytes of a metadata chunk when decompressed, at least: looking stops at the limit. Of plain text, its length."""
    largest = len(content)
    for start in {content.find(b"\0") + 2, _after_languages(content)}:
        try:
            largest = max(largest, len(zlib.decompressobj().decompress(content[start:], _MOST_OF_ONE)))
        except zlib.error:  # not compressed there
            continue
    return largest


def _after_languages(content: bytes) -> int:
    """Where the text of an iTXt chunk begins: behind keyword, two flags, language and translated keyword."""
    flags = content.find(b"\0") + 1
    language = content.find(b"\0", flags + 2) + 1
    return content.find(b"\0", language) + 1
