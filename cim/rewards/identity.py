"""GRC and QIR, the two halves of the CIM reward (arXiv 2603.01696), on NumPy arrays or torch tensors.

Both are weighted sums over the k ranks, accumulated in float64 one rank at a time: the result does not depend on
the library, and no float64 copy of the whole (b, k, d) input is made.
"""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np

UNIT_TOLERANCE = 1e-2
"""How far a norm may be from 1: float16 and bfloat16 rounding pass, raw encoder outputs do not."""

Scale = Literal["sum", "mean"]

Array = TypeVar("Array")  # np.ndarray or torch.Tensor; torch is never imported here


@dataclass(frozen=True)
class IdentityReward(Generic[Array]):
    """The reward of b captions and its terms, each (b,): total = alpha * grc + beta * qir."""

    grc: Array
    qir: Array
    total: Array


def grc(retrieved: Array) -> Array:
    """Gallery representation consistency: the norm of the mean of each caption's k retrieved image vectors.

    retrieved: (b, k, d) unit vectors. Returns (b,) in [0, 1] up to rounding, 1 when all k agree; float32, or float64
    for float64 input. Rank order does not matter. Source: CIM, equation for GRC; the mean resultant length.

    Raises ValueError for another shape or vectors that are not of unit length.
    """
    _check_retrieved(retrieved)
    k = _shape(retrieved)[1]
    result: Array = _narrow((_weighted(retrieved, [1 / k] * k) ** 2).sum(-1) ** 0.5, retrieved)
    return result


def qir(source: Array, retrieved: Array, decay: float = 0.5, scale: Scale = "sum") -> Array:
    """Query-image relevance: sum over ranks r = 1..k of decay^(r-1) * cos(source, retrieved at rank r).

    source: (b, d), retrieved: (b, k, d), unit vectors, best rank first. decay in (0, 1]. Returns (b,), not normalised:
    at decay 1/2 the maximum is 2 - 2^(1-k). Source: CIM, equation for QIR. scale: with "mean" the sum is divided by
    that of the weights and is at most 1 at every k and decay.

    Raises ValueError naming both shapes when they do not fit, or for vectors that are not of unit length.
    """
    _check_retrieved(retrieved)
    _check_source(source, retrieved)
    if not 0 < decay <= 1:
        raise ValueError(f"decay is {decay}; expected a number in (0, 1]")
    weights = [decay**rank for rank in range(_shape(retrieved)[1])]
    whole = sum(weights) if scale == "mean" else 1.0
    weights = [weight / whole for weight in weights]
    result: Array = _narrow((_wide(source) * _weighted(retrieved, weights)).sum(-1), retrieved)
    return result


def identity_reward(
    source: Array,
    retrieved: Array,
    beta: float = 1.0,
    decay: float = 0.5,
    alpha: float = 1.0,
    scale: Scale = "sum",
) -> IdentityReward[Array]:
    """alpha * GRC + beta * QIR (the paper's alpha is 1) with both terms; the rest as in `grc` and `qir`."""
    consistency: Any = grc(retrieved)
    relevance: Any = qir(source, retrieved, decay, scale)
    return IdentityReward(consistency, relevance, alpha * consistency + beta * relevance)


def _weighted(retrieved: Any, weights: list[float]) -> Any:
    """Sum over k of weights[k] * retrieved[:, k]: (b, d), float64."""
    total = _wide(retrieved[:, 0]) * weights[0]
    for rank, weight in enumerate(weights[1:], start=1):
        total = total + _wide(retrieved[:, rank]) * weight
    return total


def _wide(array: Any) -> Any:
    return array.astype(np.float64) if isinstance(array, np.ndarray) else array.double()


def _narrow(result: Any, like: Any) -> Any:
    """float64 stays float64 where the input was; everything else becomes float32."""
    if "float64" in str(like.dtype):
        return result
    return result.astype(np.float32) if isinstance(result, np.ndarray) else result.float()


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(array.shape)


def _check_retrieved(retrieved: Any) -> None:
    shape = _shape(retrieved)
    if len(shape) != 3 or shape[1] < 1 or shape[2] < 1:
        raise ValueError(f"retrieved has shape {shape}; expected (b, k, d) with k and d at least 1")
    for rank in range(shape[1]):
        _check_unit("retrieved", retrieved[:, rank])


def _check_source(source: Any, retrieved: Any) -> None:
    found, b_k_d = _shape(source), _shape(retrieved)
    if found != (b_k_d[0], b_k_d[2]):
        raise ValueError(f"source has shape {found} and retrieved {b_k_d}; expected (b, d) and (b, k, d)")
    if isinstance(source, np.ndarray) != isinstance(retrieved, np.ndarray):
        raise ValueError(f"source is {type(source)} and retrieved {type(retrieved)}; expected both of one library")
    _check_unit("source", source)


def _check_unit(name: str, vectors: Any) -> None:
    """(b, d) vectors must have norm 1 within UNIT_TOLERANCE; NaN does not pass."""
    if _shape(vectors)[0] == 0:
        return
    norms = (_wide(vectors) ** 2).sum(-1) ** 0.5
    worst = float(norms[abs(norms - 1).argmax()])
    if not abs(worst - 1) <= UNIT_TOLERANCE:
        raise ValueError(f"{name} holds a vector of norm {worst:.6g}; expected 1 within {UNIT_TOLERANCE}")
