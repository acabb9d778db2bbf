"""What the held-out encoder says of captions: ranks, bags of alike images, CLIPScore."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from cim.errors import CimError
from cim.metrics.evalset import EvalSet
from cim.metrics.negatives import against_negatives, look_alikes
from cim.metrics.pool import Pool, count_closer, first_in_bag, hard_negatives
from cim.params import Negatives
from cim.retrieval import among_random, closer, ranks

DISTRACTORS = 99  # and the own image: RD100
BAGS = (3, 5, 7)  # images in a bag, the own one included
CLIP_WEIGHT = 2.5  # w of CLIPScore
_BATCH = 256

FloatArray = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Encode = Callable[[list[str]], Vectors]


@dataclass(frozen=True)
class HeldOut:
    """One captioner's captions of n images. ranks: (n,) among the n, 1 is best; NaN for an image without a vector.

    values: (n, 1) by name, NaN alike: text_rank, of the own caption among all n, by the image; rd100,
    bag_3, bag_5, bag_7, clip_score, ref_clip_score; gallery_rank among these and all further images, only where such
    are embedded.
    """

    ranks: FloatArray
    values: Mapping[str, FloatArray] = field(default_factory=dict)


def judge_held_out(
    evaluated: EvalSet, pool: Pool, encode: Encode, prefix: str = "", negatives: Sequence[Negatives] = ()
) -> dict[str, HeldOut]:
    """By captioner. encode: captions to (b, d) unit vectors in the space of the pool's judge.

    A blank caption says nothing: last rank, no CLIPScore. An image the held-out encoder has no vector of can't be
    judged and is nobody's distractor. prefix: put before captions for CLIPScore only, where the paper has "A photo
    depicts ". negatives: see `against_negatives`. Raises CimError when no image at all has a vector.
    """
    known = np.flatnonzero(pool.judge.has(evaluated.ids))
    if not len(known):
        found_ids = f"no held-out vector for any of {len(evaluated.ids)} images, the first {evaluated.ids[0]}"
        raise CimError(found_ids, "embeddings of the eval split", "dvc repro embed-heldout")
    ids = [evaluated.ids[i] for i in known]
    images = pool.judge.get(ids)
    minable = np.flatnonzero(pool.miner.has(ids))
    bags, neighbours = hard_negatives([ids[i] for i in minable], pool, max(BAGS) - 1)
    alike = look_alikes(ids, pool.miner, max((one.count for one in negatives), default=0))
    speak = partial(_vectors, encode, pool.judge.dim)
    pairs = [
        (i, j, prefix + text)
        for i, row in enumerate(known)
        for j, text in enumerate(evaluated.references[row])
        if text.strip()
    ]
    references = speak([text for *_, text in pairs], "encoding references")
    found = {}
    for captioner, all_captions in evaluated.captions.items():
        captions = [all_captions[i] for i in known]
        vectors = speak(captions, f"ranking ({captioner})")
        among = ranks(vectors, images)
        values = {"rd100": among_random(among, len(known), DISTRACTORS), "text_rank": text_ranks(vectors, images)}
        for size in BAGS:
            values[f"bag_{size}"] = np.full(len(known), np.nan)
            hits = first_in_bag(vectors[minable], images[minable], bags[:, : size - 1])
            values[f"bag_{size}"][minable] = np.where(neighbours >= size - 1, hits, np.nan)
        values |= against_negatives(negatives, vectors, images, (among, values["text_rank"]), alike)
        if pool.further:
            values["gallery_rank"] = (among + count_closer(vectors, images, pool)).astype(np.float64)
        prefixed = speak([prefix + c if c.strip() else "" for c in captions], "CLIPScore") if prefix else vectors
        values["clip_score"] = clip_score(prefixed, images)
        own = evaluated.held.get(captioner, [None] * len(evaluated.ids))
        others = [n for n, (i, j, _) in enumerate(pairs) if j != own[known[i]]]
        of = np.array([pairs[n][0] for n in others], dtype=np.int64)
        values["ref_clip_score"] = ref_clip_score(values["clip_score"], _closest(prefixed, references[others], of))
        placed = {name: _placed(column, known, len(all_captions)) for name, column in values.items()}
        found[captioner] = HeldOut(
            _placed(among, known, len(all_captions)), {name: column[:, None] for name, column in placed.items()}
        )
    return found


def text_ranks(captions: Vectors, images: Vectors) -> FloatArray:
    """(n,) rank of each image's own caption (n, d) among all n, by the image (n, d); 1 is best.

    Ties are pessimistic, so two images with one and the same caption both miss rank 1. A blank caption (NaN) has the
    last rank for its own image, and stands in no other one's way.
    """
    said = ~np.isnan(captions).any(axis=1)
    return np.asarray(np.where(said, closer(images, captions, captions[said]), len(captions)), dtype=np.float64)


def clip_score(captions: Vectors, images: Vectors) -> FloatArray:
    """(n,) CLIPScore of unit vectors (n, d): 2.5 max(cos, 0), in [0, 2.5] (Hessel et al. 2021, arXiv 2104.08718)."""
    return np.asarray(CLIP_WEIGHT * np.maximum(np.einsum("nd,nd->n", captions, images, dtype=np.float64), 0))


def ref_clip_score(scores: FloatArray, closest: FloatArray) -> FloatArray:
    """(n,) RefCLIPScore: harmonic mean of CLIPScore (n,) and the best cosine with a reference (n,), 0 where it is less.

    The paper's definition, w on the first part only. NaN where a part is.
    """
    closest = np.maximum(closest, 0)
    both = scores + closest
    return np.asarray(np.divide(2 * scores * closest, both, out=np.where(np.isnan(both), np.nan, 0.0), where=both > 0))


def _vectors(encode: Encode, dim: int, texts: Sequence[str], description: str) -> Vectors:
    """(n, dim) unit vectors; NaN for blank texts and those the encoder makes none of.

    description: of the progress bar.
    """
    said = [i for i, text in enumerate(texts) if text.strip()]
    vectors = np.full((len(texts), dim), np.nan, dtype=np.float32)
    for batch in tqdm([said[i : i + _BATCH] for i in range(0, len(said), _BATCH)], desc=description, unit="batch"):
        vectors[batch] = encode([texts[i] for i in batch])
    return vectors


def _closest(captions: Vectors, references: Vectors, of: npt.NDArray[np.int64]) -> FloatArray:
    """(n,) best cosine of each caption (n, d) with a reference of its image; NaN without a usable one.

    references: (m, d) of all images. of: (m,) the image each is of.
    """
    best = np.full(len(captions), np.nan)
    np.fmax.at(best, of, np.einsum("md,md->m", references, captions[of], dtype=np.float64))
    return best


def _placed(values: npt.NDArray[np.generic], rows: npt.NDArray[np.int64], length: int) -> FloatArray:
    """(length,) with `values` at `rows`, NaN elsewhere."""
    found = np.full(length, np.nan)
    found[rows] = values
    return found
