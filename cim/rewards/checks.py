"""Artefacts of one build, or an error: what is refused before anything is scored."""

from pathlib import Path

import numpy as np

from cim.encoders.card import EncoderCard
from cim.errors import CimError
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore, read_ids
from cim.models.folder import folder_fingerprint

REBUILD = "delete data/index and run dvc repro index"
PROBES = 256
"""Rows looked at: a store of another encoder or in another order differs in nearly all of them."""


def check_weights(folder: Path) -> None:
    """Raises CimError when the model in `folder` is not the one its card, and so every index, goes by."""
    card, found = EncoderCard.read(folder), folder_fingerprint(folder)
    if found != card.fingerprint:
        raise CimError(
            f"files with fingerprint {found} in {folder}",
            f"{card.fingerprint}, as its card says",
            f"delete {folder} and run dvc repro models embed index",
        )


def check_gallery(index: GalleryIndex, ids: Path) -> None:
    """Raises CimError when `index` holds an item that is not among those of the Parquet file `ids` (items')."""
    known = np.isin(index.items, read_ids(ids))
    if not known.all():
        first = index.items[~known][0].decode()
        raise CimError(
            f"{(~known).sum()} items of index {index.meta.part}, the first {first}, that {ids.parent} does not hold",
            "index and image vectors of one gallery",
            REBUILD,
        )


def check_vectors(items: VectorStore, embeddings: VectorStore, where: Path) -> None:
    """Raises CimError when items' vectors in the folder `where` are not their embeddings, as far as these are there.

    Looks at PROBES items spread evenly over the ids.
    """
    some = items.ids[np.linspace(0, len(items) - 1, min(PROBES, len(items))).astype(int)]
    names = [name.decode() for name in some]
    shared = [name for name, known in zip(names, embeddings.has(names), strict=True) if known]
    if not shared:
        return
    if items.dim != embeddings.dim:
        raise CimError(f"vectors of dim {items.dim} in {where}", f"{embeddings.dim}, as the embeddings", REBUILD)
    differ = np.abs(items.get(shared) - embeddings.get(shared)).max(axis=1) > 1e-4
    if differ.any():
        raise CimError(
            f"{differ.sum()} of {len(shared)} vectors in {where} that are not their image's embedding",
            "vectors copied from data/embeddings/image in the order of ids.parquet",
            REBUILD,
        )
