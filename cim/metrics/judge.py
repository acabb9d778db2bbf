"""The three judges of a caption: an encoder it was not trained to please, the reward, and the truth."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from cim.errors import CimError
from cim.fingerprint import fingerprint, hash_path
from cim.index.meta import EmbeddingMeta
from cim.index.vectors import VectorStore
from cim.layout import Layout
from cim.metrics.evalset import EvalSet
from cim.metrics.measured import Identity, Measured
from cim.metrics.overlap import rouge_l
from cim.metrics.retrieval import ranks, require_held_out
from cim.metrics.scenes import Graph, score_scene

_BATCH = 256

Parser = Callable[[str], Graph]
Encode = Callable[[list[str]], npt.NDArray[np.float32]]
Score = Callable[[Sequence[str], Sequence[str]], Sequence[Identity | None]]  # captions, source ids


def check_held_out(layout: Layout, heldout: str) -> None:
    """Refuse a held-out encoder (fingerprint) that is the reward's or is not the one the eval images were embedded by.

    Equal weights in folders that differ otherwise (a copied model, renamed) are refused as well. Raises CimError.
    """
    reward = EmbeddingMeta.read(layout.embeddings("image", "eval")).encoder
    embedded = EmbeddingMeta.read(layout.embeddings("heldout", "eval")).encoder
    if embedded != heldout:
        found = f"eval images embedded by {embedded}, held-out model {heldout}"
        raise CimError(found, "one and the same encoder", "dvc repro embed")
    require_held_out(reward, heldout)
    folders = [layout.model(role) for role in ("image", "heldout")]
    weights = [sorted(hash_path(file) for file in folder.glob("*.safetensors")) for folder in folders]
    if all(weights):
        require_held_out(*(fingerprint(hashes) for hashes in weights))


def held_out_ranks(layout: Layout, evaluated: EvalSet, encode: Encode) -> dict[str, npt.NDArray[np.int64]]:
    """Rank (n,) of each image among all n by its caption, for each captioner.

    encode: captions to (n, d) unit vectors in the space of data/embeddings/heldout. A blank caption
    says nothing and gets the last rank.
    """
    files = sorted(layout.embeddings("heldout", "eval").glob("*.npy"))
    images = VectorStore([(file, file.with_suffix(".parquet")) for file in files]).get(evaluated.ids)
    found = {}
    for captioner, captions in evaluated.captions.items():
        vectors = np.full_like(images, np.nan)  # NaN ranks last
        said = [i for i, caption in enumerate(captions) if caption.strip()]
        for batch in tqdm(_batches(said), desc=f"ranking ({captioner})", unit="batch"):
            vectors[batch] = encode([captions[i] for i in batch])
        found[captioner] = ranks(vectors, images)
    return found


def identities(evaluated: EvalSet, score: Score) -> dict[str, list[Identity | None]]:
    """The reward of each caption by captioner; None where unscorable. score: `Retriever.score`."""
    found: dict[str, list[Identity | None]] = {}
    for captioner, captions in evaluated.captions.items():
        found[captioner] = []
        for batch in tqdm(_batches(range(len(captions))), desc=f"rewarding ({captioner})", unit="batch"):
            found[captioner] += score([captions[i] for i in batch], [evaluated.ids[i] for i in batch])
    return found


def measure(
    evaluated: EvalSet,
    found: Mapping[str, npt.NDArray[np.int64]],
    scores: Mapping[str, Sequence[Identity | None]],
    parser: Parser,
) -> dict[str, Measured]:
    """Everything by captioner: ranks and rewards as given, facts by `parser` against the truth, overlap, wording."""
    return {
        name: Measured(
            captions=captions,
            truncated=evaluated.truncated[name],
            facts=[
                None if truth is None else score_scene(truth, parser(caption))
                for truth, caption in zip(evaluated.truths, captions, strict=True)
            ],
            ranks=found[name],
            identity=scores[name],
            overlap=[rouge_l(*pair) for pair in zip(captions, evaluated.references, strict=True)],
        )
        for name, captions in evaluated.captions.items()
    }


def _batches(rows: Sequence[int]) -> list[list[int]]:
    return [list(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH)]
