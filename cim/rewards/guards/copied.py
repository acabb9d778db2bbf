"""Copied caption: what the gallery says of another image, found by hashes of words in a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.errors import CimError
from cim.languages.english import ENGLISH
from cim.languages.knows import SPACED, WORDS, Knows
from cim.languages.language import Language
from cim.layout import Layout
from cim.params.guards import CopiedGuard
from cim.rewards.guards.base import GeneratedCaption, ramp

_BASE = 0x9E3779B97F4A7C15  # any odd number: it has an inverse modulo 2^64
_INVERSE = pow(_BASE, -1, 2**64)
Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Known:
    """n captions, the shortest first, those of one length by their hash.

    hashes, lengths: (n,) of their words; owners: (n,) of the id of their image; telling: (n,) words but function words,
    0 of a language whose function words are not known.
    """

    hashes: Hashes
    owners: Hashes
    telling: Counts
    lengths: Counts

    def of_lengths(self, least: int, most: int) -> Iterator[tuple[int, int, int]]:
        """First, one past the last, and their length in words, for each length from `least` to `most`."""
        lengths, firsts, counts = np.unique(self.lengths, return_index=True, return_counts=True)
        for length, first, last in zip(lengths.tolist(), firsts.tolist(), (firsts + counts).tolist(), strict=True):
            if least <= length <= most:
                yield first, last, length


@dataclass(frozen=True)
class GalleryCaptions:
    """Captions in Parquet files with the columns id and caption, read at the first question, 24 bytes held of each.

    A caption is its words: case, punctuation and blanks do not count. Two captions have the same hash with probability
    2^-64; then one of them may be taken for the other.
    """

    files: tuple[Path, ...]
    language: Language = ENGLISH

    @classmethod
    def of(cls, layout: Layout, splits: list[str], language: Language = ENGLISH) -> "GalleryCaptions":
        """Those that were embedded for `splits`."""
        folders = [layout.embeddings("text", split) for split in splits]
        return cls(tuple(file for folder in folders for file in sorted(folder.glob("*.parquet"))), language)

    def __reduce__(self) -> tuple[Any, ...]:
        return GalleryCaptions, (self.files, self.language)  # a pickle carries paths, never hashes

    def copied_shares(
        self, texts: Sequence[str], sources: Sequence[str], min_words: int, min_telling: int
    ) -> npt.NDArray[np.float64]:
        """(b,) shares of the words of `texts` that stand in a whole caption of another image than `sources`, in [0, 1].

        Not looked for: captions of fewer than `min_words` words, of which fewer than `min_telling` are no function
        words; those that the source has as well.
        Raises CimError when there are no files.
        """
        known = self._known
        words, counts = _words(pl.Series(texts, dtype=pl.String))
        ends = np.cumsum(counts)
        left = np.repeat(ends, counts) - np.arange(len(words))  # words from here to the end of the caption
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(words * _powers(_BASE, len(words)), dtype=np.uint64)])
        back = _powers(_INVERSE, len(words))
        own = np.repeat(_hash(pl.Series(sources, dtype=pl.String)), counts)
        turns = np.zeros(len(words) + 1, dtype=np.int32)  # how many copies begin less how many end before a word
        for first, last, length in known.of_lengths(min(min_words, min_telling), int(counts.max(initial=0))):
            starts = np.flatnonzero(left >= length)
            runs = (sums[starts + length] - sums[starts]) * back[starts]
            hashes = known.hashes[first:last]
            places = np.searchsorted(hashes, runs)
            nearest = places.clip(max=len(hashes) - 1)
            hit = hashes[nearest] == runs
            if length < min_words:
                hit &= known.telling[first:last][nearest] >= min_telling
            for start, run, place in zip(starts[hit].tolist(), runs[hit], places[hit].tolist(), strict=True):
                end = np.searchsorted(hashes, run, side="right")
                if own[start] not in known.owners[first + place : first + end]:
                    turns[start] += 1
                    turns[start + length] -= 1
        copied = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.cumsum(turns[:-1]) > 0)])
        shares: npt.NDArray[np.float64] = (copied[ends] - copied[ends - counts]) / counts.clip(min=1)
        return shares

    @cached_property
    def _known(self) -> _Known:
        if not self.files:
            raise CimError("no captions of the gallery", "data/embeddings/text of index.splits", "dvc repro embed")
        classes = self.language.classes
        small = None if classes is None else _hash(pl.Series(sorted(classes.function_words)))
        parts = [_read(file, small) for file in self.files]
        hashes, owners, telling, lengths = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("hashes", "owners", "telling", "lengths")
        )
        order = np.lexsort((hashes, lengths))
        return _Known(hashes[order], owners[order], telling[order], lengths[order])


@dataclass(frozen=True)
class Copied:
    """0 up to a share of `free` of words in whole captions of other gallery images, falling to -1 at `full`."""

    limits: CopiedGuard
    captions: GalleryCaptions
    knows: ClassVar[Mapping[str, Knows]] = {"": SPACED, "min_telling": WORDS}

    def __call__(self, caption: GeneratedCaption) -> float:
        return self.judge_batch([caption])[0]

    def judge_batch(self, captions: Sequence[GeneratedCaption]) -> list[float]:
        """As one by one, in one look: most of what one costs is beginning."""
        limits = self.limits
        texts, sources = [one.text for one in captions], [one.id for one in captions]
        shares = self.captions.copied_shares(texts, sources, limits.min_words, limits.min_telling)
        return [-ramp(share, limits.free, limits.full) for share in shares.tolist()]


def _read(file: Path, small: Hashes | None) -> _Known:
    """The captions in `file` that have words, in their order. small: of function words; None: not known."""
    table = pl.read_parquet(file, columns=["id", "caption"])
    words, counts = _words(table["caption"])
    captions = counts > 0
    counts = counts[captions]
    starts = np.cumsum(counts) - counts
    place = np.arange(len(words)) - np.repeat(starts, counts)
    terms = words * _powers(_BASE, int(counts.max(initial=0)))[place]
    telling = (np.zeros(len(words), bool) if small is None else ~np.isin(words, small)).astype(np.int32)
    if not len(starts):  # reduceat wants one
        return _Known(terms, terms, telling, counts)
    owners = _hash(table["id"])[captions]
    return _Known(np.add.reduceat(terms, starts), owners, np.add.reduceat(telling, starts), counts)


def _words(captions: pl.Series) -> tuple[Hashes, Counts]:
    """Hashes of the words of all captions in a row, and how many each has. A caption's own is sum of hash_i base^i."""
    if captions.str.contains(r"[\u{300}-\u{36f}]").any():  # accents apart from their letters
        captions = captions.str.normalize("NFC")
    words = captions.str.to_lowercase().str.extract_all(r"\w+")
    return _hash(words.explode().drop_nulls()), words.list.len().to_numpy().astype(np.int32)


def _hash(texts: pl.Series) -> Hashes:
    return texts.hash().to_numpy()


def _powers(base: int, count: int) -> Hashes:
    """(count,) 1, base, base^2 ... modulo 2^64."""
    factors = np.full(count, base, dtype=np.uint64)
    factors[:1] = 1
    return np.cumprod(factors, dtype=np.uint64)
