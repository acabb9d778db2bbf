"""Base and tuned captions of a finished run: one of them chosen by scores without annotations, or both made one.

python -m benchmarks.refine.pairs [--data data] [--write docs/refine.md]

Facts and the rank by the held-out judge are those that the run's evaluation measured; no model is loaded.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.common.document import replace_between
from benchmarks.refine.facts import Counts, counts, difference, f1, own_f1, row
from cim.layout import Layout
from cim.metrics.scenes import KINDS, Graph
from cim.refine.scene_votes import filled, plain_ones
from cim.scenes.claims import say
from cim.shards.read import read_samples, shard_paths
from cim.text import words

WHO = ("base", "tuned")
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
HEADER = "| captions | precision | recall | F1 | F1 more than tuned (95%) | R@1, held out |\n|---|--:|--:|--:|--:|--:|"
Floats = npt.NDArray[np.float64]


class Pairs:
    """Of n images what both captioners said; row 0 of every (2, n) is the base's."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.counts = np.stack([_facts(table, who) for who in WHO])
        self.reward = _columns(table, [f"{who}_total" for who in WHO]).T
        self.qir = _columns(table, [f"{who}_qir" for who in WHO]).T
        self.ranks = _columns(table, [f"{who}_rank" for who in WHO]).T
        said = [table[f"{who}_caption"].to_list() for who in WHO]
        self.said, self.ids = said, table["id"].to_list()
        self.words = np.array([[len(words(text)) for text in texts] for texts in said], dtype=float)
        self.first = np.array([int(name, 16) % 2 == 0 for name in table["id"]])  # half of the images

    def chosen(self, *scores: Floats) -> npt.NDArray[np.bool_]:
        """(n,) whether the base's is taken: by the first score, of equal ones by the next; of equal ones the tuned."""
        base = np.zeros(self.counts.shape[1], dtype=bool)
        for score in reversed(scores):
            base = np.where(score[0] == score[1], base, score[0] > score[1])
        return base

    def of(self, base: npt.NDArray[np.bool_]) -> Counts:
        """The facts of what was chosen."""
        return np.where(base[:, None], self.counts[0], self.counts[1])

    def row(self, label: str, base: npt.NDArray[np.bool_]) -> str:
        """A line of the table."""
        counted, rank = self.of(base), np.where(base, self.ranks[0], self.ranks[1])
        right, said, true = counted.sum(axis=0)
        cells = [100 * right / said, 100 * right / true, f1(counted)]
        gain = "" if not base.any() else difference(counted, self.counts[1])
        return f"| {label} | {' | '.join(f'{cell:.1f}' for cell in cells)} | {gain} | {100 * np.mean(rank == 1):.1f} |"

    def rows(self) -> Iterator[str]:
        """The table's lines."""
        none = np.zeros(len(self.first), dtype=bool)
        yield self.row("base", ~none)
        yield self.row("tuned", none)
        yield self.row("chosen by the reward", self.chosen(self.reward))
        yield self.row("by QIR alone", self.chosen(self.qir))
        yield self.row("by words alone", self.chosen(self.words))
        yield self.row("by words, then by the reward (`prefer: words`)", self.chosen(self.words, self.reward))
        yield self.row("by the truth", self.chosen(np.stack([own_f1(one) for one in self.counts])))

    def united(self, truths: Mapping[str, Graph]) -> Iterator[str]:
        """One caption filled with what the other says of the same things, by the parser. truths: by id."""
        true = [truths[name] for name in self.ids]
        for own, other in ((1, 0), (0, 1)):
            texts = [_filled(*pair) for pair in zip(self.said[own], self.said[other], strict=True)]
            counted = counts(true, texts)
            label = f"{WHO[own]}, and what {WHO[other]} adds of the same things"
            yield f"{row(label, counted, self.counts[1])} |"

    def weighted(self) -> str:
        """The reward plus so much a word: how much is chosen on one half of the images, and measured on the other."""
        bases = {weight: self.chosen(self.reward + weight * self.words) for weight in WEIGHTS}
        best = max(WEIGHTS, key=lambda weight: f1(self.of(bases[weight])[self.first]))
        gain = difference(self.of(bases[best])[~self.first], self.counts[1][~self.first])
        return (
            f"The reward plus {best:g} a word (of {', '.join(f'{one:g}' for one in WEIGHTS)}, the best on the"
            f" {self.first.sum()} images with even ids): {gain} more than tuned on the {(~self.first).sum()} others."
        )


def _facts(table: pl.DataFrame, who: str) -> Counts:
    """Of all kinds together."""
    names = [[f"{who}_{kind}_{part}" for part in ("matched", "predicted", "true")] for kind in KINDS]
    return np.sum([_columns(table, some) for some in names], axis=0)


def _filled(caption: str, other: str) -> str:
    """The caption as it is, where either is no plain one."""
    graphs = list(plain_ones([caption, other]))
    return say(filled(graphs[0], graphs[1:], 1)) if len(graphs) > 1 else caption


def _columns(table: pl.DataFrame, names: list[str]) -> Floats:
    return table.select(pl.col(names).cast(pl.Float64).fill_null(0.0)).to_numpy()


def main() -> None:
    """Print the table, and put it into a document."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.refine.pairs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="of a finished run; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- refined-pairs -->")
    options = parser.parse_args()
    layout = Layout(options.data.resolve())
    pairs = Pairs(pl.read_parquet(layout.report / "images.parquet"))
    truths = {one.id: one.extra["scene"] for tar in shard_paths(layout.shards("eval")) for one in read_samples(tar)}
    shown = "\n".join([HEADER, *pairs.rows(), *pairs.united(truths), "", pairs.weighted()])
    print(shown)
    if options.write:
        replace_between(options.write, "refined-pairs", shown)


if __name__ == "__main__":
    main()
