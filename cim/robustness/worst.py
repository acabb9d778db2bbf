"""The worst that chance finds: of n ways to spoil a picture within a strength, the one whose caption says least of it.

A measure of what adversarial caption control (an attack that steers captions by small changes) would have to beat: no
network attacks here and no gradient is used, so a captioner that stands this may still fall to one.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from cim.robustness.perturb import PERTURBATIONS, perturbed

Say = Callable[[Sequence[Image.Image]], list[str]]
Score = Callable[[Sequence[str]], list[float]]


@dataclass(frozen=True)
class Worst:
    """Means over pictures of a score of their captions: as they are, of all tries, of the worst of each picture's.

    tries: a picture. fell: share of pictures whose worst caption scores less than the clean one.
    """

    clean: float
    tried: float
    worst: float
    tries: int
    fell: float


def worst_of(tries: int, strength: float, pictures: Sequence[tuple[str, Image.Image]], say: Say, score: Score) -> Worst:
    """pictures: (name, RGB), the name deciding what chance draws. strength: the most, in [0, 1]; each try draws how and
    how much. score: of captions, one a picture in their order."""
    clean = score(say([picture for _, picture in pictures]))
    found = [clean]
    for number in range(tries):
        spoilt = []
        for name, picture in pictures:
            rng = random.Random(f"worst-{number}-{name}")
            how = rng.choice(sorted(PERTURBATIONS))
            spoilt.append(perturbed(picture, how, rng.uniform(0, strength), f"{number}-{name}"))
        found.append(score(say(spoilt)))
    least = [min(scores) for scores in zip(*found[1:], strict=True)]
    every = [one for scores in found[1:] for one in scores]
    fell = sum(low < before for low, before in zip(least, clean, strict=True))
    count = len(pictures)
    return Worst(sum(clean) / count, sum(every) / len(every), sum(least) / count, tries, fell / count)
