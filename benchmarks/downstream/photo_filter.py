"""Photos and captions kept and dropped as flows.curate does it, by encoders that have not seen the pair in question."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.common.photo_encoder import Features
from benchmarks.curation.swaps import Pairs, decided
from benchmarks.curation.worlds import fitted
from benchmarks.downstream.exam import Values
from cim.curation.encoders import Encoders

Filter = Callable[[Sequence[Path], Sequence[str]], tuple[Values, npt.NDArray[np.bool_]]]
"""(n,) scores and (n,) whether each is kept, of n photos and a text each."""


def curated_by_halves(folder: Path) -> Filter:
    """Each half of the pairs by an encoder fitted on the other half, wrong ones among them: one that has seen a wrong
    pair has learnt that it fits. folder: of what is measured; new."""

    def judged(photos: Sequence[Path], texts: Sequence[str]) -> tuple[Values, npt.NDArray[np.bool_]]:
        features, images = Features(), [photo.read_bytes() for photo in photos]
        scores, kept = np.empty(len(texts)), np.zeros(len(texts), dtype=np.bool_)
        halves = [np.arange(start, len(texts), 2) for start in (0, 1)]
        for number, (learnt, asked) in enumerate((halves, halves[::-1])):
            encoder = fitted(features, [images[i] for i in learnt], [[texts[i]] for i in learnt])
            pairs = Pairs([images[i] for i in asked], [texts[i] for i in asked])
            found = decided(pairs, Encoders([encoder]), folder / str(number))
            scores[asked[found.image]], kept[asked[found.image]] = found.score, found.kept
        return scores, kept

    return judged
