"""What one captioner's captions got, image by image: the input of every comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.metrics.references import ReferenceAgreement
from cim.metrics.scenes import Counts
from cim.records import IdentityScore
from cim.text import words

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Measurements:
    """All per-image values of one captioner; every sequence has one entry an image, in one common order.

    truncated: cut at max_new_tokens. facts: counts by kind, None without ground truth. ranks: (n,) of the
    own image by the held-out encoder, 1 is best, NaN for an image it has no vector of. identity: None when
    unscorable. overlap: ROUGE-L in [0, 1], None without a reference. values: further per-image values by name,
    (n, c), NaN where there is none. missing: why there is none at all, by group, or by name with its
    group ("overlap.meteor"). referenced: against the
    references, None for an image that was not compared; empty when none was.

    Raises ValueError when lengths differ.
    """

    captions: Sequence[str]
    truncated: Sequence[bool]
    facts: Sequence[dict[str, Counts] | None]
    ranks: npt.NDArray[np.number]
    identity: Sequence[IdentityScore | None]
    overlap: Sequence[float | None]
    values: Mapping[str, FloatArray] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    referenced: Sequence[ReferenceAgreement | None] = ()

    def __post_init__(self) -> None:
        listed = ("captions", "truncated", "facts", "ranks", "identity", "overlap")
        lengths = {name: len(getattr(self, name)) for name in listed} | {
            n: len(rows) for n, rows in self.values.items()
        }
        if self.referenced:
            lengths["referenced"] = len(self.referenced)
        if len(set(lengths.values())) != 1:
            raise ValueError(f"every field needs one entry an image, found {lengths}")

    def at(self, rows: Sequence[int]) -> "Measurements":
        """Of these images only, in this order."""

        def taken(listed: Sequence[Any]) -> list[Any]:
            return [listed[i] for i in rows]

        return Measurements(
            captions=taken(self.captions),
            truncated=taken(self.truncated),
            facts=taken(self.facts),
            ranks=self.ranks[list(rows)],
            identity=taken(self.identity),
            overlap=taken(self.overlap),
            values={name: column[list(rows)] for name, column in self.values.items()},
            missing=self.missing,
            referenced=taken(self.referenced) if self.referenced else (),
        )

    @property
    def lengths(self) -> list[int]:
        """Words of each caption."""
        return [len(words(caption)) for caption in self.captions]


def column(values: Sequence[float | None] | npt.NDArray[np.generic]) -> FloatArray:
    """(n, 1) values; NaN stands for None and takes no part in any statistic."""
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64).reshape(-1, 1)


def fractions(pairs: Sequence[tuple[float, float] | None]) -> FloatArray:
    """(n, 2) numerators and denominators; NaN rows for None."""
    return np.array([(np.nan, np.nan) if p is None else p for p in pairs], dtype=np.float64).reshape(-1, 2)
