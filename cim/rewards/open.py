"""Encoders and indexes of one build, opened, or an error: what is refused before anything is scored."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from cim.encoders.base import ImageEncoder, TextEncoder
from cim.encoders.card import EncoderCard
from cim.encoders.remembered import RememberedBatch
from cim.errors import CimError
from cim.index.depth import PARTS, searched
from cim.index.meta import ROLES, EmbeddingMeta, IndexMeta, check_embeddings, check_encoder
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore, read_ids
from cim.layout import Layout
from cim.models.folder import folder_fingerprint
from cim.params.retrieval import Index
from cim.rewards.spaces import EncodedSpace, FusedSpace, Space

REBUILD = "delete data/index and run dvc repro index"
PROBES = 256
"""Rows looked at: a store of another encoder or in another order differs in nearly all of them."""


def open_space(layout: Layout, name: str, device: str, index_params: Index | None = None, k: int = 1) -> Space:
    """The space `name` with its query encoders on `device`, for k items. index_params: as for `GalleryIndex.open`.

    Raises CimError when an index is missing, was built with other weights, embeddings or parameters, holds items that
    data/index/items lacks, or finds too few of the k best.
    """
    if name not in PARTS:
        raise CimError(f"retrieval space {name!r}", f"one of {sorted(PARTS)}", "set tune.reward.space")
    indexes = []
    for part in PARTS[name]:  # before any encoder: cheap checks first
        index = GalleryIndex.open(layout.index(part), index_params, searched(name, k))
        check_embeddings(index.meta, present_embeddings(layout, ROLES[part]))
        check_gallery(index, layout.index("items") / "ids.parquet")
        indexes.append(index)
    encoders = [_open_encoder(layout, ROLES[index.meta.part], device, "text", index.meta) for index in indexes]
    parts = tuple(map(EncodedSpace, map(RememberedBatch, encoders), indexes))
    return parts[0] if len(parts) == 1 else FusedSpace(parts)


def present_embeddings(layout: Layout, role: str) -> list[EmbeddingMeta]:
    """What lies under data/embeddings/<role>."""
    folder = layout.root / "embeddings" / role
    return [EmbeddingMeta.read(meta.parent) for meta in sorted(folder.glob("*/meta.json"))]


def open_image_encoder(layout: Layout, device: str) -> ImageEncoder:
    """The encoder of the gallery's pictures. Raises CimError for another one than the index was built with."""
    meta = IndexMeta.read(layout.index("items"))
    encoder: ImageEncoder = _open_encoder(layout, "image", device, "image", meta)
    return encoder


def open_text_tower(layout: Layout, device: str) -> TextEncoder:
    """Captions into the space of the gallery's pictures. Raises CimError as `open_image_encoder` does."""
    meta = IndexMeta.read(layout.index("items"))
    return RememberedBatch(_open_encoder(layout, "image", device, "text", meta))


def _open_encoder(layout: Layout, role: str, device: str, of: Literal["text", "image"], meta: IndexMeta) -> Any:
    encoder = _load(layout, role, device, of)
    check_encoder(meta, encoder.fingerprint, str(layout.model(role)))
    return encoder


def _load(layout: Layout, role: str, device: str, of: Literal["text", "image"]) -> Any:
    """of: what is encoded. Of a CLIP model that tower alone is loaded."""
    folder = layout.model(role)
    check_weights(folder)
    from cim.encoders.load import load_image_tower, load_text_encoder, load_text_tower  # torch: only where it is needed

    if role == "text":
        return load_text_encoder(folder, device)
    if of == "text":
        return load_text_tower(folder, device)
    return load_image_tower(folder, device, layout.trunk_outputs)


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
