"""Can an encoder that took no part in training find the image from its caption?"""

import numpy as np
import numpy.typing as npt

from cim.errors import CimError

FloatArray = npt.NDArray[np.floating]
Rows = npt.NDArray[np.integer]
_TIE = 1e-6  # float32 products of equal vectors differ in the last digits
_BLOCK = 1024  # captions compared at once


def ranks(
    captions: FloatArray, images: FloatArray, own: npt.NDArray[np.integer] | None = None
) -> npt.NDArray[np.int64]:
    """Rank (n,) of each caption's own image among all images by inner product; 1 is best.

    captions (n, d), images (m, d), unit vectors of one space; own (n,): row of each caption's image,
    by default the caption's own row. Ties are pessimistic: an image as close as the own one (within
    1e-6) counts as closer, so an encoder that maps everything to one point gets the last rank.

    Raises ValueError when shapes do not fit.
    """
    if captions.ndim != 2 or images.ndim != 2 or captions.shape[1] != images.shape[1]:
        raise ValueError(f"captions {captions.shape} and images {images.shape} must be (n, d) and (m, d)")
    own = np.arange(len(captions)) if own is None else own
    if own.shape != (len(captions),) or (len(own) and not 0 <= own.min() <= own.max() < len(images)):
        raise ValueError(
            f"own {own.shape} must hold a row of images {images.shape} for each of {len(captions)} captions"
        )
    found = np.empty(len(captions), dtype=np.int64)
    right = images.astype(np.float32).T
    for start in range(0, len(captions), _BLOCK):
        part = slice(start, start + _BLOCK)
        scores = captions[part].astype(np.float32) @ right
        mine = np.take_along_axis(scores, own[part, None], axis=1)
        # All that are not clearly behind, the own image itself included: the first rank is 1, NaN ranks last.
        found[part] = len(images) - (scores < mine - _TIE).sum(axis=1)
    return found


def recall_at(found: npt.NDArray[np.int64], k: int) -> float:
    """Share of ranks (n,) that are k or better, R@k."""
    return float((found <= k).mean())


def require_held_out(reward: str, heldout: str) -> None:
    """Refuse to judge by the encoder that gave the reward; both are fingerprints of weights.

    Raises CimError when they are equal.
    """
    if reward == heldout:
        raise CimError(
            f"the held-out encoder is the reward's image encoder (both {heldout})",
            "another encoder for evaluation: captions tuned to please one would be judged by it",
            "change models.heldout_encoder (other weights, or seed and width) and run the models stage again",
        )
