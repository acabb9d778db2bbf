"""Vectors in few bits, whose inner products a processor multiplies faster than float32's, and how far off those are.

Let v' be what the code of a vector v stands for. By Cauchy and Schwarz, for a query q and a row x,

    |q·x - q'·x'| = |(q - q')·x + q'·(x - x')| <= |q - q'| |x| + |q'| |x - x'| <= e_q + (|q| + e_q) e_x,

where e_q and e_x are the lengths of what coding lost, which are measured, not estimated, and |x| = 1. The products of
the codes are themselves rounded: by at most r |q'| |x'|, as sums of |q'_i x'_i| are at most that (Cauchy and Schwarz).

int8: a scale a vector, whole numbers -127..127. Their sum of d products is exact in int32 (127 127 d < 2^31 for
d < 133,000) and becomes float32 and is scaled: r = 2^-22. A unit vector of 768 alike coordinates loses some 0.008.

bfloat16: 8 significant bits, rounded to nearest, so that each coordinate is off by at most 2^-8 of itself and
e <= 2^-8 |v|; as a rule it loses 0.0016. Products of two such are exact in float32; adding d of them in any order, also
cutting off instead of rounding, is off by less than d 2^-22 of the sum of their sizes, and torch gives the sum in
bfloat16 again: r = 2^-8 + d 2^-22.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
SAFE = 1 + 1e-4
"""Lengths are measured in float32."""
ARITHMETIC = 1e-5
"""What float32 may move a score of unit vectors by: their stored norms, and the scores that this is compared with."""


@dataclass(frozen=True)
class Measures:
    """Of n vectors: each is coded as its coordinates over `divisors`; its codes times `factors` are as long as it is.

    lost: lengths lost, measured on the codes themselves.
    """

    divisors: "torch.Tensor"
    factors: "torch.Tensor"
    lost: "torch.Tensor"


class Format(Protocol):
    """A way to code vectors. An object of it belongs to one search: it keeps room for what is multiplied."""

    name: str

    def divisors(self, vectors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """(n,) of vectors (n, d) of these lengths (n,)."""

    def factors(self, divisors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """(n,) by which codes are multiplied to be the vectors divided by their lengths."""

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """(n, d) codes."""

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor", out: "torch.Tensor") -> None:
        """Fill out (b, n), float32, with the inner products of codes."""

    def rounding(self, dim: int) -> float:
        """r, see above."""


class Int8:
    """For VNNI and AMX."""

    name = "int8"

    def __init__(self) -> None:
        self._whole: torch.Tensor | None = None

    def divisors(self, vectors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return vectors.abs().amax(1).float().clamp_(min=1e-30) / 127

    def factors(self, divisors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return divisors / lengths

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        return _copied(vectors).mul_((1 / divisors)[:, None]).round_().clamp_(-127, 127).to(torch.int8)

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor", out: "torch.Tensor") -> None:
        """See Format."""
        import torch

        if self._whole is None or self._whole.shape != out.shape:
            self._whole = torch.empty(out.shape, dtype=torch.int32)
        torch._int_mm(queries, rows.T, out=self._whole)
        out.copy_(self._whole)

    def rounding(self, dim: int) -> float:
        """See Format."""
        return 2.0**-22


class BFloat16:
    """For AMX, and AVX-512 BF16 where that is faster."""

    name = "bfloat16"

    def divisors(self, vectors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return lengths

    def factors(self, divisors: "torch.Tensor", lengths: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        return torch.ones_like(divisors)

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        return _copied(vectors).mul_((1 / divisors)[:, None]).to(torch.bfloat16)

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor", out: "torch.Tensor") -> None:
        """See Format."""
        out.copy_(queries @ rows.T)

    def rounding(self, dim: int) -> float:
        """See Format."""
        return 2.0**-8 + dim * 2.0**-22


def measure(coding: Format, vectors: "torch.Tensor", lengths: "torch.Tensor") -> Measures:
    """Of vectors (n, d) that are to be divided by their lengths (n,)."""
    import torch

    divisors = coding.divisors(vectors, lengths)
    factors = coding.factors(divisors, lengths)
    stands_for = coding.code(vectors, divisors).float().mul_(factors[:, None])
    off = _copied(vectors).div_(lengths[:, None]).sub_(stands_for)
    return Measures(divisors, factors, torch.linalg.vector_norm(off, dim=1).mul_(SAFE))


def _copied(vectors: "torch.Tensor") -> "torch.Tensor":
    """As float32, not the caller's own."""
    import torch

    return vectors.to(torch.float32, copy=True)


def bounds(coding: Format, queries: Floats, lost: Floats, rows_lost: Floats) -> Floats:
    """How far scores by `coding` may be from the inner products of queries (b, d) with unit rows.

    lost: (b,) of the queries' codes. rows_lost: (b, m) of the codes of their rows, or (1, 1) at most of any row.
    Returns (b, m) or (b, 1).
    """
    length, lost = np.linalg.norm(queries, axis=1, keepdims=True) * SAFE, lost[:, None]
    rounded = coding.rounding(queries.shape[1]) * (1 + rows_lost)
    off: Floats = lost + (length + lost) * (rows_lost + rounded) + ARITHMETIC * length
    return off
