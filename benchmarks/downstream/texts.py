"""What the arms' texts say, held against the exact truth: how much, how rightly, in how many words."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.downstream.arms import Arm
from benchmarks.downstream.tables import table
from cim.metrics.scenes import DETAILS, KINDS, Counts, score_scene
from cim.scenes.parse import parse

BY_KIND = {"objects": "shape"} | {name: name for name in DETAILS} | {"relations": "relation"}


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


def described_by_kind(arms: Mapping[str, Arm], graphs: Sequence[dict[str, Any]]) -> str:
    """A row a kind of fact: of each arm the share that its texts state, and of what they state, the share that is
    true."""
    names, rows, every = list(arms), list[list[str]](), dict[str, dict[str, Counts]]()
    for name, arm in arms.items():
        pairs = [(graph, text) for graph, several in zip(graphs, arm.texts, strict=True) for text in several]
        counted = [score_scene(graph, parse(text)) for graph, text in pairs]
        every[name] = {kind: sum((one[kind] for one in counted), Counts()) for kind in BY_KIND}
    for kind, label in BY_KIND.items():
        found = [every[name][kind] for name in names]
        stated = [f"{100 * one.matched / one.true:.1f}" for one in found]
        true = [f"{100 * one.matched / max(1, one.predicted):.1f}" for one in found]
        rows.append([label, *stated, *true])
    heads = [f"{what}, {name}" for what in ("stated", "of what is stated, true") for name in names]
    return table(["facts", *heads], rows)
