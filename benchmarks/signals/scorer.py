"""The scorer that variants with the term `learned` are tuned by: the gallery's own pairs against swapped ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.common.vectors import image_vectors
from cim.batches import batched
from cim.encoders.scorer import Scorer, fit
from cim.layout import Layout
from cim.params.curate import LearnedScore
from cim.rewards.terms.workspace import Workspace
from cim.shards.read import read_captions, shard_paths

SCORER = "scorer.safetensors"
"""In the folder of the variants, one above each of them."""


def keep_scorer(workspace: Path, work: Path) -> None:
    """Fit the scorer of the artefacts in `workspace`, unless `work` has it."""
    if not (work / SCORER).is_file():
        work.mkdir(parents=True, exist_ok=True)
        fitted(Layout(workspace / "data")).save(work / SCORER)


def fitted(layout: Layout, seed: int = 0) -> Scorer:
    """Of each gallery image with its first caption (right) and with that of another one (wrong), with curation's prior.

    The encoder is the reward's, which learned from these pairs. No caption of another split is read.
    """
    said = {name: texts[0] for tar in shard_paths(layout.shards("gallery")) for name, texts in read_captions(tar)}
    images = image_vectors(layout, "image").get(list(said))
    terms = Workspace(layout)
    texts = np.concatenate([terms.encode(some) for some in batched(list(said.values()), 256)])
    order = np.random.default_rng(seed).permutation(len(said))
    swapped = np.empty_like(texts)
    swapped[order] = texts[np.roll(order, 1)]  # each goes to the next in a drawn ring, so none to its own image
    labels = np.repeat([1.0, 0.0], len(said))
    prior = float(LearnedScore.model_fields["prior"].default)
    return replace(fit(np.tile(images, (2, 1)), np.concatenate([texts, swapped]), labels, prior), encoder=terms.clip)
