"""Is there something to learn? The best of a photo's samples by several rewards, as the held-out judge sees them.

python -m benchmarks.photos_tuning.best_of --workspace FOLDER [--temperature 0.7] [--write docs/photos.md]

Nothing is trained. Samples are of the workspace's captioner, of photos of its validation split.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.common.document import replace_between
from benchmarks.photos_tuning.judge import Judge
from cim.captioners.decoding import Decoding
from cim.metrics.measurements import FloatArray
from cim.metrics.overlap import overlap
from cim.params import Reward, load_params
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.retriever import Retriever
from cim.rewards.terms.build import OpenTerms
from cim.rewards.terms.workspace import Workspace
from cim.rewards.training_reward import training_rewards

SAMPLES = 8
_MEAN = {"qir": "mean", "decay": 1.0, "alpha": 0.0}
_ALONE = {"space": "clip", "alpha": 0.0, "beta": 0.0}
REWARDS = {
    "paper's, caption_text": Reward(),
    "paper's, clip": Reward(space="clip"),
    "QIR alone, K = 3, clip": Reward(space="clip", alpha=0.0),
    "mean QIR, K = 10, clip": Reward(space="clip", k=10, **_MEAN),
    "mean QIR, K = 50, clip": Reward(space="clip", k=50, **_MEAN),
    "mean QIR, K = 50, fused": Reward(space="fused", k=50, **_MEAN),
    "cosine with the photo": Reward(**_ALONE, terms={"clip_score": {"weight": 1.0}}),
    "self-retrieval": Reward(**_ALONE, terms={"self_retrieval": {"weight": 1.0}}),
    "self-retrieval, 50 look-alikes": Reward(**_ALONE, terms={"self_retrieval": {"weight": 1.0, "mined": 50}}),
    "self-retrieval, logarithm": Reward(
        **_ALONE, terms={"self_retrieval": {"weight": 1.0, "mined": 50, "pays": "log_softmax"}}
    ),
    "a bag of 7 look-alikes": Reward(**_ALONE, terms={"bags": {"weight": 1.0, "sizes": [7]}}),
    "mean QIR, K = 50, clip, and self-retrieval": Reward(
        space="clip", k=50, **_MEAN, terms={"self_retrieval": {"weight": 1.0, "mined": 50}}
    ),
}
HEADER = "| caption | R@1 | R@10 | CIDEr-D | agrees with the judge's rank | with CIDEr-D |\n|---|--:|--:|--:|--:|--:|"


def main() -> None:
    """Sample, score, print the table."""
    options = parsed()
    judge = Judge(options.workspace.resolve(), "validation")
    ids = list(judge.photos)[: options.photos]
    names = [name for name in ids for _ in range(SAMPLES)]
    captioner = judge.layout.model("captioner")
    greedy = [one.text for one in judge.captions(captioner, names=ids)]
    sampled = Decoding(judge.asked.max_new_tokens, temperature=options.temperature)
    said = [one.text for one in judge.captions(captioner, sampled, names)]
    place = {name: row for row, name in enumerate(judge.photos)}
    ranks = judge.ranks(said + greedy, [place[name] for name in names + ids])
    references = [judge.photos[name] for name in names + ids]
    cider = overlap(said + greedy, references)["cider_d"][:, 0]
    best = Best(*(values[: len(names)].reshape(-1, SAMPLES) for values in (ranks, cider)))
    rows = [HEADER, row("greedy", ranks[len(names) :], cider[len(names) :]), best.row("a sample", None)]
    for label, scores in scored(judge, said, names):
        rows.append(best.row(f"best of {SAMPLES} by {label}", scores.reshape(-1, SAMPLES)))
        print(rows[-1], flush=True)
    rows.append(best.row(f"best of {SAMPLES} by the judge itself", -best.ranks))
    said_of = f"{len(ids)} photos, {SAMPLES} samples each at temperature {options.temperature:g}"
    shown = "\n".join([f"{said_of}; R@k among {len(judge.photos)}.\n", *rows])
    print(shown)
    if options.write:
        replace_between(options.write, "photos-best-of", shown)


class Best:
    """Samples of photos, (n, g) each: ranks by the judge and CIDEr-D."""

    def __init__(self, ranks: FloatArray, cider: FloatArray) -> None:
        self.ranks, self.cider = ranks, cider

    def row(self, label: str, scores: FloatArray | None) -> str:
        """Of each photo's best by `scores` (n, g); of all samples without."""
        if scores is None:
            return row(label, self.ranks.ravel(), self.cider.ravel())
        chosen = scores.argmax(axis=1)[:, None]
        ranks, cider = (np.take_along_axis(values, chosen, axis=1) for values in (self.ranks, self.cider))
        agreement = tuple(within(scores, values) for values in (-np.log(self.ranks), self.cider))
        return row(label, ranks[:, 0], cider[:, 0], agreement)


def row(label: str, ranks: FloatArray, cider: FloatArray, agreement: tuple[float, ...] = ()) -> str:
    """A line of the table."""
    shares = [f"{100 * np.mean(ranks <= k):.1f}" for k in (1, 10)]
    cells = [*shares, f"{cider.mean():.3f}", *([f"{value:.2f}" for value in agreement] or ["", ""])]
    return f"| {label} | {' | '.join(cells)} |"


def within(scores: FloatArray, values: FloatArray) -> float:
    """Mean over photos of the correlation of a photo's samples, (n, g) both; photos without spread take no part."""
    spread = (np.ptp(scores, axis=1) > 0) & (np.ptp(values, axis=1) > 0)
    found = [np.corrcoef(a, b)[0, 1] for a, b in zip(scores[spread], values[spread], strict=True)]
    return float(np.mean(found)) if found else float("nan")


def scored(judge: Judge, said: list[str], names: list[str]) -> Iterator[tuple[str, FloatArray]]:
    """Each of REWARDS of these captions, without guards; what can't be scored is worth least."""
    index = load_params(judge.workspace / "params.yaml").index
    captions = [GeneratedCaption(text, "", id=name) for text, name in zip(said, names, strict=True)]
    for label, reward in REWARDS.items():
        retriever = Retriever.open(judge.layout, reward, "cpu", index)
        outcomes = retriever.attempt(said, names)
        terms = OpenTerms.of(reward.terms, Workspace(judge.layout))(captions, outcomes, retriever.sources)
        paid = training_rewards(captions, outcomes, reward, {}, terms)
        totals = np.array([np.nan if one.total is None or one.qir is None else one.total for one in paid])
        yield label, np.nan_to_num(totals, nan=np.nanmin(totals))


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.photos_tuning.best_of", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--workspace", type=Path, required=True, help="folder with params.yaml and data/")
    parser.add_argument("--photos", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--temperature", type=float, default=0.7, help="of the samples; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- photos-best-of -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
