"""What a term's captions are worth downstream: a variant is a workspace, which benchmarks.downstream asks."""

from pathlib import Path

from benchmarks.downstream.over_seeds import over_seeds
from benchmarks.downstream.prepare import prepare
from benchmarks.downstream.runs import run

IMAGES, TEST, SEEDS, WORKERS = 3000, 1000, 3, 1  # benchmarks.downstream's own, but for the workers
ARMS = ("base", "tuned")
MEASURES = {"text_to_image": "R@1, text to image"}


def downstream(variant: Path) -> str:
    """What a CLIP from nothing gains in R@1, in points, by the captions of `variant`'s captioner over the base's: three
    trainings of each, kept in its folder. Raises CimError as `prepare` does."""
    work = variant / "downstream"
    found = prepare(variant, work, IMAGES, TEST)
    results = run(found.material, [(arm, seed) for seed in range(SEEDS) for arm in ARMS], work / "trained", WORKERS)
    line = over_seeds(results, [ARMS], MEASURES).splitlines()[-1]
    return f"{MEASURES['text_to_image']} {line.split('|')[2].strip()}"
