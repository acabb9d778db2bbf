"""Scores that choose among captions of an image without any annotation, and what the choice is worth by the truth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.refine.facts import Counts, counts, difference, f1, own_f1
from benchmarks.refine.said import Seen, captioner_of, log_probs
from cim.layout import Layout
from cim.params import Params
from cim.rewards.retriever import Retriever
from cim.scenes.claims import facts_of, is_plain
from cim.scenes.parse import parse
from cim.scenes.questions import claimed_questions, read
from cim.text import words

Floats = npt.NDArray[np.float64]
OTHERS = 16  # pictures whose captions' chance stands for that of a caption without its own picture


class Candidates:
    """Captions, (n, g) of n images in the order of `seen`."""

    def __init__(self, layout: Layout, params: Params, seen: Seen, texts: Sequence[Sequence[str]]) -> None:
        self.layout, self.params, self.seen, self.texts = layout, params, seen, texts
        self.flat = [text for row in texts for text in row]
        self.each = len(texts[0])
        self._known: dict[str, Any] = {}
        self.counted = counts([truth for truth in seen.truths for _ in range(self.each)], self.flat)

    def scores(self) -> Mapping[str, Callable[[], Floats]]:
        """By label, (n, g)."""
        return {
            "the reward (GRC + QIR)": lambda: self.reward("total"),
            "QIR": lambda: self.reward("qir"),
            "its words": lambda: self._shaped([len(words(text)) for text in self.flat]),
            "its facts": lambda: self._shaped([_claims(text) for text in self.flat]),
            "mean log-probability, tuned": lambda: self._shaped(
                [float(np.mean(row or [0])) for row in self.seeing("tuned")]
            ),
            "gain by the image, tuned": lambda: self._shaped(self._gains("tuned")),
            "gain by the image, base": lambda: self._shaped(self._gains("base")),
            "facts that the tuned one's samples say": lambda: self.supported("tuned"),
            "facts that both ones' samples say": lambda: self.supported("tuned") + self.supported("base"),
            "reward + gain (z-scores)": lambda: _z(self.reward("total")) + _z(self._shaped(self._gains("tuned"))),
        }

    def best(self, scores: Floats) -> Counts:
        """Counts of each image's best; of equal ones the first."""
        rows = np.arange(len(self.texts)) * self.each + scores.argmax(axis=1)
        return self.counted[rows]

    def by_truth(self) -> Counts:
        """The most that any choice could bring, image by image."""
        return self.best(self._shaped(own_f1(self.counted)))

    def reward(self, part: str) -> Floats:
        """What the default run is trained by, -1 for a caption that it can't score."""

        def score() -> Any:
            retriever = Retriever.open(self.layout, self.params.tune.reward, "cpu", self.params.index)
            return retriever.score(self.flat, [name for name in self.seen.ids for _ in range(self.each)])

        found = self._once("reward", score)
        return self._shaped([-1.0 if one is None else getattr(one, part) for one in found])

    def seeing(self, who: str) -> list[list[float]]:
        """Log-probabilities of tokens, each caption by its own image."""
        pictures = [picture for picture in self.seen.pictures for _ in range(self.each)]
        return self._once(f"seeing {who}", lambda: log_probs(captioner_of(self.layout, who), pictures, self.flat))

    def _gains(self, who: str) -> list[float]:
        """How much likelier its own image makes a caption than images of others: log p(c | v) - log mean p(c | v')."""
        return self._once(f"gains {who}", lambda: self._measured(who))

    def _measured(self, who: str) -> list[float]:
        captioner, many = captioner_of(self.layout, who), len(self.seen.pictures)
        own = np.array([sum(row) for row in self.seeing(who)])
        others = []
        for step in range(1, OTHERS + 1):
            pictures = [self.seen.pictures[(at + step * 7) % many] for at in range(many) for _ in range(self.each)]
            others.append([sum(row) for row in log_probs(captioner, pictures, self.flat)])
        return list(own - np.logaddexp.reduce(np.array(others), axis=0) + np.log(OTHERS))

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    def supported(self, who: str) -> Floats:
        """Claims that a captioner's samples make as well, less those that they make otherwise."""
        graphs = [[parse(text) for text in texts] for texts in self.seen.sampled[who]]
        return self._shaped([_support(text, graphs[at // self.each]) for at, text in enumerate(self.flat)])

    def _shaped(self, values: Sequence[float] | Floats) -> Floats:
        return np.asarray(values, dtype=float).reshape(-1, self.each)


def table(candidates: Candidates, baselines: Mapping[str, Floats]) -> list[str]:
    """Chosen on the images with even places, shown on the others. baselines: by label, scores that always choose so."""
    even = np.arange(len(candidates.texts)) % 2 == 0
    fixed = {label: candidates.best(scores) for label, scores in baselines.items()}
    top = fixed[max(fixed, key=lambda label: f1(fixed[label]))][~even]
    lines = [f"| {label} | {f1(one[even]):.1f} | {f1(one[~even]):.1f} | |" for label, one in fixed.items()]
    for label, score in candidates.scores().items():
        one = candidates.best(score())
        lines.append(f"| by {label} | {f1(one[even]):.1f} | {f1(one[~even]):.1f} | {difference(one[~even], top)} |")
        print(lines[-1], flush=True)
    one = candidates.by_truth()
    return [*lines, f"| by the truth | {f1(one[even]):.1f} | {f1(one[~even]):.1f} | {difference(one[~even], top)} |"]


def _claims(text: str) -> float:
    graph = parse(text)
    return len(facts_of(graph)) if is_plain(graph) else 0.0


def _support(text: str, graphs: Sequence[dict[str, object]]) -> float:
    graph = parse(text)
    if not is_plain(graph):
        return -1.0
    answers = [(question.answer, [read(question, one) for one in graphs]) for _, question in claimed_questions(graph)]
    return sum(
        sum((one == right) - (one is not None and one != right) for one in found) / len(graphs)
        for right, found in answers
    )


def _z(values: Floats) -> Floats:
    return (values - values.mean()) / (values.std() or 1.0)
