"""What captions are worth downstream: a small CLIP from nothing on the same images under other texts.

python -m benchmarks.downstream --from WORKSPACE --work FOLDER [--write docs/downstream.md]

WORKSPACE is a project folder in which the pipeline has run (after `make run`: .). A corpus of scenes that none of its
models has seen, with alt-text as on the web, is captioned by the base and the tuned captioner through flows.recaption,
and mixed through flows.remix, into FOLDER; every arm trains by the same recipe, and is examined on scenes that nobody
has seen. What lies in FOLDER is not made again.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.common.timing import machine, seconds_for_additions
from benchmarks.downstream.corpus import SEED
from benchmarks.downstream.prepare import TEST_SEED, VALIDATION_SEED, prepare
from benchmarks.downstream.runs import Key, Result, run
from benchmarks.downstream.tables import cpu_seconds, differences, plot, scores
from benchmarks.downstream.texts import described
from cim.errors import CimError

MEASURES = {
    "text_to_image": "R@1, text to image",
    "image_to_text": "R@1, image to text",
    "fact": "right against one wrong fact",
    "color": "color",
    "size": "size",
    "texture": "texture",
    "count": "count",
    "background": "background",
    "relation": "relation",
}
CHANCE = {"fact": 1 / 2, "color": 1 / 6, "size": 1 / 2, "texture": 1 / 3, "count": 1 / 3, "background": 1 / 4}
COMPARED = [
    ("original", "tuned"), ("base", "tuned"), ("original", "base"), ("tuned", "mix"), ("tuned", "mix, sampled"),
    ("tuned", "sub-captions"), ("tuned", "truth"), ("original + gallery", "tuned + gallery"),
]  # fmt: skip
SHOWN = ("text_to_image", "image_to_text", "fact")


def main() -> None:
    """Caption, train, examine, print, and write where asked."""
    options = parsed()
    try:
        text, results = measured(options)
    except CimError as error:
        sys.exit(str(error))
    print(text)
    if options.write:
        image = options.write.with_suffix(".svg")
        plot(results, {name: MEASURES[name] for name in SHOWN}, image)
        replace_between(options.write, "downstream", f"{text}\n\n![R@1 and facts by arm]({image.name})")


def measured(options: argparse.Namespace) -> tuple[str, dict[Key, Result]]:
    """The text of the tables, and what they are made from."""
    speed, test = seconds_for_additions(), VALIDATION_SEED if options.validation else TEST_SEED
    found = prepare(options.source, options.work, options.images, options.test, test)
    chosen = {name: arm for name, arm in found.arms.items() if not options.arms or name in options.arms}
    material, recipe = found.material, found.material.recipe
    keys = [(name, seed) for seed in range(options.seeds) for name in chosen]
    results = run(material, keys, options.work / "trained", options.workers)
    chance = {"text_to_image": 1 / options.test, "image_to_text": 1 / options.test, "relation": 1 / 5} | CHANCE
    lines = [
        f"{options.images:,} scenes of seed {SEED}, {options.test:,} unseen scenes of seed {test}; {recipe.steps} steps"
        f" of {recipe.batch} pairs an arm and seed. {len(results)} models took {cpu_seconds(results):.0f} CPU s of"
        f" training and exam, {options.workers} at once. Calibration (10,000,000 additions in Python, about 0.5 s on a"
        f" laptop): {speed:.2f} s. {machine('torch', 'open_clip_torch')}.",
        f"### What the texts say\n\n{described(chosen, found.corpus.graphs)}",
        f"### Exam, in percent\n\n{scores(results, MEASURES, chance)}",
        f"### Differences, in points\n\n{differences(results, COMPARED, {name: MEASURES[name] for name in SHOWN})}",
    ]
    return "\n\n".join(lines), results


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.downstream", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="source", type=Path, default=Path("."), help="workspace; default: %(default)s")
    parser.add_argument("--work", type=Path, required=True, help="folder of captions and results; kept")
    parser.add_argument("--images", type=int, default=3000, help="scenes of the corpus; default: %(default)s")
    parser.add_argument("--test", type=int, default=1000, help="unseen scenes; default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each arm; default: %(default)s")
    parser.add_argument("--arms", nargs="*", help="arms to train; default: all")
    parser.add_argument("--validation", action="store_true", help="examine on the validation scenes instead")
    parser.add_argument("--workers", type=int, default=2, help="trainings at once; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- downstream -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
