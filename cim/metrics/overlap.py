"""Overlap with reference captions: the only view of correctness where no ground truth is known.

By pycocoevalcap's scorers; only METEOR needs Java. What is compared with what: docs/metrics.md.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.languages.tokens import english_tokens

FloatArray = npt.NDArray[np.float64]
Tokens = dict[int, list[str]]  # by image
Tokeniser = Callable[[str], list[str]]
N = 4  # longest n-gram
_SMALL, _TINY = 1e-9, 1e-15  # what pycocoevalcap adds against division by zero
_WIDTHS = {"bleu_4": 2 * N + 2, "rouge_l": 1, "cider_d": 1}
WIDTH = 23  # counts of one caption by METEOR
MODULES = np.array([1.0, 0.6, 0.8, 0.6])  # of METEOR: exact, stem, synonym, paraphrase
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75  # of METEOR 1.5 for English


def overlap(
    captions: Sequence[str], references: Sequence[Sequence[str]], tokeniser: Tokeniser = english_tokens
) -> dict[str, FloatArray]:
    """Per-image values of n captions against the references of each image; NaN rows without a reference that has words.

    bleu_4 (n, 10): what BLEU sums over a corpus, see `bleu`. rouge_l (n, 1), in [0, 1]: Lin 2004, beta 1.2, as COCO
    takes it (arXiv 1504.00325). cider_d (n, 1), in [0, 10]: Vedantam et al. 2015 (arXiv 1411.5726); n-grams are
    weighted by how few of these n images' references hold them, so it is comparable on one set of images only.
    """
    found = {name: np.full((len(captions), width), np.nan) for name, width in _WIDTHS.items()}
    said, truths = _tokens(captions, references, tokeniser)
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


def meteor_counts(
    captions: Mapping[str, Sequence[str]], references: Mapping[str, Sequence[Sequence[str]]]
) -> dict[str, FloatArray]:
    """(n, 23) of each captioner for `meteor`; NaN rows as above. One Java for all: it takes longest to start.

    references: by captioner, too. Raises NoMeteor where it can't be had.
    """
    found = {name: np.full((len(texts), WIDTH), np.nan) for name, texts in captions.items()}
    pairs = {name: _tokens(texts, references[name], english_tokens) for name, texts in captions.items()}
    keys = [(name, i) for name, (said, _) in pairs.items() for i in said]
    if keys:
        rows = java_counts([pairs[name][0][i][0] for name, i in keys], [pairs[name][1][i] for name, i in keys])
        for (name, i), row in zip(keys, rows, strict=True):
            found[name][i] = row
    return found


class NoMeteor(Exception):
    """Why METEOR could not be had here, in words for the report."""


def java_counts(captions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
    """(n, 23) what METEOR counts in each caption against the one of its references that suits it best.

    Captions and references are tokens joined by blanks. Raises NoMeteor without a Java that runs
    pycocoevalcap's meteor-1.5.jar.
    """
    lines = [" ||| ".join(("SCORE", *texts, caption)) for caption, texts in zip(captions, references, strict=True)]
    with as_file(files("pycocoevalcap") / "meteor") as folder:
        command = ["java", "-Xmx2G", "-jar", "meteor-1.5.jar", "-", "-", "-stdio", "-l", "en", "-norm"]
        known: dict[str, Any] = {"cwd": folder, "input": "\n".join(lines) + "\n", "encoding": "utf-8"}
        try:
            done = subprocess.run(command, capture_output=True, check=False, **known)
        except OSError as error:
            raise NoMeteor(f"METEOR is a Java program and no java runs here ({error.strerror})") from error
    answers = [line.split() for line in done.stdout.splitlines()]
    if done.returncode or len(answers) != len(lines) or any(len(answer) != WIDTH for answer in answers):
        message = (done.stderr.strip() or "no word of why").splitlines()[0][:200]
        raise NoMeteor(f"METEOR's Java program gave {len(answers)} answers for {len(lines)} captions: {message}")
    found = np.array(answers, dtype=np.float64)
    whole = (found[:, 21:] == found[:, :2]).all(axis=1) & (found[:, 20] == 1)
    found[whole, 20] = 0  # a caption that is its reference has no fragments, as METEOR counts
    return found


def meteor(sample: FloatArray) -> FloatArray:
    """(r, m, 23) -> (r,): METEOR 1.5 (Denkowski & Lavie 2014) of r samples of m captions, in [0, 1].

    The columns, which sum over a corpus: words said and of the reference, function words of each, then for each of
    MODULES the matched content words said and of the reference and matched function words likewise, then chunks and
    matched words of both. Content words count DELTA, function words 1 - DELTA; many chunks mean words out of order.
    """
    sums = sample.sum(axis=1)
    modules = sums[:, 4:20].reshape(-1, 4, 4)
    sides = []
    for side in (0, 1):
        words, function = sums[:, side], sums[:, 2 + side]
        matched = (DELTA * modules[:, :, side] + (1 - DELTA) * modules[:, :, 2 + side]) @ MODULES
        sides.append(_share(matched, DELTA * (words - function) + (1 - DELTA) * function))
    precision, recall = sides
    mean = _share(precision * recall, ALPHA * precision + (1 - ALPHA) * recall)
    fragments = _share(sums[:, 20], (sums[:, 21] + sums[:, 22]) / 2)
    return np.asarray(mean * (1 - GAMMA * fragments**BETA))


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _tokens(
    captions: Sequence[str], references: Sequence[Sequence[str]], tokeniser: Tokeniser
) -> tuple[Tokens, Tokens]:
    """Captions and references by image, tokens joined by blanks; images without a reference that has words left out."""

    def joined(caption: str) -> str:
        return " ".join(tokeniser(caption))

    truths = {i: [text for text in map(joined, texts) if text] for i, texts in enumerate(references)}
    truths = {i: texts for i, texts in truths.items() if texts}
    return {i: [joined(captions[i])] for i in truths}, truths


def _summands(one: dict[str, Any]) -> list[float]:
    length = one["testlen"]
    closest = min((abs(reference - length), reference) for reference in one["reflen"])[1]
    return [*one["correct"], *one["guess"], length, closest]
