"""Captions swapped between images: how well the score tells them, and how many find their image again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.stats import rankdata

from cim.curation.decide import decide
from cim.curation.encoders import Encoders
from cim.curation.measure import MeasureJob, Tools, measure
from cim.curation.output import read_measured
from cim.images.ids import content_id
from cim.params.curate import Curate, EncoderScore, Keep, Reassign, TextFilters
from cim.params.sources import WebDatasetSource
from cim.readers.webdataset import TarPart
from cim.records import Sample
from cim.shards.tar import write_tar

SHARE = 0.3


@dataclass(frozen=True)
class Pairs:
    """Images and the caption of each, no image twice."""

    images: Sequence[bytes]
    captions: Sequence[str]


@dataclass(frozen=True)
class Found:
    """auc: of the score, right pairs against swapped ones. Of the swapped captions: dropped or moved (told), moved to
    their own image (moved_right of moved). left: captions by image after it all, None where an image has none.
    lost: right pairs that were dropped or moved, of `right`.
    """

    swapped: int
    right: int
    auc: float
    told: int
    moved: int
    moved_right: int
    lost: int
    left: Sequence[str | None]


def swap(count: int, seed: int) -> npt.NDArray[np.int64]:
    """(n,) whose caption each image has: a share of them in a ring, so that none of these keeps its own."""
    chosen = np.random.default_rng(seed).permutation(count)[: round(SHARE * count)]
    owner = np.arange(count)
    owner[chosen] = np.roll(chosen, 1)
    return owner


def curate_swapped(pairs: Pairs, encoders: Encoders, folder: Path, cycle: int, seed: int = 0) -> Found:
    """Write the pairs with swapped captions as a shard and curate it: the best 70% are kept, the others may move."""
    owner = swap(len(pairs.images), seed)
    ids = [content_id(image) for image in pairs.images]
    samples = [
        Sample(name, image, "png", (pairs.captions[own],), "planted", 64, 64, {})
        for name, image, own in zip(ids, pairs.images, owner.tolist(), strict=True)
    ]
    folder.mkdir(parents=True)
    write_tar(folder / "0.tar", sorted(samples, key=lambda sample: sample.id))
    params = Curate(
        corpus=[WebDatasetSource(kind="webdataset", path=str(folder / "0.tar"))],
        output=str(folder),
        text=TextFilters(max_images=None, min_words=0),
        duplicates=None,
        score=EncoderScore(kind="encoder"),
        keep=Keep(best_share=1 - SHARE),
        reassign=Reassign(cycle=cycle),
    )
    job = MeasureJob(TarPart(folder / "0.tar"), "planted", folder, "0", params.images, "bench", folder / "hash.json")
    measure(job, lambda: Tools(encoders, batch_size=256, threads=1))
    return _found(decide(read_measured([job]), params).rows, read_measured([job]).rows, ids, owner, pairs)


def _found(
    rows: pl.DataFrame, before: pl.DataFrame, ids: Sequence[str], owner: npt.NDArray[np.int64], pairs: Pairs
) -> Found:
    """rows: as decided, in the order of `before`, which has the scores of the pairs as they came."""
    place = {name: at for at, name in enumerate(ids)}
    image = np.array([place[name] for name in rows["id"]])
    text = owner[image]
    planted = image != text
    score = before["score"].to_numpy()
    kept, target = rows["reason"].is_null().to_numpy(), rows["reassigned_to"].to_list()
    moved = np.array([one is not None for one in target])
    now = np.array([image[one] if one is not None else own for one, own in zip(target, image, strict=True)])
    left: list[str | None] = [None] * len(ids)
    for own, to, stays in zip(text.tolist(), now.tolist(), kept.tolist(), strict=True):
        if stays:
            left[to] = pairs.captions[own]
    return Found(
        swapped=int(planted.sum()),
        right=int((~planted).sum()),
        auc=auc(score[~planted], score[planted]),
        told=int((planted & (~kept | moved)).sum()),
        moved=int((planted & moved).sum()),
        moved_right=int((planted & moved & (now == text)).sum()),
        lost=int((~planted & (~kept | moved)).sum()),
        left=left,
    )


def auc(better: npt.NDArray[np.floating], worse: npt.NDArray[np.floating]) -> float:
    """The chance that one of `better` is above one of `worse`, ties by half."""
    ranks = rankdata(np.concatenate([better, worse]))
    least = len(better) * (len(better) + 1) / 2
    return float((ranks[: len(better)].sum() - least) / (len(better) * len(worse)))
