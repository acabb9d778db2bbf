"""Retrieval spaces: how a caption becomes a query and where that query searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.meta import ROLES, EmbeddingMeta, check_embeddings, check_encoder
from cim.index.search import GalleryIndex
from cim.layout import Layout
from cim.params.retrieval import Index


class QueryEncoder(Protocol):
    """The text side of an encoder."""

    @property
    def fingerprint(self) -> str:
        """Names the weights."""

    def encode_texts(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of n texts."""


class Space(Protocol):
    """Caption to gallery items. A fused space would join its parts' queries in `encode` and ranks in `search`."""

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """(b, d) queries; a row that is not finite means that this caption could not be encoded."""

    def search(
        self, queries: npt.NDArray[np.float32], k: int, excluded: Sequence[Sequence[str]]
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """ids (b lists of k, best first) and scores (b, k), as `GalleryIndex.search`."""


@dataclass(frozen=True)
class EncodedSpace:
    """One encoder and the index of what its queries are compared with."""

    encoder: QueryEncoder
    index: GalleryIndex

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """One encoder call for the whole batch."""
        return np.asarray(self.encoder.encode_texts(captions), dtype=np.float32)

    def search(
        self, queries: npt.NDArray[np.float32], k: int, excluded: Sequence[Sequence[str]]
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """One index search for the whole batch (more only where exclusion or ties ask for depth)."""
        return self.index.search(queries, k, excluded)


def open_space(
    layout: Layout, name: str, device: str, index_params: Index | None = None, k: int | None = None
) -> EncodedSpace:
    """The space `name` with its query encoder on `device`.

    Raises CimError when the index is missing, was built with other weights or embeddings than those present or other
    parameters than `index_params`, or has too low a recall@k for them.
    """
    if name not in ROLES:
        raise CimError(f"retrieval space {name!r}", f"one of {sorted(ROLES)}", "set tune.reward.space")
    role = ROLES[name]
    index = GalleryIndex.open(layout.index(name), index_params, k)  # before the encoder: cheap checks first
    check_embeddings(index.meta, present_embeddings(layout, role))
    encoder = _load(layout, role, device)
    check_encoder(index.meta, encoder.fingerprint, str(layout.model(role)))
    return EncodedSpace(encoder, index)


def present_embeddings(layout: Layout, role: str) -> list[EmbeddingMeta]:
    """What lies under data/embeddings/<role>."""
    folder = layout.root / "embeddings" / role
    return [EmbeddingMeta.read(meta.parent) for meta in sorted(folder.glob("*/meta.json"))]


def _load(layout: Layout, role: str, device: str) -> QueryEncoder:
    from cim.encoders.load import load_clip, load_text_encoder  # torch: only where captions are encoded

    encoder: QueryEncoder = (load_text_encoder if role == "text" else load_clip)(layout.model(role), device)
    return encoder
