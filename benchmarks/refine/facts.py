"""Captions held against the truth, and how sure a difference between two sets of them is."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.metrics.scenes import KINDS, Graph, score_scene
from cim.scenes.parse import parse

Counts = npt.NDArray[np.float64]
"""(n, 3): facts of each image's caption that are right, said and true."""
RESAMPLES = 2000
HEADER = "| captions | precision | recall | F1 | F1 more than {} (95%) |\n|---|--:|--:|--:|--:|"


def counts(truths: Sequence[Graph], captions: Sequence[str]) -> Counts:
    """Objects, attributes and relations together."""
    return np.array([_counted(truth, caption) for truth, caption in zip(truths, captions, strict=True)], dtype=float)


def f1(counted: Counts) -> float:
    """Of all facts of all images, in points."""
    right, said, true = counted.sum(axis=0)
    return float(200 * right / (said + true))


def own_f1(counted: Counts) -> npt.NDArray[np.float64]:
    """(n,) of each image by itself, in [0, 1]."""
    return 2 * counted[:, 0] / np.maximum(counted[:, 1] + counted[:, 2], 1)


def row(label: str, counted: Counts, against: Counts | None = None) -> str:
    """A line of the table. against: captions of the same images, with which it is compared."""
    right, said, true = counted.sum(axis=0)
    cells = [f"{100 * right / said:.1f}", f"{100 * right / true:.1f}", f"{f1(counted):.1f}"]
    return f"| {label} | {' | '.join(cells)} | {'' if against is None else difference(counted, against)} |"


def difference(counted: Counts, against: Counts) -> str:
    """F1 more than the other's, with a paired bootstrap over images."""
    rng, many = np.random.default_rng(0), len(counted)
    drawn = [rng.integers(many, size=many) for _ in range(RESAMPLES)]
    low, high = np.percentile([f1(counted[rows]) - f1(against[rows]) for rows in drawn], [2.5, 97.5])
    return f"{f1(counted) - f1(against):+.1f} ({low:+.1f} to {high:+.1f})"


def _counted(truth: Graph, caption: str) -> tuple[int, int, int]:
    found: Any = [score_scene(truth, _parsed(caption))[kind] for kind in KINDS]
    return sum(one.matched for one in found), sum(one.predicted for one in found), sum(one.true for one in found)


@cache
def _parsed(caption: str) -> Graph:
    return parse(caption)
