"""Sample ids: images are known by their bytes."""

import hashlib


def content_hash(image: bytes) -> str:
    """SHA-256 of the original image bytes, 64 hex digits."""
    return hashlib.sha256(image).hexdigest()


def content_id(image: bytes) -> str:
    """The sample id: the first 16 hex digits of `content_hash`."""
    return content_hash(image)[:16]
