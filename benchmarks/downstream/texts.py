"""What the arms' texts say, held against the exact truth: how much, how rightly, in how many words."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.downstream.arms import Arm
from benchmarks.downstream.tables import table
from cim.metrics.scenes import KINDS, Counts, score_scene
from cim.scenes.parse import parse


def described(arms: Mapping[str, Arm], graphs: Sequence[dict[str, Any]]) -> str:
    """A row an arm: share of the true facts that its texts state, share of what they state that is true, words,
    share of texts that are some other image's word for word."""
    rows = []
    for name, arm in arms.items():
        if arm.gallery:
            continue
        pairs = [(graph, text) for graph, several in zip(graphs, arm.texts, strict=True) for text in several]
        total = sum((_facts(graph, text) for graph, text in pairs), Counts())
        texts = [text for _, text in pairs]
        words = sum(len(text.split()) for text in texts) / len(texts)
        repeated = 1 - len(set(texts)) / len(texts)
        cells = [total.matched / total.true, total.matched / max(1, total.predicted), repeated]
        recall, precision, repeats = (f"{100 * cell:.1f}" for cell in cells)
        rows.append([name, recall, precision, f"{words:.1f}", repeats])
    return table(["texts of", "facts stated", "of what is stated, true", "words", "repeated"], rows)


def _facts(graph: dict[str, Any], text: str) -> Counts:
    counts = score_scene(graph, parse(text))
    return sum((counts[kind] for kind in KINDS), Counts())
