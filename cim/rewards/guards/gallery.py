"""The gallery's captions as hashes: which words in a row are one of them, and of which image."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.errors import CimError
from cim.layout import Layout
from cim.rewards.guards.english import FUNCTION_WORDS

_BASE = 0x9E3779B97F4A7C15  # any odd number: it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 2**64)
Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Known:
    """n captions. hashes: (n,) sorted; owners: (n,) of the id of their image; telling: (n,) words that tell something.

    lengths: all that there are, in words.
    """

    hashes: Hashes
    owners: Hashes
    telling: Counts
    lengths: Counts


@dataclass(frozen=True)
class GalleryCaptions:
    """Captions in Parquet files with the columns id and caption, read at the first question, 20 bytes held of each.

    A caption is its words: case, punctuation and blanks do not count. Two captions have the same hash with probability
    2^-64; then one of them may be taken for the other.
    """

    files: tuple[Path, ...]

    @classmethod
    def of(cls, layout: Layout, splits: list[str]) -> "GalleryCaptions":
        """Those that were embedded for `splits`."""
        folders = [layout.embeddings("text", split) for split in splits]
        return cls(tuple(file for folder in folders for file in sorted(folder.glob("*.parquet"))))

    def __reduce__(self) -> tuple[Any, ...]:
        return GalleryCaptions, (self.files,)  # a pickle carries paths, never hashes

    def copied_share(self, text: str, source: str, min_words: int, min_telling: int) -> float:
        """Share of the words of `text` that stand in a whole caption of another image than `source`, in [0, 1].

        Not looked for: captions of fewer than `min_words` words, of which fewer than `min_telling` are no function
        words; those that `source` has as well.
        Raises CimError when there are no files.
        """
        known = self._known
        words, _ = _words(pl.Series([text], dtype=pl.String))
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words * _powers(_BASE, len(words)), dtype=np.uint64)])
        back = _powers(_INVERSE, len(words))
        own = _hash(pl.Series([source], dtype=pl.String))[0]
        copied = np.zeros(len(words), dtype=bool)
        shortest = min(min_words, min_telling)
        for length in known.lengths[(known.lengths >= shortest) & (known.lengths <= len(words))].tolist():
            runs = (sums[length:] - sums[:-length]) * back[: len(words) - length + 1]
            first = np.searchsorted(known.hashes, runs)
            for start in np.flatnonzero(known.hashes[first.clip(max=len(known.hashes) - 1)] == runs).tolist():
                end = np.searchsorted(known.hashes, runs[start], side="right")
                enough = length >= min_words or known.telling[first[start]] >= min_telling
                if enough and own not in known.owners[first[start] : end]:
                    copied[start : start + length] = True
        return float(copied.mean()) if len(words) else 0.0

    @cached_property
    def _known(self) -> _Known:
        if not self.files:
            raise CimError("no captions of the gallery", "data/embeddings/text of index.splits", "dvc repro embed")
        parts = [_read(file) for file in self.files]
        hashes = np.concatenate([part.hashes for part in parts])
        order = np.argsort(hashes, kind="stable")
        return _Known(
            hashes[order],
            np.concatenate([part.owners for part in parts])[order],
            np.concatenate([part.telling for part in parts])[order],
            np.unique(np.concatenate([part.lengths for part in parts])),
        )


def _read(file: Path) -> _Known:
    """The captions in `file` that have words, in their order."""
    table = pl.read_parquet(file, columns=["id", "caption"])
    words, counts = _words(table["caption"])
    said = counts > 0
    counts = counts[said]
    starts = np.cumsum(counts) - counts
    place = np.arange(len(words)) - np.repeat(starts, counts)
    terms = words * _powers(_BASE, int(counts.max(initial=0)))[place]
    telling = (~np.isin(words, _FUNCTION)).astype(np.int32)
    if not len(starts):  # reduceat wants one
        return _Known(terms, terms, telling, counts)
    owners = _hash(table["id"])[said]
    return _Known(np.add.reduceat(terms, starts), owners, np.add.reduceat(telling, starts), np.unique(counts))


def _words(captions: pl.Series) -> tuple[Hashes, Counts]:
    """Hashes of the words of all captions in a row, and how many each has. A caption's own is sum of hash_i base^i."""
    words = captions.str.to_lowercase().str.extract_all(r"\w+")
    return _hash(words.explode().drop_nulls()), words.list.len().to_numpy().astype(np.int32)


def _hash(texts: pl.Series) -> Hashes:
    return texts.hash().to_numpy()


def _powers(base: int, count: int) -> Hashes:
    """(count,) 1, base, base^2 ... modulo 2^64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)


_FUNCTION = _hash(pl.Series(sorted(FUNCTION_WORDS)))
