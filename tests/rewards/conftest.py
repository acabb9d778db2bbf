"""Embeddings on disk, as in tests of the other reader of them."""

from embedded import embed, layout

__all__ = ["embed", "layout"]
