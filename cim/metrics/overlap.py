"""Overlap with reference captions: the only view of correctness where no ground truth is known."""

from collections.abc import Sequence

from cim.metrics.text import words

_BETA = 1.2  # weight of recall, as in the COCO caption evaluation


def rouge_l(caption: str, references: Sequence[str]) -> float | None:
    """ROUGE-L in [0, 1]: longest common subsequence of words, as COCO's caption evaluation takes it.

    Best precision and best recall over the references, then ((1 + b^2) P R) / (R + b^2 P), b = 1.2
    (Lin 2004; Chen et al. 2015, arXiv 1504.00325). None without a reference that has words.
    """
    said = words(caption)
    known = [tokens for tokens in map(words, references) if tokens]
    if not known:
        return None
    if not said:
        return 0.0
    common = [_common(said, tokens) for tokens in known]
    precision = max(common) / len(said)
    recall = max(length / len(tokens) for length, tokens in zip(common, known, strict=True))
    if precision == 0 or recall == 0:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common(left: list[str], right: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(right) + 1)
    for word in left:
        corner = 0  # the entry up and left of the one being filled
        for j, other in enumerate(right, start=1):
            corner, row[j] = row[j], corner + 1 if word == other else max(row[j], row[j - 1])
    return row[-1]
