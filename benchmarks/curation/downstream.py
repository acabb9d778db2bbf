"""Models trained from nothing on clean, swapped and curated pairs, and what they find among unseen scenes.

Every arm has as many pairs in the same order: where curation leaves an image without a text, a pair that it keeps,
drawn at random, stands in. Arms of one seed then begin alike and see alike batches, and their difference varies far
less than what either finds.
"""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.project import ROOT, clean_environment
from benchmarks.curation.swaps import Pairs, swap
from benchmarks.downstream.arms import Arm
from benchmarks.downstream.corpus import seen_scenes
from benchmarks.downstream.exam import exam, fact_key, pixels, unseen
from benchmarks.downstream.over_seeds import over_seeds
from benchmarks.downstream.runs import Material, run
from benchmarks.downstream.tables import cpu_seconds, scores
from benchmarks.downstream.train import Recipe
from cim.images.ids import content_id
from cim.layout import Layout
from cim.params import load_params
from cim.readers.webdataset import TarPart
from cim.records import Sample
from cim.scenes.describe import describe
from cim.scenes.draw import draw
from cim.shards.tar import write_tar

PAIRS, SEED, DETAIL = 3000, 51, 0.95
TEST, TEST_SEED = 1000, 77
CLEAN, SWAPPED, CURATED = "clean", "30% swapped", "swapped, then curated"
MEASURES = {
    "text_to_image": "R@1, text to image",
    "image_to_text": "R@1, image to text",
    "both": "R@1, mean of both ways",
    "fact": "right against one wrong fact",
}


@dataclass(frozen=True)
class Asked:
    """data: of a finished run, its params.yaml beside it. work: folder of results; kept. workers: trainings at once."""

    data: Path
    work: Path
    seeds: int
    workers: int


def downstream(asked: Asked) -> str:
    """The tables: what each arm finds, and what it is above the clean one."""
    recipe, seen = Recipe(), seen_scenes(load_params(asked.data.parent / "params.yaml"))
    scenes = unseen(SEED, PAIRS, seen)
    known = seen | {fact_key(scene.graph()) for scene in scenes}
    pairs = Pairs(
        [draw(scene, recipe.side) for scene in scenes],
        [describe(scene, random.Random(f"downstream-{at}"), DETAIL) for at, scene in enumerate(scenes)],
    )
    noisy = [pairs.captions[one] for one in swap(len(scenes), 0)]
    left = curated(Pairs(pairs.images, noisy), Layout(asked.data), asked.work / "curated")
    slots = aligned(left)
    pictures = np.stack([pixels(pairs.images[one]) for one, _ in slots])
    arms = {
        CLEAN: Arm([[] if stands_in else [pairs.captions[one]] for one, stands_in in slots]),
        SWAPPED: Arm([[] if stands_in else [noisy[one]] for one, stands_in in slots]),
        CURATED: Arm([[text] if (text := left[one]) is not None else [] for one, _ in slots]),
    }
    questions = exam(unseen(TEST_SEED, TEST, known), TEST_SEED, recipe.side)
    nothing = (np.zeros((0, recipe.side, recipe.side, 3), dtype=np.uint8), [])
    material = Material(pictures, arms, nothing, questions, recipe)
    keys = [(name, seed) for seed in range(asked.seeds) for name in arms]
    results = run(material, keys, asked.work / "trained", asked.workers)
    for result in results.values():
        result["both"] = (result["text_to_image"] + result["image_to_text"]) / 2
    chance = dict.fromkeys(MEASURES, 1 / TEST) | {"fact": 1 / 2}
    right = sum(text == own for text, own in zip(left, pairs.captions, strict=True))
    having = sum(text is not None for text in left)
    return "\n\n".join(
        [
            f"Of {PAIRS:,} scenes {having:,} have a text after curation, {right:,} of them their own."
            f" {recipe.steps} steps of {recipe.batch},"
            f" {asked.seeds} seeds; {len(results)} models took {cpu_seconds(results):.0f} CPU s of"
            f" training and exam on {TEST:,} unseen scenes.",
            scores(results, MEASURES, chance),
            over_seeds(results, [(CLEAN, CURATED), (CLEAN, SWAPPED), (SWAPPED, CURATED)], MEASURES),
        ]
    )


def curated(pairs: Pairs, layout: Layout, work: Path) -> list[str | None]:
    """The text that `flows.curate` leaves each image, None where it has none."""
    ids = [content_id(image) for image in pairs.images]
    samples = [
        Sample(name, image, "png", (text,), "planted", 64, 64, {})
        for name, image, text in zip(ids, pairs.images, pairs.captions, strict=True)
    ]
    (work / "corpus").mkdir(parents=True, exist_ok=True)
    write_tar(work / "corpus/0.tar", sorted(samples, key=lambda sample: sample.id))
    section = {
        "corpus": [{"kind": "webdataset", "path": str(work.absolute() / "corpus/0.tar")}],
        "output": str(work.absolute() / "output"),
        "encoders": [str(layout.model(name).absolute()) for name in ("image", "heldout")],
        "duplicates": None,
        "score": {"kind": "encoder"},
        "keep": {"best_share": 0.7},
        "reassign": {},
    }
    (work / "curate.yaml").write_text(json.dumps({"curate": section}, indent=1), encoding="utf-8")
    command = [sys.executable, "-m", "flows.curate", "--params", str(work.absolute() / "curate.yaml")]
    subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True)
    tars = sorted((work / "output").glob("*.tar"))
    found = {item.name: item.captions[0] for tar in tars for item in TarPart(tar).items()}
    return [found.get(name) for name in ids]


def aligned(left: Sequence[str | None], seed: int = 0) -> list[tuple[int, bool]]:
    """(image, whether it stands in for the one before) in order: each image that has no text is followed by one that
    has, so that leaving out either leaves as many in the same places."""
    rng = random.Random(seed)
    having = [place for place, text in enumerate(left) if text is not None]
    slots = list[tuple[int, bool]]()
    for place, text in enumerate(left):
        slots.append((place, False))
        if text is None:
            slots.append((rng.choice(having), True))
    return slots
