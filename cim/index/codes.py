"""Vectors in few bits, whose inner products a processor multiplies faster than float32's, and how far off those are.

Let v' be what the code of a vector v stands for. By Cauchy and Schwarz, for a query q and a row x,

    |q·x - q'·x'| = |(q - q')·x + q'·(x - x')| <= |q - q'| |x| + |q'| |x - x'| <= e_q + (|q| + e_q) e_x,

where e_q and e_x are the lengths of what coding lost, which are measured, not estimated, and |x| = 1. The products of
the codes are themselves rounded: by at most r |q'| |x'|, as sums of |q'_i x'_i| are at most that (Cauchy and Schwarz).

int8: whole numbers -127..127 times a scale. Their sum of d products is exact in int32 (127 127 d < 2^31 for
d < 133,000) and becomes float32 and is scaled: r = 2^-22. A unit vector of 768 alike coordinates loses some 0.008.

bfloat16: 8 significant bits, rounded to nearest, so that each coordinate is off by at most 2^-8 of itself and
e <= 2^-8 |v|; as a rule it loses 0.0016. Products of two such are exact in float32; adding d of them in any order, also
cutting off instead of rounding, is off by less than d 2^-22 of the sum of their sizes, and torch gives the sum in
bfloat16 again: r = 2^-8 + d 2^-22.
"""

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


class Format(Protocol):
    """A way to code vectors. An object of it belongs to one thread of one search: it keeps room for what is multiplied.

    A code times its scale is what it stands for. Vectors whose codes are to be compared by number share a scale.
    """

    name: str

    def scales(self, peaks: "torch.Tensor") -> "torch.Tensor":
        """(n,) scales for vectors whose largest coordinate is at most peaks (n,)."""

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """(n, d) codes of float32 vectors over divisors (n,): scales, times lengths for unit vectors. Spoils them."""

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        """(b, n) inner products of codes, of any type, to be done with before the next ones are asked for."""

    def rounding(self, dim: int) -> float:
        """r, see above."""


class Int8:
    """For VNNI and AMX."""

    name = "int8"

    def __init__(self) -> None:
        self._room: torch.Tensor | None = None

    def scales(self, peaks: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return peaks.clamp(min=1e-30) / 127  # less than half a step above 127 is 127 as well

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        return vectors.mul_((1 / divisors)[:, None]).round_().to(torch.int8)

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        self._room = _room(self._room, len(queries), len(rows), torch.int32)
        return torch._int_mm(queries, rows.T, out=self._room)

    def rounding(self, dim: int) -> float:
        """See Format."""
        return 2.0**-22


class BFloat16:
    """For AMX, and AVX-512 BF16 where that is faster."""

    name = "bfloat16"

    def scales(self, peaks: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return peaks.new_ones(len(peaks))

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        return vectors.mul_((1 / divisors)[:, None]).to(torch.bfloat16)

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return queries @ rows.T

    def rounding(self, dim: int) -> float:
        """See Format."""
        return 2.0**-8 + dim * 2.0**-22


class Float32:
    """For any processor: nothing is lost, and torch multiplies."""

    name = "float32"

    def __init__(self) -> None:
        self._room: torch.Tensor | None = None

    def scales(self, peaks: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return peaks.new_ones(len(peaks))

    def code(self, vectors: "torch.Tensor", divisors: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        return vectors.mul_((1 / divisors)[:, None])

    def products(self, queries: "torch.Tensor", rows: "torch.Tensor") -> "torch.Tensor":
        """See Format."""
        import torch

        self._room = _room(self._room, len(queries), len(rows), torch.float32)
        return torch.mm(queries, rows.T, out=self._room)

    def rounding(self, dim: int) -> float:
        """See Format."""
        return 2.0**-22


def coded(coding: Format, vectors: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor", "torch.Tensor"]:
    """Codes of vectors (n, d), each with a scale of its own, those scales (n,), and the lengths lost (n,)."""
    import torch

    scales = coding.scales(vectors.abs().amax(1).float())
    codes = coding.code(vectors.to(torch.float32, copy=True), scales)
    return codes, scales, lost(codes, scales, vectors.float())


def lost(codes: "torch.Tensor", scales: "torch.Tensor", vectors: "torch.Tensor") -> "torch.Tensor":
    """(n,) lengths of what codes (n, d) of these scales (n,) do not have of float32 vectors (n, d)."""
    import torch

    off: torch.Tensor = torch.linalg.vector_norm(vectors - codes.float().mul_(scales[:, None]), dim=1)
    return off.mul_(SAFE)


def _room(room: "torch.Tensor | None", queries: int, rows: int, kind: "torch.dtype") -> "torch.Tensor":
    """`room` where it has this shape, else a new one: torch takes memory from the system anew each time."""
    import torch

    return room if room is not None and room.shape == (queries, rows) else torch.empty(queries, rows, dtype=kind)


def bounds(rounding: float, lengths: Floats, lost: Floats, rows_lost: Floats) -> Floats:
    """How far scores by codes may be from the inner products of queries with unit rows; all of one shape, or broadcast.

    rounding: r, see above. lengths: of the queries. lost, rows_lost: of the queries' codes and of the rows'.
    """
    lengths = lengths * np.float32(SAFE)
    off: Floats = lost + (lengths + lost) * (rows_lost + rounding * (1 + rows_lost)) + ARITHMETIC * lengths
    return off
