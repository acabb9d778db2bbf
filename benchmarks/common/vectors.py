"""Vectors of a workspace's images, by the images' ids."""

from cim.index.vectors import VectorStore
from cim.layout import Layout


def image_vectors(layout: Layout, role: str) -> VectorStore:
    """Of all embedded splits, by one image encoder. role: image or heldout, or another folder of embeddings."""
    files = sorted((layout.root / "embeddings" / role).glob("*/*.npy"))
    return VectorStore([(file, file.with_suffix(".parquet")) for file in files])
