"""How far the reward, its parts and the field's metrics agree with what experts say of captions of photos.

python -m benchmarks.human --photos FOLDER --ratings CSV --image-encoder FOLDER --text-encoder FOLDER --work FOLDER

FOLDER of --photos holds captions.csv (columns file_name, caption; several rows a photo) and the photos in images/; CSV
has file_name, caption, rating_1, rating_2, rating_3 (1 to 4) and own (1 where the caption was written for the photo).
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.common.document import replace_between
from benchmarks.human.measures import field_metrics, reward_parts
from benchmarks.human.panel import Panel
from benchmarks.human.ratings import first_half, gallery_of, read_captions, read_ratings
from benchmarks.human.tables import best, measures_table, told, variants_table
from benchmarks.human.variants import PAPER, retrieved, variants
from benchmarks.human.workspace import Models, build

KS, SPACES = (1, 3, 5, 10), ("caption_text", "clip", "fused")


def main() -> None:
    """Embed, retrieve, compare, print, and write where asked."""
    options = parsed()
    import torch

    torch.set_num_threads(options.threads)
    captions = read_captions(options.photos)
    rated = read_ratings(options.ratings, captions)
    taught = set(options.taught.read_text(encoding="utf-8").split()) if options.taught else None
    gallery = gallery_of(captions, rated, taught)
    models = Models(options.image_encoder, options.text_encoder, options.judge)
    layout = build(options.work, models, options.photos / "images", gallery, rated.photos)
    everybody = Panel(rated, np.ones(len(rated.captions), dtype=bool), options.samples)
    field = {"one expert against the mean of two": everybody.ceiling(rated)}
    field |= {name: everybody.asked(values) for name, values in field_metrics(layout, rated, models.heldout).items()}
    scores = {space: reward_parts(layout, rated, space, KS) for space in SPACES}
    parts = {
        f"{space}, K = {k}: {part}": everybody.asked(values)
        for space, by_k in scores.items()
        for (k, part), values in by_k.items()
    }


def parsed() -> argparse.Namespace:
    """The options of the command."""
