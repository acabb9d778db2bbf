"""Retrieval spaces: how a caption becomes a query and where that query searches."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.depth import PARTS, searched
from cim.index.meta import ROLES, EmbeddingMeta, check_embeddings, check_encoder
from cim.index.search import GalleryIndex
from cim.layout import Layout
from cim.params.retrieval import Index
from cim.rewards.checks import check_gallery, check_weights
from cim.rewards.exclusion import Barred
from cim.rewards.fused import FusedSpace, check_enough
from cim.rewards.ranked import Ranking, ranked


class QueryEncoder(Protocol):
    """The text side of an encoder."""

    @property
    def fingerprint(self) -> str:
        """Names the weights."""

    def encode_texts(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of n texts."""


class Space(Protocol):
    """Caption to gallery items."""

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """(b, d) queries; a row that is not finite means that this caption could not be encoded."""

    def search(
        self, queries: npt.NDArray[np.float32], k: int, barred: Barred
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """ids (b lists of k, best first) and scores (b, k), without what is barred for each source.

        Raises CimError when fewer than k are left for one.
        """


@dataclass(frozen=True)
class EncodedSpace:
    """One encoder and the index of what its queries are compared with."""

    encoder: QueryEncoder
    index: GalleryIndex

    @property
    def dim(self) -> int:
        """d of queries and of the index."""
        return self.index.meta.dim

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """One encoder call for the whole batch."""
        return np.asarray(self.encoder.encode_texts(captions), dtype=np.float32)

    def rank(self, queries: npt.NDArray[np.float32], depth: int, barred: Barred) -> list[Ranking]:
        """`ranked` over this index."""
        return ranked(self.index, queries, depth, barred)

    def search(
        self, queries: npt.NDArray[np.float32], k: int, barred: Barred
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """One index search for the whole batch (more only where exclusion or ties ask for depth)."""
        rankings = self.rank(queries, k, barred)
        check_enough(rankings, k)
        scores = np.array([[score for _, score in row] for row in rankings], dtype=np.float32)
        return [[name for name, _ in row] for row in rankings], scores.reshape(len(rankings), k)


def open_space(layout: Layout, name: str, device: str, index_params: Index | None = None, k: int = 1) -> Space:
    """The space `name` with its query encoders on `device`, for k items. index_params: as for `GalleryIndex.open`.

    Raises CimError when an index is missing, was built with other weights, embeddings or parameters, or finds too few
    of the k best.
    """
    if name not in PARTS:
        raise CimError(f"retrieval space {name!r}", f"one of {sorted(PARTS)}", "set tune.reward.space")
    # Before any encoder: cheap checks first.
    indexes = [open_index(layout, part, index_params, searched(name, k)) for part in PARTS[name]]
    parts = [_encoded(layout, index, device) for index in indexes]
    return parts[0] if len(parts) == 1 else FusedSpace(tuple(parts))


def open_index(layout: Layout, part: str, params: Index | None = None, k: int = 1) -> GalleryIndex:
    """The index of one part. params, k: as for `GalleryIndex.open`.

    Raises CimError when it is stale or holds items that data/index/items lacks."""
    index = GalleryIndex.open(layout.index(part), params, k)
    check_embeddings(index.meta, present_embeddings(layout, ROLES[part]))
    check_gallery(index, layout.index("items") / "ids.parquet")
    return index


def _encoded(layout: Layout, index: GalleryIndex, device: str) -> EncodedSpace:
    role = ROLES[index.meta.part]
    encoder = _load(layout, role, device)
    check_encoder(index.meta, encoder.fingerprint, str(layout.model(role)))
    return EncodedSpace(encoder, index)


def present_embeddings(layout: Layout, role: str) -> list[EmbeddingMeta]:
    """What lies under data/embeddings/<role>."""
    folder = layout.root / "embeddings" / role
    return [EmbeddingMeta.read(meta.parent) for meta in sorted(folder.glob("*/meta.json"))]


def _load(layout: Layout, role: str, device: str) -> QueryEncoder:
    check_weights(layout.model(role))
    from cim.encoders.load import load_clip, load_text_encoder  # torch: only where captions are encoded

    encoder: QueryEncoder = (load_text_encoder if role == "text" else load_clip)(layout.model(role), device)
    return encoder
