"""A choice between base and tuned captions of a finished run, by scores that no annotation was needed for.

python -m benchmarks.refine.pairs [--images data/report/images.parquet] [--write docs/refine.md]

Facts and the rank by the held-out judge are those that the run's evaluation measured; no model is loaded.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.common.document import replace_between
from benchmarks.refine.facts import Counts, difference, f1, own_f1
from cim.metrics.scenes import KINDS
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


def _columns(table: pl.DataFrame, names: list[str]) -> Floats:
    return table.select(pl.col(names).cast(pl.Float64).fill_null(0.0)).to_numpy()


def main() -> None:
    """Print the table, and put it into a document."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.refine.pairs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=Path, default=Path("data/report/images.parquet"), help="default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- refined-pairs -->")
    options = parser.parse_args()
    pairs = Pairs(pl.read_parquet(options.images))
    shown = "\n".join([HEADER, *pairs.rows(), "", pairs.weighted()])
    print(shown)
    if options.write:
        replace_between(options.write, "refined-pairs", shown)


if __name__ == "__main__":
    main()
