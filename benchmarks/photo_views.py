"""Consensus on photos: the caption that a photo's views agree on, beside a view's own and the whole photo's.

python -m benchmarks.photo_views --workspace FOLDER [--split validation] [--views 4] [--write docs/refine.md]

A view is a part of the photo with the same proportions, as a camera elsewhere would see it; the refiner `consensus` by
medoid chooses among all views and the whole photo, without a text model. Judged as the trials of
benchmarks.photos_tuning are, in whose workspace it runs: the held-out encoder looks for the whole photo.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.common.document import replace_between
from benchmarks.photos_tuning.judge import Judge
from benchmarks.photos_tuning.table import HEADER, RULE, absolute, against
from cim.captioners.decoding import Decoding
from cim.captioners.load import load_captioner
from cim.images.decode import decode_rgb
from cim.params.refiners import Consensus as Settings
from cim.refine.base import Sample
from cim.refine.consensus import Consensus
from cim.robustness.perturb import perturbed
from cim.shards.read import ImageLookup


def main() -> None:
    """Caption every view, agree, judge, print the table."""
    options = parsed()
    judge = Judge(options.workspace.resolve(), options.split)
    folder = options.captioner or judge.layout.model("captioner")
    said = views_captioned(judge, folder, options)
    whole, *parts = np.array(said).reshape(-1, options.views + 1).T.tolist()
    base, chosen = judge.of(whole), judge.of(agreed(said, options.views))
    rows = [
        f"{len(whole)} photos, {options.views} views of {100 - 50 * options.crop:g}% of each side; R@k among"
        f" {judge.among()}. Below the whole photo's caption: differences from it with 95% intervals over photos.\n",
        f"| caption | {HEADER} |\n|---|{RULE}|",
        f"| the whole photo's | {absolute(base)} |",
        f"| a view's own | {against(base, [judge.of(some) for some in parts], options.bootstrap)} |",
        f"| agreed on by whole and views | {against(base, [chosen], options.bootstrap)} |",
    ]
    print("\n".join(rows))
    if options.write:
        replace_between(options.write, "photo-views", "\n".join(rows))


def views(picture: Image.Image, count: int, crop: float, name: str) -> list[Image.Image]:
    """The picture and `count` parts of it, drawn by its name."""
    return [picture, *(perturbed(picture, "crop", crop, f"{name}-{view}") for view in range(count))]


def views_captioned(judge: Judge, folder: Path, options: argparse.Namespace) -> list[str]:
    """The greedy caption of every photo and, after it, of each of its views."""
    captioner, images = load_captioner(folder, "cpu", "float32"), ImageLookup(judge.layout.shards(judge.split))
    pictures = (
        (f"{name}-{view}", picture)
        for name in judge.photos
        for view, picture in enumerate(views(decode_rgb(images[name]), options.views, options.crop, name))
    )
    return [one.text for one in judge.said(captioner, pictures, Decoding(judge.asked.max_new_tokens))]


def agreed(said: Sequence[str], count: int) -> list[str]:
    """What the refiner makes of each photo's captions, `count` views after the whole."""
    each = count + 1
    samples = [Sample(str(at), b"", {}, {"photo": f"{at // each}"}, {}, text) for at, text in enumerate(said)]
    ask = Consensus(Settings(kind="consensus", object="photo")).of(lambda: iter(enumerate(samples)), {})
    return [ask(sample).text for sample in samples[::each]]


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.photo_views", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="folder with params.yaml and data/")
    parser.add_argument("--split", default="validation", help="embedded by the held-out encoder; default: %(default)s")
    parser.add_argument("--captioner", type=Path, help="model folder; default: the workspace's base captioner")
    parser.add_argument("--views", type=int, default=4, help="of a photo, beside the whole; default: %(default)s")
    parser.add_argument("--crop", type=float, default=0.4, help="half of the share cut off each side; default: 0.4")
    parser.add_argument("--bootstrap", type=int, default=2000, help="default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- photo-views -->")
    return parser.parse_args()


if __name__ == "__main__":
    main()
