"""A perceptual hash of a picture: copies of other size, format or quality differ in few of its 64 bits."""

import numpy as np
from PIL import Image
from scipy.fft import dct

SIDE = 8
FINER = 4
"""Pixels a side for each frequency that is kept."""


def perceptual_hash(image: Image.Image) -> int:
    """64 bits: which of the 8 x 8 lowest frequencies (DCT-II) of the picture in gray are above their median.

    The bits of `phash` in the package ImageHash 4.3, row by row, the first the highest.
    """
    side = SIDE * FINER
    gray = np.asarray(image.convert("L").resize((side, side), Image.Resampling.LANCZOS), dtype=np.float64)
    low = dct(dct(gray, axis=0), axis=1)[:SIDE, :SIDE]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")
