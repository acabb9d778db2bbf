"""Overlap with reference captions: the only view of correctness where no ground truth is known.

By pycocoevalcap's scorers; only METEOR needs Java. What is compared with what: docs/metrics.md.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.metrics import meteor
from cim.metrics.tokens import coco_tokens

FloatArray = npt.NDArray[np.float64]
Tokens = dict[int, list[str]]  # by image
N = 4  # longest n-gram
_SMALL, _TINY = 1e-9, 1e-15  # what pycocoevalcap adds against division by zero


def overlap(captions: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, FloatArray]:
    """Per-image values of n captions against the references of each image; NaN rows without a reference that has words.

    bleu_4 (n, 10): what BLEU sums over a corpus, see `bleu`. rouge_l (n, 1), in [0, 1]: Lin 2004, beta 1.2, as COCO
    takes it (arXiv 1504.00325). cider_d (n, 1), in [0, 10]: Vedantam et al. 2015 (arXiv 1411.5726); n-grams are
    weighted by how few of these n images' references hold them, so it is comparable on one set of images only.
    """
    found = {name: np.full((len(captions), width), np.nan) for name, width in _WIDTHS.items()}
    said, truths = _tokens(captions, references)
    known = list(said)
    if not known:
        return found
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    scorer = BleuScorer(n=N)
    for i in known:
        scorer += (said[i][0], truths[i])
    found["bleu_4"][known] = [_summands(one) for one in scorer.ctest]
    found["rouge_l"][known, 0] = Rouge().compute_score(truths, said)[1]
    found["cider_d"][known, 0] = Cider().compute_score(truths, said)[1]
    return found


def bleu(sample: FloatArray) -> FloatArray:
    """(r, m, 10) -> (r,): corpus BLEU-4 (Papineni et al. 2002) with the closest reference length, of r samples.

    The ten: matching and all n-grams of each length 1 .. 4 (four and four), words said, words of the closest reference.
    """
    sums = sample.sum(axis=1)
    precisions = (sums[:, :N] + _TINY) / (sums[:, N : 2 * N] + _SMALL)
    ratio = (sums[:, -2] + _TINY) / (sums[:, -1] + _SMALL)
    brevity = np.exp(np.minimum(0.0, 1 - 1 / ratio))
    return np.asarray(precisions.prod(axis=1) ** (1 / N) * brevity)


_WIDTHS = {"bleu_4": 2 * N + 2, "rouge_l": 1, "cider_d": 1}


def meteor_counts(captions: Mapping[str, Sequence[str]], references: Sequence[Sequence[str]]) -> dict[str, FloatArray]:
    """(n, 23) of each captioner for `meteor.meteor`; NaN rows as above. One Java for all: it takes longest to start.

    Raises NoMeteor where it can't be had.
    """
    found = {name: np.full((len(references), meteor.WIDTH), np.nan) for name in captions}
    pairs = {name: _tokens(texts, references) for name, texts in captions.items()}
    keys = [(name, i) for name, (said, _) in pairs.items() for i in said]
    if keys:
        rows = meteor.counts([pairs[name][0][i][0] for name, i in keys], [pairs[name][1][i] for name, i in keys])
        for (name, i), row in zip(keys, rows, strict=True):
            found[name][i] = row
    return found


def _tokens(captions: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[Tokens, Tokens]:
    """Captions and references by image, tokens joined by blanks; images without a reference that has words left out."""
    truths = {i: [text for text in map(_joined, texts) if text] for i, texts in enumerate(references)}
    truths = {i: texts for i, texts in truths.items() if texts}
    return {i: [_joined(captions[i])] for i in truths}, truths


def _joined(caption: str) -> str:
    return " ".join(coco_tokens(caption))


def _summands(one: dict[str, Any]) -> list[float]:
    length = one["testlen"]
    closest = min((abs(reference - length), reference) for reference in one["reflen"])[1]
    return [*one["correct"], *one["guess"], length, closest]
