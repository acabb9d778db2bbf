"""Ours, the baseline and a bare matrix product, in turns."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.baseline_server import Baseline, K
from benchmarks.embeddinglike import Vectors
from benchmarks.reward_gallery import ENCODER, SPLIT, Queries
from cim.index.build import build_items, build_space
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore
from cim.layout import Layout
from cim.params.tune import Reward
from cim.rewards.retriever import IdentityScore, Retriever
from cim.rewards.spaces import EncodedSpace, QueryEncoder

SPACE = "caption_text"
SGEMM_ROWS = 16_384
"""Rows of the bare matrix product: enough for its full speed, small enough to be made at once."""


class Lookup:
    """A QueryEncoder that knows its captions' vectors."""

    fingerprint = ENCODER

    def __init__(self, queries: Queries) -> None:
        self._vectors = dict(zip(queries.captions, queries.vectors, strict=True))

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) unit vectors."""
        return np.stack([self._vectors[text] for text in texts])


class Lifted:
    """A QueryEncoder of captions into the drawn vectors' space: `encoder`, then a fixed orthonormal map."""

    fingerprint = ENCODER

    def __init__(self, encoder: Any, lift: Vectors) -> None:
        self._encoder, self._lift = encoder, lift

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) unit vectors."""
        lifted: Vectors = self._encoder.encode_texts(texts) @ self._lift
        return lifted


@dataclass(frozen=True)
class Bench:
    """A gallery on disk, its baseline running, and what both are asked: `drawn` by vector, `real` to be encoded."""

    layout: Layout
    baseline: Baseline
    rows: int
    drawn: Queries
    real: Queries
    encoder: Lifted
    posts: int

    def measure(self, factory: str, repeats: int, exact: list[IdentityScore] | None = None) -> "Measured":
        """Build `factory`, then take turns. exact: the scores of an exact index, when `factory` is none."""
        build_items(self.layout, [SPLIT], K)
        began = time.perf_counter()
        meta = build_space(self.layout, SPACE, [SPLIT], factory, K)
        build = time.perf_counter() - began
        with resident_peak() as resident:
            retriever = self._retriever(Lookup(self.drawn))
            scores = [one for one in retriever.score(self.drawn.captions, self.drawn.sources) if one is not None]
        assert len(scores) == len(self.drawn.captions)
        lookup = self._turns("lookup", retriever, self.drawn, repeats)
        encode = self._turns("encode", self._retriever(self.encoder), self.real, repeats)
        return Measured(
            rows=self.rows,
            factory=factory,
            build=build,
            bytes=sum(file.stat().st_size for file in self.layout.index(SPACE).iterdir()),
            recall=meta.recall and meta.recall["recall"],
            found=None if exact is None else found(scores, exact),
            scores=scores,
            difference=self._difference(scores),
            resident=resident.peak,
            lookup=lookup,
            encode=encode,
        )

    def _retriever(self, encoder: QueryEncoder) -> Retriever:
        index = GalleryIndex.open(self.layout.index(SPACE))
        items = self.layout.index("items")
        store = VectorStore([(items / "vectors.npy", items / "ids.parquet")])
        return Retriever(EncodedSpace(encoder, index), store, store, Reward(k=K, exclude="self"))

    def _turns(self, how: str, retriever: Retriever, queries: Queries, repeats: int) -> Turns:
        turns, some = Turns(len(queries.captions), [], [], []), queries.first(self.posts)
        one = queries.first(1)  # what starts up, starts up before it is timed
        retriever.score(one.captions, one.sources)
        self.baseline.score(how, one.captions, one.sources)
        for _ in range(repeats):
            turns.sgemm.append(sgemm(len(queries.captions), self.drawn.vectors.shape[1]))
            turns.ours.append(seconds(lambda: retriever.score(queries.captions, queries.sources)))
            taken = seconds(lambda: self.baseline.score(how, some.captions, some.sources))
            turns.baseline.append(taken / self.posts)
        return turns

    def _difference(self, scores: list[IdentityScore]) -> float:
        some = self.drawn.first(self.posts)
        theirs = self.baseline.score("lookup", some.captions, some.sources)
        return max(abs(one.total - other["total"]) for one, other in zip(scores, theirs, strict=False))


@dataclass(frozen=True)
class Turns:
    """Of every turn: GFLOP/s of the bare matrix product, seconds of a batch by ours, seconds a caption by the baseline."""

    batch: int
    sgemm: list[float]
    ours: list[float]
    baseline: list[float]

    @property
    def rate(self) -> float:
        """Captions a second, median turn."""
        return self.batch / median(self.ours)

    @property
    def times(self) -> float:
        """How many times the baseline's captions a second, median turn."""
        return median(theirs * self.batch / ours for ours, theirs in zip(self.ours, self.baseline, strict=True))


@dataclass(frozen=True)
class Measured:
    """One index over `rows`.

    build: seconds, gate included. bytes: of its folder. recall: as the gate measured it; found: share of the exact
    items for these queries; None for an exact index. scores: of the drawn queries. difference: largest of a reward from
    the baseline's. resident: MiB of its own memory that opening and scoring a batch added.
    """

    rows: int
    factory: str
    build: float
    bytes: int
    recall: float | None
    found: float | None
    scores: list[IdentityScore]
    difference: float
    resident: float
    lookup: Turns
    encode: Turns

    def of_sgemm(self, dim: int) -> tuple[float, float]:
        """GFLOP/s of an exact search, over all the time that scoring takes, and its share of the bare product's."""
        work = 2 * self.lookup.batch * self.rows * dim / 1e9
        rates = [work / taken for taken in self.lookup.ours]
        return median(rates), median(mine / bare for mine, bare in zip(rates, self.lookup.sgemm, strict=True))


def found(scores: list[IdentityScore], exact: list[IdentityScore]) -> float:
    """Mean share of the exact items among those found, for the same queries."""
    return float(np.mean([len({*one.ids} & {*other.ids}) / len(other.ids) for one, other in zip(scores, exact)]))


def sgemm(batch: int, dim: int) -> float:
    """GFLOP/s of NumPy's (batch, dim) @ (dim, SGEMM_ROWS) in float32, all threads; the median of some."""
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((rows, dim), dtype=np.float32) for rows in (batch, SGEMM_ROWS))
    out = np.empty((batch, SGEMM_ROWS), dtype=np.float32)
    taken = [seconds(lambda: np.matmul(left, right.T, out=out)) for _ in range(9)][1:]
    return 2 * batch * dim * SGEMM_ROWS / median(taken) / 1e9


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


class Resident:
    """Peak MiB above the start of this process's anonymous memory: file pages, which processes share, left out."""

    peak = 0.0


@contextmanager
def resident_peak() -> Iterator[Resident]:
    """Look at /proc/self/status every 20 ms; NaN where there is none."""
    found, stop = Resident(), threading.Event()
    before = _anonymous()

    def watch() -> None:
        while not stop.wait(0.02):
            found.peak = max(found.peak, _anonymous() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        stop.set()
        watching.join()


def _anonymous() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return float("nan")
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
