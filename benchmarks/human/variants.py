"""Variants of the reward, each a pure function of one retrieval: which agree better with people."""

from functools import partial

import numpy as np

from benchmarks.human.retrieved import Retrieved, Values, Variant, Vectors, unit
from cim.rewards.identity import grc, identity_reward, qir

PAPER = "GRC + QIR, K = 3, decay 1/2 (the paper's)"


def variants() -> dict[str, Variant]:
    """By name, the paper's first. QIR is the mean, at most 1, unless the paper's is said."""
    found: dict[str, Variant] = {
        PAPER: lambda r: _paper(r.source, r.found),
        "QIR alone, K = 3, decay 1/2": lambda r: _sum(r, 3, 0.5),
        "GRC alone, K = 3": partial(_grc, k=3),
        "QIR, K = 3, decay 1": partial(_mean, k=3),
        "QIR, K = 10, decay 1/2": partial(_mean, k=10, decay=0.5),
        "QIR, K = 10, decay 1": partial(_mean, k=10),
        "QIR, K = 30, decay 1": partial(_mean, k=30),
        "QIR, K = 50, decay 0.9": partial(_mean, k=50, decay=0.9),
        "QIR, K = 50, decay 1": partial(_mean, k=50),
        "QIR, K = 100, decay 1": partial(_mean, k=100),
    }
    for alpha in (0.1, 0.25, 0.5, 1):
        found[f"{alpha:g} GRC + QIR, K = 50, decay 1"] = lambda r, alpha=alpha: alpha * _grc(r, 50) + _mean(r, 50)
    found |= {
        "GRC + QIR, vectors less the gallery's mean": _centred,
        "GRC + QIR, vectors before the head": lambda r: _paper(r.raw_source, r.raw_found),
        "QIR, K = 50, decay 1, vectors before the head": lambda r: qir(r.raw_source, r.raw_found, 1.0, "mean"),
        "GRC less that of the photo's 3 nearest, + QIR": lambda r: _grc(r, 3) - grc(r.near[:, :3]) + _sum(r, 3, 0.5),
        "GRC / log(words), + QIR": lambda r: _grc(r, 3) / np.log1p(r.words) + _sum(r, 3, 0.5),
        "GRC + QIR, by QIR of the photo's 3 nearest": _of_the_best,
        "cosine with the mean of K = 50": partial(_direction, k=50),
        "QIR, K = 50, weights by score (temperature 0.1)": partial(_softmax, k=50, temperature=0.1),
        "caption and photo, cosine": lambda r: r.direct,
        "cosine + QIR, K = 50, decay 1": lambda r: r.direct + _mean(r, 50),
        "captions of the photo's 10 nearest": partial(_said, k=10),
        "captions of the photo's 30 nearest": partial(_said, k=30),
        "QIR, K = 50, decay 1, + captions of the 30 nearest": lambda r: _mean(r, 50) + _said(r, 30),
    }
    return found


def _grc(r: Retrieved, k: int) -> Values:
    return grc(r.found[:, :k]).astype(np.float64)


def _sum(r: Retrieved, k: int, decay: float) -> Values:
    return qir(r.source, r.found[:, :k], decay).astype(np.float64)


def _mean(r: Retrieved, k: int, decay: float = 1.0) -> Values:
    return qir(r.source, r.found[:, :k], decay, "mean").astype(np.float64)


def _said(r: Retrieved, k: int) -> Values:
    return np.asarray(r.said[:, :k].mean(axis=1))


def _paper(source: Vectors, found: Vectors) -> Values:
    return identity_reward(source, found[:, :3]).total.astype(np.float64)


def _centred(r: Retrieved) -> Values:
    return _paper(unit(r.source - r.centre), unit(r.found[:, :3] - r.centre))


def _of_the_best(r: Retrieved) -> Values:
    """QIR by what the best caption could have found: the images that are nearest to the photo."""
    return np.asarray(_grc(r, 3) + _sum(r, 3, 0.5) / qir(r.source, r.near[:, :3]))


def _direction(r: Retrieved, k: int) -> Values:
    return np.einsum("bd,bd->b", r.source, unit(r.found[:, :k].mean(axis=1))).astype(np.float64)


def _softmax(r: Retrieved, k: int, temperature: float) -> Values:
    weights = np.exp((r.scores[:, :k] - r.scores[:, :1]) / temperature)
    cosines = np.einsum("bd,bkd->bk", r.source, r.found[:, :k])
    return np.asarray((weights * cosines).sum(axis=1) / weights.sum(axis=1), dtype=np.float64)
