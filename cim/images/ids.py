"""Sample ids: images are known by their bytes."""

import hashlib

import xxhash


def content_hash(image: bytes) -> str:
    """SHA-256 of the original image bytes, 64 hex digits."""
    return hashlib.sha256(image).hexdigest()


def content_id(image: bytes) -> str:
    """The sample id: the first 16 hex digits of `content_hash`."""
    return content_hash(image)[:16]


def checksum(image: bytes) -> int:
    """XXH3 of bytes, 64 bits: tells that they are no longer what they were, in a tenth of the time of SHA-256.

    Whoever means to can make two images of one checksum: it names nothing.
    """
    return xxhash.xxh3_64_intdigest(image)
