"""Measures that an encoder gives without a gallery: CLIPScore, RefCLIPScore, likeness to the references."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.human.ratings import Rated
from cim.metrics.heldout import clip_score, ref_clip_score

Values = npt.NDArray[np.float64]
Encode = Callable[[list[str]], npt.NDArray[np.float32]]
BATCH = 256


def once(encode: Encode, texts: list[str]) -> dict[str, npt.NDArray[np.float32]]:
    """The vector of every text, each encoded once."""
    new = list(dict.fromkeys(texts))
    parts = [encode(new[start : start + BATCH]) for start in range(0, len(new), BATCH)]
    return dict(zip(new, np.concatenate(parts), strict=True))


def closest_reference(encode: Encode, rated: Rated) -> Values:
    """(n,) the best cosine of each caption with one of its references."""
    known = once(encode, [*rated.captions, *(text for some in rated.references for text in some)])
    pairs = zip(rated.captions, rated.references, strict=True)
    return np.array([max(float(known[caption] @ known[text]) for text in texts) for caption, texts in pairs])


def clip_scores(encode: Encode, images: npt.NDArray[np.float32], rated: Rated) -> dict[str, Values]:
    """CLIPScore and RefCLIPScore by the encoder of `images` (n, d), without a prefix before captions."""
    known = once(encode, list(rated.captions))
    scores = clip_score(np.stack([known[caption] for caption in rated.captions]), images)
    return {"CLIPScore": scores, "RefCLIPScore": ref_clip_score(scores, closest_reference(encode, rated))}
