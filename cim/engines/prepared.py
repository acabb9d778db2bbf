"""A picture as it waits for its engine: what it takes of memory, and the prompt that it may come with."""

from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

PIXEL_BYTES = 4  # as Pillow keeps RGB: three bytes and one of padding


def held_bytes(prepared: Any) -> int:
    """Memory that a prepared picture takes: an image's pixels, bytes or text by length, else as it says itself."""
    if isinstance(prepared, Image):
        return PIXEL_BYTES * prepared.width * prepared.height
    if isinstance(prepared, (bytes, str)):
        return len(prepared)
    found: int = prepared.nbytes
    return found


@dataclass(frozen=True)
class Asked:
    """A prepared picture that comes with a prompt of its own, in place of the spec's."""

    prepared: Any
    prompt: str

    @property
    def nbytes(self) -> int:
        return held_bytes(self.prepared)


def picture_in(one: Any) -> Any:
    """A prepared picture without the prompt that it may come with."""
    return one.prepared if isinstance(one, Asked) else one
