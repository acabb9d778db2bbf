"""METEOR 1.5 by its Java program, where there is a Java."""

import subprocess
from collections.abc import Sequence
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
WIDTH = 23  # counts of one caption
MODULES = np.array([1.0, 0.6, 0.8, 0.6])  # exact, stem, synonym, paraphrase
ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75  # of METEOR 1.5 for English


class NoMeteor(Exception):
    """Why METEOR could not be had here, in words for the report."""


def counts(captions: Sequence[str], references: Sequence[Sequence[str]]) -> FloatArray:
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
        told = (done.stderr.strip() or "no word of why").splitlines()[0][:200]
        raise NoMeteor(f"METEOR's Java program gave {len(answers)} answers for {len(lines)} captions: {told}")
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
