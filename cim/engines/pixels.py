"""Larger images scaled down before any model sees them: a cap that works for every captioner."""

import math

from PIL.Image import Image, Resampling


def shrink(image: Image, most: int) -> Image:
    """`image` with at most `most` pixels and the same shape up to rounding; itself where it is small enough."""
    size = shrunk(image.size, most)
    return image if size == image.size else image.resize(size, Resampling.BICUBIC, reducing_gap=3.0)


def shrunk(size: tuple[int, int], most: int) -> tuple[int, int]:
    """(width, height) of an image of `size` after `shrink`."""
    if size[0] * size[1] <= most:
        return size
    scale = math.sqrt(most / (size[0] * size[1]))
    width = max(1, math.floor(size[0] * scale))
    height = max(1, min(math.floor(size[1] * scale), most // width))
    return min(width, most // height), height
