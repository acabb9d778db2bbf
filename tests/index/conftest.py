"""Embeddings on disk, as in tests of the other reader of them."""

from embedded import embed, few_queries, layout

__all__ = ["embed", "few_queries", "layout"]
