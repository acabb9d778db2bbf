"""Which yardsticks put truth above one wrong fact, that above a vague caption, and that above another image's.

python -m benchmarks.order [--scenes 500] [--seeds 5 6] [--write docs/yardsticks.md]

Exact on generated scenes. Who claims fidelity holds each step in 95% of scenes, strictly: a tie holds nothing.
"""

import argparse
import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from benchmarks.common.document import replace_between
from cim.detailed.arena import fought
from cim.detailed.captionqa import BONUS
from cim.markdown import table
from cim.metrics.scenes import KINDS, Counts, score_scene
from cim.metrics.units import BETA, UnitCounts, scene_units
from cim.scenes.describe import state
from cim.scenes.parse import parse
from cim.scenes.questions import questions, read
from cim.scenes.scene import Scene, change_one, scene_at

Captions = tuple[str, str, str, str]
Score = Callable[[Scene, str], float]
Steps = Callable[[Scene, Captions], Sequence[bool]]
STEPS = ("truth above one wrong fact", "that above vague", "that above another image's")
LEAST = 0.95
_VAGUE = 0.15  # chance that a vague caption states a fact; shapes it always names


@cache
def four(seed: int, number: int) -> tuple[Scene, Captions]:
    """A scene, its truth in full, the same with one wrong fact, vague and true, and another scene's in full."""
    scene, rng = scene_at(seed, number), random.Random(number)
    wrong, other = change_one(scene, rng), scene_at(seed, 1000 + number)
    return scene, (state(scene, rng, 1.0), state(wrong, rng, 1.0), state(scene, rng, _VAGUE), state(other, rng, 1.0))


def held(steps: Steps, seed: int, scenes: int) -> list[float]:
    """Of each step, in what share of the scenes it is held."""
    found = zip(*(steps(*four(seed, number)) for number in range(scenes)), strict=True)
    return [sum(step) / scenes for step in found]


class ExactJudge:
    """A judge of the arena that knows scenes: the caption with more of the description's facts and fewer others."""

    def reply(self, prompts: Sequence[str]) -> list[str]:
        """A, B or tie."""
        found = []
        for prompt in prompts:
            told, *captions = (parse(json.loads(text)) for text in re.findall(r'^".*"$', prompt, re.M))
            a, b = (scene_units(told, caption).f(BETA) or 0.0 for caption in captions)
            found.append("tie" if a == b else "A" if a > b else "B")
        return found

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        """As `reply`."""
        return list(self.reply(prompts))


def _by(score: Score) -> Steps:
    def steps(scene: Scene, captions: Captions) -> list[bool]:
        return [one > other for one, other in pairwise(score(scene, caption) for caption in captions)]

    return steps


def _units(scene: Scene, caption: str) -> UnitCounts:
    return scene_units(scene.graph(), parse(caption))


def _facts(scene: Scene, caption: str) -> float:
    """F1 of the facts of `score_scene`, where a thing of another shape loses its attributes, too."""
    counts = score_scene(scene.graph(), parse(caption))
    every = sum((counts[kind] for kind in KINDS), Counts())
    return 2 * every.matched / (every.predicted + every.true)


def _answers(worth: Callable[[int], float]) -> Score:
    """worth: of no answer, by the number of options."""

    def score(scene: Scene, caption: str) -> float:
        found, asked, claims = 0.0, questions(scene.graph()), parse(caption)
        for question in asked:
            said = read(question, claims)
            found += worth(len(question.options)) if said is None else said == question.answer
        return found / len(asked)

    return score


def _no_hallucination(scene: Scene, caption: str) -> float:
    named, there = [thing["shape"] for thing in parse(caption)["objects"]], {thing.shape for thing in scene.things}
    return -sum(shape not in there for shape in named) / len(named) if named else 0.0


def _wins(scene: Scene, captions: Captions) -> list[bool]:
    whole = state(scene, random.Random(scene.jitter), 1.0)
    bouts = fought(ExactJudge(), [(whole, one, other) for one, other in pairwise(captions)], "arena")
    return [bout.verdict == "first" for bout in bouts]


FAITHFUL: Mapping[str, Steps] = {
    f"units and captions redrawn, F with beta squared {BETA}": _by(lambda *of: _units(*of).f(BETA) or 0.0),
    "arena, an exact judge by these units": _wins,
}
OTHERS: Mapping[str, Steps] = {
    "units, F1": _by(lambda *of: _units(*of).f() or 0.0),
    "facts against ground truth, F1": _by(_facts),
    "answers, as CaptionQA counts them": _by(_answers(lambda options: 1 / options + BONUS)),
    "answers, right ones": _by(_answers(lambda options: 0.0)),
    "OpenCHAIR's share of objects that are not there": _by(_no_hallucination),
}
"""What holds the order and so claims fidelity, and what does not."""


def report(seeds: Sequence[int], scenes: int) -> str:
    """A Markdown table, the least of the seeds in percent."""
    rows = []
    for name, steps in (FAITHFUL | OTHERS).items():
        least = [min(shares) for shares in zip(*(held(steps, seed, scenes) for seed in seeds), strict=True)]
        claims = "yes" if name in FAITHFUL else "no"
        rows.append([name, claims, *(f"{100 * share:.1f}" for share in least)])
    return table(["yardstick", "claims fidelity", *STEPS], rows)


def main() -> None:
    """Print the table, or write it into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6])
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- order -->")
    options = parser.parse_args()
    content = report(options.seeds, options.scenes)
    print(content)
    if options.write:
        replace_between(options.write, "order", content)


if __name__ == "__main__":
    main()
