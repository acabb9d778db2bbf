"""The same harness on photos with several human captions each: one against all, the longest, swapped, filtered.

python -m benchmarks.downstream.photos --photos FOLDER --work FOLDER [--write docs/downstream.md]

FOLDER of --photos holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/.
"""

import argparse
import random
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common.document import replace_between
from benchmarks.downstream.photo_arms import PhotoExam, arms, read_photos
from benchmarks.downstream.photo_filter import curated_by_halves
from benchmarks.downstream.runs import Material, run
from benchmarks.downstream.tables import cpu_seconds, differences, scores
from benchmarks.downstream.train import Recipe

RECIPE = Recipe(side=32, steps=600)
MEASURES = {
    "text_to_image_10": "R@10, text to image", "image_to_text_10": "R@10, image to text",
    "text_to_image": "R@1, text to image", "image_to_text": "R@1, image to text",
}  # fmt: skip
COMPARED = [
    ("one", "five"),
    ("one", "longest"),
    ("one", "30% swapped"),
    ("30% swapped", "filtered"),
    ("one", "filtered"),
]


def main() -> None:
    """Train every arm, examine, print, and write where asked."""
    options = parsed()
    recipe = RECIPE
    photos = read_photos(options.photos, recipe.side)
    order = random.Random("split").sample(range(len(photos.captions)), len(photos.captions))
    start, end = (options.test, 2 * options.test) if options.validation else (0, options.test)
    asked, learnt = photos.part(order[start:end]), photos.part(order[2 * options.test :])
    with tempfile.TemporaryDirectory() as measured:
        every, told = arms(learnt, curated_by_halves(Path(measured)))
    nothing = (np.zeros((0, recipe.side, recipe.side, 3), dtype=np.uint8), [])
    material = Material(learnt.pixels, every, nothing, PhotoExam(asked), recipe)
    keys = [(name, seed) for seed in range(options.seeds) for name in every]
    results = run(material, keys, options.work / "photos", options.workers)
    count, texts = len(asked.captions), len(asked.captions) * len(asked.captions[0])
    chance = {"text_to_image": 1 / count, "text_to_image_10": 10 / count}
    chance |= {
        f"image_to_text{name}": 1 - (1 - len(asked.captions[0]) / texts) ** k for name, k in (("", 1), ("_10", 10))
    }
    shown = "\n\n".join(
        [
            f"{len(learnt.captions):,} photos to learn from, {count:,} others to be tested on, {recipe.steps} steps of"
            f" {recipe.batch}; {len(results)} models took {cpu_seconds(results):.0f}"
            f" CPU s of training and exam. {told}",
            scores(results, MEASURES, chance),
            differences(results, COMPARED, MEASURES),
        ]
    )
    print(shown)
    if options.write:
        replace_between(options.write, "downstream-photos", shown)


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.downstream.photos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder with captions.csv and images/")
    parser.add_argument("--work", type=Path, required=True, help="folder of results; kept")
    parser.add_argument("--test", type=int, default=1000, help="photos to be tested on; default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each arm; default: %(default)s")
    parser.add_argument("--validation", action="store_true", help="examine on other photos, to choose a recipe by")
    parser.add_argument("--workers", type=int, default=2, help="trainings at once; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- downstream-photos -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
