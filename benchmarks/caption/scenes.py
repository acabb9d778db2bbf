"""What captions are measured on: drawn scenes in shards, and a captioner that has learnt to describe such scenes."""

import random
from pathlib import Path

import polars as pl

from benchmarks.common.project import ROOT
from cim.images.ids import content_id
from cim.records import Sample
from cim.scenes.describe import describe
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar

SEED, SIDE = 99, 64
PROMPT, MOST = "Describe this image.", 40  # MOST: new tokens


def scenes(first: int, count: int) -> list[Sample]:
    """Scenes number first, first + 1, ... with one vague caption each, by ascending id; equal pictures once."""
    found: dict[str, Sample] = {}
    for number in range(first, first + count):
        scene = scene_at(SEED, number, 0.0)
        image = draw(scene, SIDE)
        said = describe(scene, random.Random(number), 0.5)
        key = content_id(image)
        found[key] = Sample(key, image, "png", (said,), "scenes", SIDE, SIDE, {})
    return [found[key] for key in sorted(found)]


def write_split(folder: Path, split: str, shards: int, images: int, first: int = 0) -> int:
    """`shards` shards of `images` scenes each, with a manifest; how many images that is."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(shards):
        samples = scenes(first + number * images, images)
        path = folder / f"{split}-{number:06d}.tar"
        write_tar(path, samples)
        rows += [{"id": one.id, "shard": path.name, "captions": list(one.captions)} for one in samples]
    pl.DataFrame(rows).write_parquet(folder / "manifest.parquet")
    return len(rows)


def make_captioner(folder: Path, prompt: str) -> None:
    """A tiny captioner warm-started on 2,000 scenes; a minute or two."""
    from cim.params import load_params
    from cim.warm_start.make import make_base_captioner

    write_split(folder.parent / "train", "train", 4, 500, first=1_000_000)
    params = load_params(ROOT / "params.yaml").models
    captioner = params.captioner.model_copy(update={"align": params.captioner.align.model_copy(update={"steps": 200})})
    short = params.model_copy(
        update={"captioner": captioner, "warm_start": params.warm_start.model_copy(update={"epochs": 4.0})}
    )
    make_base_captioner(short, [folder.parent / "train"], [prompt], "cpu", folder)
