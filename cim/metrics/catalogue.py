"""Every metric by name: how it is computed from per-image values, and how it is to be read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from cim.metrics import bootstrap
from cim.metrics.measured import FloatArray, Measured, column, fractions
from cim.metrics.scenes import DETAILS, KINDS, Counts
from cim.metrics.text import distinct, duplicated, repetition, words

Unit = Literal["share", "score", "rank", "words", "count"]
Better = Literal["higher", "lower"]

GROUPS = {
    "scenes": "Facts against ground truth",
    "retrieval": "Held-out retrieval",
    "reward": "Identity reward",
    "overlap": "Overlap with references",
    "text": "Wording",
    "details": "Attributes one by one",
}


@dataclass(frozen=True)
class Metric:
    """One number of a captioner.

    rows: (n, c) per-image values, NaN for images it can't be computed on; statistic: of those.
    A corpus metric has no per-image values (distinct-n), hence `corpus` instead and no interval.
    better: None where neither direction is (length).
    """

    group: str
    name: str
    label: str
    unit: Unit
    better: Better | None
    rows: Callable[[Measured], FloatArray] | None = None
    statistic: bootstrap.Statistic = bootstrap.mean
    corpus: Callable[[Measured], float | None] | None = None


def _facts(part: str, kind: str, measured: Measured) -> FloatArray:
    def pair(counts: Counts) -> tuple[float, float]:
        if part == "precision":
            return counts.matched, counts.said
        if part == "recall":
            return counts.matched, counts.true
        return 2 * counts.matched, counts.said + counts.true

    return fractions([None if row is None else pair(row[kind]) for row in measured.facts])


def _of_facts(group: str, kinds: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[Metric]:
    for kind in kinds:
        singular = kind.removesuffix("s")
        for part in parts:
            label = f"{singular.capitalize()} {'F1' if part == 'f1' else part}"
            rows = partial(_facts, part, kind)
            yield Metric(group, f"{singular}_{part}", label, "share", "higher", rows, bootstrap.ratio)


def _found_at(k: int, measured: Measured) -> FloatArray:
    return column(measured.ranks <= k)


def _ranks(measured: Measured) -> FloatArray:
    return column(measured.ranks)


def _identity(part: str, measured: Measured) -> FloatArray:
    return column([None if row is None else getattr(row, part) for row in measured.identity])


def _unscorable(measured: Measured) -> float:
    return sum(row is None for row in measured.identity)


def _overlap(measured: Measured) -> FloatArray:
    return column(measured.overlap)


def _lengths(measured: Measured) -> FloatArray:
    return column([len(words(caption)) for caption in measured.captions])


def _distinct(n: int, measured: Measured) -> float | None:
    return distinct(measured.captions, n)


def _repetition(measured: Measured) -> FloatArray:
    return fractions([repetition(caption) for caption in measured.captions])


def _duplicated(measured: Measured) -> FloatArray:
    return column(duplicated(measured.captions))


def _truncated(measured: Measured) -> FloatArray:
    return column(np.array(measured.truncated, dtype=np.bool_))


METRICS: tuple[Metric, ...] = (
    *_of_facts("scenes", KINDS, ("precision", "recall", "f1")),
    Metric("retrieval", "r1", "R@1", "share", "higher", partial(_found_at, 1)),
    Metric("retrieval", "r5", "R@5", "share", "higher", partial(_found_at, 5)),
    Metric("retrieval", "median_rank", "Median rank", "rank", "lower", _ranks, bootstrap.median),
    Metric("reward", "grc", "GRC", "score", "higher", partial(_identity, "grc")),
    Metric("reward", "qir", "QIR", "score", "higher", partial(_identity, "qir")),
    Metric("reward", "total", "Total reward", "score", "higher", partial(_identity, "total")),
    Metric("reward", "unscorable", "Unscorable captions", "count", "lower", corpus=_unscorable),
    Metric("overlap", "rouge_l", "ROUGE-L", "score", "higher", _overlap),
    Metric("text", "words", "Mean length", "words", None, _lengths),
    Metric("text", "words_p10", "10th percentile of length", "words", None, _lengths, bootstrap.percentile(10)),
    Metric("text", "words_p50", "Median length", "words", None, _lengths, bootstrap.percentile(50)),
    Metric("text", "words_p90", "90th percentile of length", "words", None, _lengths, bootstrap.percentile(90)),
    Metric("text", "distinct_1", "Distinct-1", "share", None, corpus=partial(_distinct, 1)),
    Metric("text", "distinct_2", "Distinct-2", "share", None, corpus=partial(_distinct, 2)),
    Metric("text", "repetition", "Self-repetition (4-grams)", "share", "lower", _repetition, bootstrap.ratio),
    Metric("text", "duplicates", "Exact duplicates", "share", "lower", _duplicated),
    Metric("text", "truncated", "Truncated", "share", "lower", _truncated),
    *_of_facts("details", DETAILS, ("precision", "recall")),
)
