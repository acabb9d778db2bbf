"""Captions swapped between images: how well the score tells them, and how many find their image again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
    their own image (moved_right of moved). lost: right pairs that were dropped or moved, of `right`.
    """

    swapped: int
    right: int
    auc: float
    told: int
    moved: int
    moved_right: int
    lost: int


def swap(count: int, seed: int) -> npt.NDArray[np.int64]:
    """(n,) whose caption each image has: a share of them in a ring, so that none of these keeps its own."""
    chosen = np.random.default_rng(seed).permutation(count)[: round(SHARE * count)]
    owner = np.arange(count)
    owner[chosen] = np.roll(chosen, 1)
    return owner


@dataclass(frozen=True)
class Decided:
    """What `cim.curation` makes of n pairs. image: (n,) the place among them of each row's image. score: (n,) before
    anything moved. kept: (n,). to: (n,) the place of the image that a row's text is at in the end, kept or not."""

    image: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    to: npt.NDArray[np.int64]


def decided(pairs: Pairs, encoders: Encoders, folder: Path, reassign: Reassign | None = None) -> Decided:
    """Write the pairs as a shard and measure and decide them as flows.curate does: the best 70% are kept."""
    ids = [content_id(image) for image in pairs.images]
    samples = [
        Sample(name, image, "png", (caption,), "planted", 64, 64, {})
        for name, image, caption in zip(ids, pairs.images, pairs.captions, strict=True)
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
        reassign=reassign,
    )
    job = MeasureJob(TarPart(folder / "0.tar"), "planted", folder, "0", params.images, "bench", folder / "hash.json")
    measure(job, lambda: Tools(encoders, batch_size=256, threads=1))
    corpus = read_measured([job])
    rows = decide(corpus, params).rows
    place = {name: at for at, name in enumerate(ids)}
    image = np.array([place[name] for name in rows["id"]])
    to = [own if row is None else image[row] for own, row in zip(image, rows["reassigned_to"].to_list(), strict=True)]
    return Decided(image, corpus.rows["score"].to_numpy(), rows["reason"].is_null().to_numpy(), np.array(to))


def curate_swapped(pairs: Pairs, encoders: Encoders, folder: Path, cycle: int, seed: int = 0) -> Found:
    """Swap captions and curate: the others than the best 70% may move."""
    owner = swap(len(pairs.images), seed)
    noisy = Pairs(pairs.images, [pairs.captions[own] for own in owner])
    found = decided(noisy, encoders, folder, Reassign(cycle=cycle))
    text = owner[found.image]
    planted, moved = found.image != text, found.image != found.to
    gone = ~found.kept | moved
    return Found(
        swapped=int(planted.sum()),
        right=int((~planted).sum()),
        auc=auc(found.score[~planted], found.score[planted]),
        told=int((planted & gone).sum()),
        moved=int((planted & moved).sum()),
        moved_right=int((planted & moved & (found.to == text)).sum()),
        lost=int((~planted & gone).sum()),
    )


def auc(better: npt.NDArray[np.floating], worse: npt.NDArray[np.floating]) -> float:
    """The chance that one of `better` is above one of `worse`, ties by half."""
    ranks = rankdata(np.concatenate([better, worse]))
    least = len(better) * (len(better) + 1) / 2
    return float((ranks[: len(better)].sum() - least) / (len(better) * len(worse)))
