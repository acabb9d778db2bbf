"""Every metric by name: how it is computed from per-image values, and how it is to be read."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from cim.metrics import bootstrap
from cim.metrics.formatting import Unit
from cim.metrics.heldout import BAGS
from cim.metrics.measurements import FloatArray, Measurements, column, fractions
from cim.metrics.overlap import bleu, meteor
from cim.metrics.scenes import DETAILS, KINDS, Counts
from cim.retrieval import at_most
from cim.text import distinct, distinct_without, duplicated, repetition

Better = Literal["higher", "lower"]

GROUPS = {
    "scenes": "Facts against ground truth",
    "references": "Facts against references",
    "capture": "CAPTURE against references",
    "retrieval": "Held-out retrieval",
    "reward": "Identity reward",
    "overlap": "Overlap with references",
    "clip": "CLIPScore by the held-out encoder",
    "chair": "COCO objects (CHAIR)",
    "text": "Wording",
    "details": "Attributes one by one",
}
NEVER = {"overlap.spice": "SPICE"}  # expected beside the others, and why it is not there is said


@dataclass(frozen=True)
class Metric:
    """One number of a captioner.

    rows: (n, c) per-image values, NaN for images it can't be computed on; statistic: of those.
    A corpus metric has no per-image values (distinct-n), hence `corpus`: the value, and (n,) values with one image left
    out. better: None where neither direction is (length). axis: metrics of a group with the same word share an axis.
    """

    group: str
    name: str
    label: str
    unit: Unit
    better: Better | None
    rows: Callable[[Measurements], FloatArray] | None = None
    statistic: bootstrap.Statistic = bootstrap.mean
    corpus: Callable[[Measurements], tuple[float | None, FloatArray]] | None = None
    axis: str = ""


def label(name: str) -> str:
    """What people call a group ("overlap") or a metric ("overlap.bleu_4")."""
    known = metrics_of([name.rpartition(".")[2]])
    labels = {f"{metric.group}.{metric.name}": metric.label for metric in known}
    return (labels | GROUPS | NEVER)[name]


Facts = Callable[[Measurements], Sequence[dict[str, Counts] | None]]


def _by_truth(measured: Measurements) -> Sequence[dict[str, Counts] | None]:
    return measured.facts


def _by_references(measured: Measurements) -> Sequence[dict[str, Counts] | None]:
    return [None if row is None else row.counts for row in measured.referenced or [None] * len(measured.captions)]


_PARTS: dict[str, Callable[[Counts], tuple[float, float]]] = {  # numerator and denominator
    "precision": lambda counts: (counts.matched, counts.predicted),
    "recall": lambda counts: (counts.matched, counts.true),
    "f1": lambda counts: (2 * counts.matched, counts.predicted + counts.true),
}


def _facts(part: str, kind: str, facts: Facts, measured: Measurements) -> FloatArray:
    return fractions([None if row is None else _PARTS[part](row[kind]) for row in facts(measured)])


def _of_facts(group: str, kinds: tuple[str, ...], parts: tuple[str, ...], facts: Facts = _by_truth) -> Iterator[Metric]:
    for kind in kinds:
        singular = kind.removesuffix("s")
        for part in parts:
            label = f"{singular.capitalize()} {'F1' if part == 'f1' else part}"
            label += ", by references" if group == "references" else ""
            rows = partial(_facts, part, kind, facts)
            axis = "precision" if part == "precision" else ""
            yield Metric(group, f"{singular}_{part}", label, "share", "higher", rows, bootstrap.ratio, axis=axis)


def _capture(rule: str, measured: Measurements) -> FloatArray:
    rows = measured.referenced or [None] * len(measured.captions)
    return column([None if row is None else getattr(row, rule) for row in rows])


def _found_at(k: int, measured: Measurements) -> FloatArray:
    return at_most(k, _ranks(measured))


def _text_found_at(k: int, measured: Measurements) -> FloatArray:
    return at_most(k, _value("text_rank", measured))


def _among_gallery_at(k: int, measured: Measurements) -> FloatArray:
    return at_most(k, _value("gallery_rank", measured))


def _value(name: str, measured: Measurements) -> FloatArray:
    return measured.values.get(name, np.full((len(measured.captions), 1), np.nan))


def _ranks(measured: Measurements) -> FloatArray:
    return column(measured.ranks)


def _identity(part: str, measured: Measurements) -> FloatArray:
    return column([None if row is None else getattr(row, part) for row in measured.identity])


def _unscorable(measured: Measurements) -> FloatArray:
    return column([row is None for row in measured.identity])


def _lengths(measured: Measurements) -> FloatArray:
    return column(measured.lengths)


def _distinct(n: int, measured: Measurements) -> tuple[float | None, FloatArray]:
    return distinct(measured.captions, n), distinct_without(measured.captions, n)


METRICS: tuple[Metric, ...] = (
    *_of_facts("scenes", KINDS, ("precision", "recall", "f1")),
    *_of_facts("references", KINDS, ("precision", "recall", "f1"), _by_references),
    Metric("capture", "capture", "CAPTURE", "share", "higher", partial(_capture, "capture")),
    Metric("capture", "capture_words", "CAPTURE, whole words", "share", "higher", partial(_capture, "capture_words")),
    *(Metric("retrieval", f"r{k}", f"R@{k}", "share", "higher", partial(_found_at, k)) for k in (1, 5, 10)),
    Metric("retrieval", "median_rank", "Median rank", "rank", "lower", _ranks, bootstrap.median),
    *(
        Metric("retrieval", f"text_r{k}", f"R@{k}, image to text", "share", "higher", partial(_text_found_at, k))
        for k in (1, 5, 10)
    ),
    Metric("retrieval", "rd100", "R@1 among 99 random others", "share", "higher", partial(_value, "rd100")),
    *(
        Metric("retrieval", f"bag_{n}", f"R@1 in bags of {n} alike", "share", "higher", partial(_value, f"bag_{n}"))
        for n in BAGS
    ),
    *(
        Metric("retrieval", f"gallery_r{k}", f"R@{k}, whole gallery", "share", "higher", partial(_among_gallery_at, k))
        for k in (1, 5, 10)
    ),
    Metric(
        "retrieval",
        "gallery_median_rank",
        "Median rank, whole gallery",
        "rank",
        "lower",
        partial(_value, "gallery_rank"),
        bootstrap.median,
    ),
    Metric("reward", "grc", "GRC", "score", "higher", partial(_identity, "grc")),
    Metric("reward", "qir", "QIR", "score", "higher", partial(_identity, "qir")),
    Metric("reward", "total", "Total reward", "score", "higher", partial(_identity, "total")),
    Metric("reward", "unscorable", "Unscorable captions", "count", "lower", _unscorable, bootstrap.total),
    Metric("overlap", "bleu_4", "BLEU-4", "score", "higher", partial(_value, "bleu_4"), bleu),
    Metric("overlap", "meteor", "METEOR", "score", "higher", partial(_value, "meteor"), meteor),
    Metric("overlap", "rouge_l", "ROUGE-L", "score", "higher", lambda measured: column(measured.overlap)),
    Metric("overlap", "cider_d", "CIDEr-D", "score", "higher", partial(_value, "cider_d"), axis="cider"),
    Metric("clip", "clip_score", "CLIPScore", "score", "higher", partial(_value, "clip_score")),
    Metric("clip", "ref_clip_score", "RefCLIPScore", "score", "higher", partial(_value, "ref_clip_score")),
    Metric("chair", "chair_i", "CHAIRi", "share", "lower", partial(_value, "chair_i"), bootstrap.ratio),
    Metric("chair", "chair_s", "CHAIRs", "share", "lower", partial(_value, "chair_s")),
    Metric("chair", "coverage", "Objects mentioned", "share", "higher", partial(_value, "coverage"), bootstrap.ratio),
    Metric("text", "words", "Mean length", "words", None, _lengths),
    Metric("text", "words_p10", "10th percentile of length", "words", None, _lengths, bootstrap.percentile(10)),
    Metric("text", "words_p50", "Median length", "words", None, _lengths, bootstrap.percentile(50)),
    Metric("text", "words_p90", "90th percentile of length", "words", None, _lengths, bootstrap.percentile(90)),
    Metric("text", "distinct_1", "Distinct-1", "share", None, corpus=partial(_distinct, 1), axis="variety"),
    Metric("text", "distinct_2", "Distinct-2", "share", None, corpus=partial(_distinct, 2), axis="variety"),
    Metric(
        "text",
        "repetition",
        "Self-repetition (4-grams)",
        "share",
        "lower",
        lambda measured: fractions([repetition(caption) for caption in measured.captions]),
        bootstrap.ratio,
        axis="variety",
    ),
    Metric(
        "text",
        "duplicates",
        "Exact duplicates",
        "share",
        "lower",
        lambda measured: column(duplicated(measured.captions)),
    ),
    Metric("text", "truncated", "Truncated", "share", "lower", lambda measured: column(measured.truncated)),
    *_of_facts("details", DETAILS, ("precision", "recall")),
)

_NEGATIVES = re.compile(r"(text_)?r(\d+)_(random|alike)_(\d+)")


def metrics_of(names: Iterable[str]) -> tuple[Metric, ...]:
    """METRICS, and after its retrieval the measures against negatives (`against_negatives`) among `names`."""
    further = [metric for name in names if (metric := _against_negatives(name)) is not None]
    last = max(place for place, metric in enumerate(METRICS) if metric.group == "retrieval") + 1
    return (*METRICS[:last], *further, *METRICS[last:])


def is_against_negatives(metric: Metric) -> bool:
    """Whether a metric is one of `evaluate.negatives`."""
    return _NEGATIVES.fullmatch(metric.name) is not None


def _against_negatives(name: str) -> Metric | None:
    match = _NEGATIVES.fullmatch(name)
    if match is None:
        return None
    text, k, kind, count = match.groups()
    others = "random others" if kind == "random" else "look-alikes"
    label = f"R@{k} among {count} {others}{', image to text' if text else ''}"
    return Metric("retrieval", name, label, "share", "higher", partial(_value, name))
