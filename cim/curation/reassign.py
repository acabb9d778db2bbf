"""Texts of a low score go to an image that they fit, if that image finds them again (SynC, arXiv 2507.18616)."""

import numpy as np
import numpy.typing as npt

from cim.curation.vectors import Floats, Ints, nearest


def reassign(
    images: npt.NDArray[np.float16],
    texts: npt.NDArray[np.floating],
    free: npt.NDArray[np.bool_],
    cycle: int,
) -> tuple[Ints, Ints, Floats]:
    """Pairs (text, image, product) of texts that get another image, the best pair first.

    images: (p, d) of those without a text. texts: (m, d) of all that were found fit to be kept, and free: (m,) those
    of a low score, which may move. A text may move to an image when it is among the `cycle` texts of all that fit the
    image best: that is the way back of the cycle. Of the pairs that are left the best is taken, then the best of what
    is left by it, so that each image gets one text and each text one image.
    """
    usable = np.flatnonzero(np.isfinite(images).all(axis=1))  # an encoder may have no vector of an image
    if not len(usable) or not free.any():
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    scores, found = nearest(images[usable], np.asarray(texts, dtype=np.float16), min(cycle, len(texts)))
    image, rank = np.nonzero(free[found])
    text, score = found[image, rank], scores[image, rank]
    taken_texts, taken_images, chosen = set[int](), set[int](), list[int]()
    for place in np.lexsort((text, image, -score)).tolist():
        if text[place] not in taken_texts and image[place] not in taken_images:
            taken_texts.add(text[place])
            taken_images.add(image[place])
            chosen.append(place)
    return text[chosen], usable[image[chosen]], score[chosen]
