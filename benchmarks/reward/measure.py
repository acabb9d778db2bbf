"""Ours, the baseline and a bare matrix product, in turns."""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.common.memory import MIB, added_memory
from benchmarks.common.timing import seconds
from benchmarks.reward.baseline_server import Baseline, K
from benchmarks.reward.gallery import ENCODER, SPLIT, Queries
from benchmarks.reward.synthetic_embeddings import Vectors
from benchmarks.reward.turns import Turns, sgemm
from cim.encoders.base import TextEncoder
from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore
from cim.layout import Layout
from cim.params.guards import Guards
from cim.params.retrieval import Index
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption, judge
from cim.rewards.guards.build import build_guards
from cim.rewards.guards.copied import GalleryCaptions
from cim.rewards.retriever import Retriever
from cim.rewards.spaces import EncodedSpace

SPACE = "caption_text"
SEARCH: dict[str, Index] = {}
"""Where a million rows need other knobs than the default for the gate's 0.95."""


class Lookup:
    """A TextEncoder that knows its captions' vectors."""

    fingerprint = ENCODER

    def __init__(self, queries: Queries) -> None:
        self.dim = queries.vectors.shape[1]
        self._vectors = dict(zip(queries.captions, queries.vectors, strict=True))

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) unit vectors."""
        return np.stack([self._vectors[text] for text in texts])


class Guarded:
    """The default reward's guards over captions as training has them.

    said: (b,) captions that the drawn vectors stand for. gallery: captions, as many as rows, in Parquet.
    """

    def __init__(self, captions: Sequence[GeneratedCaption], gallery: Path) -> None:
        self._captions = captions
        self._guards = [guard for guard, _ in build_guards(Guards(), (), GalleryCaptions((gallery,))).values()]

    def __call__(self) -> None:
        """Judge all of them once."""
        for guard in self._guards:
            judge(guard, self._captions)


class Lifted:
    """A TextEncoder of captions into the drawn vectors' space: `encoder`, then a fixed orthonormal map."""

    fingerprint = ENCODER

    def __init__(self, encoder: Any, lift: Vectors) -> None:
        self._encoder, self._lift, self.dim = encoder, lift, lift.shape[1]

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) unit vectors."""
        lifted: Vectors = self._encoder.encode_texts(texts) @ self._lift
        return lifted


@dataclass(frozen=True)
class Measurements:
    """One index.

    asked: preset or factory string; factory, knobs: what it is. build: seconds, gate included. bytes: of its folder.
    recall: as the gate measured it; found: share of the exact items for these queries; None for an exact index.
    scores: of the drawn queries. difference: largest of a reward from the baseline's. resident: MiB of its own memory
    that opening and scoring a batch added. guards: as lookup, ours with the default reward's guards.
    coding: what an exact index multiplied in.
    """

    asked: str
    factory: str
    knobs: dict[str, int]
    build: float
    bytes: int
    recall: float | None
    found: float | None
    scores: list[IdentityScore]
    difference: float
    resident: float
    lookup: Turns
    encode: Turns
    guards: Turns
    coding: str = "float32"

    def of_sgemm(self, rows: int, dim: int) -> tuple[float, float]:
        """GFLOP/s of an exact search, over all the time that scoring takes, and its share of the bare product's."""
        work = 2 * self.lookup.batch * rows * dim / 1e9
        rates = [work / taken for taken in self.lookup.ours]
        return median(rates), median(mine / bare for mine, bare in zip(rates, self.lookup.sgemm, strict=True))


@dataclass(frozen=True)
class Bench:
    """A gallery on disk, its baseline running, and what both are asked: `drawn` by vector, `real` to be encoded."""

    layout: Layout
    baseline: Baseline
    drawn: Queries
    real: Queries
    encoder: Lifted
    posts: int
    guarded: Guarded

    def measure(self, factory: str, repeats: int, exact: list[IdentityScore] | None = None) -> Measurements:
        """Build `factory` with SEARCH, then take turns: two of encoding, which is slow.

        exact: the scores by an exact index, when `factory` is none.
        """
        build_items(self.layout, [SPLIT], K)
        tqdm.write(f"build {factory} ...", file=sys.stderr)
        began = time.perf_counter()
        meta = build_space(self.layout, SPACE, SEARCH.get(factory, Index(factory=factory)), K)
        build = time.perf_counter() - began
        with added_memory() as added:
            retriever = self.retriever(Lookup(self.drawn))
            scores = [one for one in retriever.score(self.drawn.captions, self.drawn.sources) if one is not None]
        assert len(scores) == len(self.drawn.captions)
        lookup = self._turns("lookup", retriever, self.drawn, repeats)
        guards = self._turns("lookup", retriever, self.drawn, repeats, self.guarded)
        encode = self._turns("encode", self.retriever(self.encoder), self.real, 2)
        return Measurements(
            asked=factory,
            factory=meta.factory,
            knobs=meta.knobs | {"candidates": meta.candidates} if meta.recall else {},
            build=build,
            bytes=sum(file.stat().st_size for file in self.layout.index(SPACE).iterdir()),
            recall=meta.recall["recall"] if meta.recall else None,
            found=None if exact is None else found(scores, exact),
            scores=scores,
            difference=self._difference(scores),
            resident=added["RssAnon"] / MIB,  # without pages of files, which processes share
            lookup=lookup,
            encode=encode,
            guards=guards,
            coding=retriever.space.index.coding,
        )

    def tried(self, factory: str, repeats: int, exact: list[IdentityScore]) -> "Measurements | Refused":
        """As `measure`, or why there is no such index: as a rule, recall below the gate."""
        try:
            return self.measure(factory, repeats, exact)
        except CimError as error:
            return Refused(factory, str(error))

    def retriever(self, encoder: TextEncoder) -> Retriever:
        """Over the index built last."""
        index = GalleryIndex.open(self.layout.index(SPACE))
        items = self.layout.index("items")
        store = VectorStore([(items / "vectors.npy", items / "ids.parquet")])
        return Retriever(EncodedSpace(encoder, index), store, store, Reward(k=K, exclude="self"))

    def _turns(
        self,
        how: str,
        retriever: Retriever,
        queries: Queries,
        repeats: int,
        besides: Callable[[], object] = lambda: None,
    ) -> Turns:
        """besides: what ours does after scoring a batch, in its time."""
        turns, some = Turns(len(queries.captions), [], [], []), queries.first(self.posts)
        one = queries.first(1)  # what starts up, starts up before it is timed
        retriever.score(one.captions, one.sources)
        self.baseline.score(how, one.captions, one.sources)
        besides()
        for _ in tqdm(range(repeats), desc=f"turns, {how}", unit="turn"):
            turns.sgemm.append(sgemm(len(queries.captions), self.drawn.vectors.shape[1]))
            turns.ours.append(seconds(lambda: (retriever.score(queries.captions, queries.sources), besides())))
            taken = seconds(lambda: self.baseline.score(how, some.captions, some.sources))
            turns.baseline.append(taken / self.posts)
        return turns

    def _difference(self, scores: list[IdentityScore]) -> float:
        some = self.drawn.first(self.posts)
        theirs = self.baseline.score("lookup", some.captions, some.sources)
        return max(abs(one.total - float(other["total"])) for one, other in zip(scores, theirs, strict=False))


@dataclass(frozen=True)
class Refused:
    """An index that was not measured."""

    asked: str
    why: str


def found(scores: list[IdentityScore], exact: list[IdentityScore]) -> float:
    """Mean share of the exact items among those found, for the same queries."""
    pairs = zip(scores, exact, strict=True)
    return float(np.mean([len({*one.ids} & {*other.ids}) / len(other.ids) for one, other in pairs]))
