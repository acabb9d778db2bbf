"""Larger images scaled down before any model sees them: a cap that works for every captioner."""

import math

from PIL.Image import Image, Resampling


def shrink(image: Image, most: int) -> Image:
    """`image` with at most `most` pixels and the same shape up to rounding; itself where it is small enough."""
    pixels = image.width * image.height
    if pixels <= most:
        return image
    scale = math.sqrt(most / pixels)
    width = max(1, math.floor(image.width * scale))
    height = max(1, min(math.floor(image.height * scale), most // width))
    return image.resize((min(width, most // height), height), Resampling.BICUBIC, reducing_gap=3.0)
