"""A caption's own image against others: what the cosines pay."""

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from cim.params.terms import ContrastTerm
from cim.retrieval import TIE

Floats = npt.NDArray[np.floating]


def contrast(own: Floats, others: Floats, params: ContrastTerm) -> list[float | None]:
    """b numbers from the cosines of b captions with their own image (b,) and with others (b, n), NaN: no such image.

    softmax: exp(own / T) over the sum of exp(cosine / T) of all, in [0, 1]; log_softmax: its logarithm, in
    [-2 / T - log(1 + n), 0]; margin: own less the highest other, in [-2, 2]; r1: 1 where that is more than a tie
    (1e-6), else 0. None where `own` is NaN or there are no others. In whatever order the others stand.
    """
    values = _paid(own.astype(np.float64), np.where(np.isnan(others), -np.inf, others).astype(np.float64), params)
    usable = np.isfinite(own) & ~np.isnan(others).all(axis=1)
    return [value if good else None for value, good in zip(values.tolist(), usable, strict=True)]


def _paid(own: Floats, others: Floats, params: ContrastTerm) -> Floats:
    if params.pays in ("margin", "r1"):
        margin: Floats = own - others.max(axis=1, initial=-np.inf)
        return margin if params.pays == "margin" else (margin > TIE).astype(np.float64)
    logits = np.concatenate([own[:, None], np.sort(others, axis=1)], axis=1) / params.temperature
    chance: Floats = np.minimum(logits[:, 0] - logsumexp(logits, axis=1), 0.0)
    return chance if params.pays == "log_softmax" else np.exp(chance)
