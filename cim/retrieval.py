"""Retrieval of images by their captions: ranks of the own image, recall at k."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
TIE = 1e-6  # float32 products of equal vectors differ in the last digits
_BLOCK = 1024  # captions compared at once


def ranks(captions: FloatArray, images: FloatArray) -> npt.NDArray[np.int64]:
    """Rank (n,) of each caption's own image among all images by inner product; 1 is best.

    captions (n, d), images (m, d), unit vectors of one space; the first n images are the captions' own. Ties are
    pessimistic: an image as close as the own one (within 1e-6) counts as closer, so an encoder that maps everything
    to one point gets the last rank.

    Raises ValueError when shapes do not fit.
    """
    if captions.ndim != 2 or images.ndim != 2 or captions.shape[1] != images.shape[1]:
        raise ValueError(f"captions {captions.shape} and images {images.shape} must be (n, d) and (m, d)")
    if len(captions) > len(images):
        raise ValueError(f"{len(images)} images must hold an image for each of {len(captions)} captions")
    return closer(captions, images[: len(captions)], images)


def closer(captions: FloatArray, own: FloatArray, images: FloatArray) -> npt.NDArray[np.int64]:
    """(n,) how many of the images (m, d) are as close to each caption (n, d) as its own image (n, d), or closer.

    All that are not clearly behind: ties count, and so does every image where a vector is NaN.
    """
    found = np.empty(len(captions), dtype=np.int64)
    right = images.astype(np.float32).T
    for start in range(0, len(captions), _BLOCK):
        part = slice(start, start + _BLOCK)
        said = captions[part].astype(np.float32)
        mine = np.einsum("nd,nd->n", said, own[part].astype(np.float32))
        found[part] = len(images) - (said @ right < mine[:, None] - TIE).sum(axis=1)
    return found


def among_random(found: npt.NDArray[np.int64], images: int, distractors: int) -> npt.NDArray[np.float64]:
    """(n,) the chance that a caption finds its image first among `distractors` others drawn at random.

    found: (n,) its rank among `images`. The mean over every possible draw instead of over a few: of the rank - 1 images
    that are closer, none may be drawn, C(images - rank, distractors) / C(images - 1, distractors). NaN for all when
    there are fewer others than distractors.
    """
    others = images - 1
    if others < distractors:
        return np.full(len(found), np.nan)
    missed = 1 - distractors / (others - np.arange(others))  # the next closer image is not drawn either
    chances = np.concatenate([[1.0], np.cumprod(np.maximum(missed, 0))])
    return np.asarray(chances[found - 1])


def at_most(k: int, found: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """1 where a rank is k or better, else 0, in the shape of `found`; NaN where there is no rank. Its mean is R@k."""
    return np.where(np.isnan(found), np.nan, found <= k)


def recall_curve(found: npt.NDArray[np.number], most: int) -> npt.NDArray[np.float64]:
    """(most,) R@k for k = 1 .. most, in [0, 1], of the ranks (n,) that are there; NaN without any."""
    known = found[~np.isnan(found)]
    return np.array([at_most(k, known).mean() if len(known) else np.nan for k in range(1, most + 1)])
