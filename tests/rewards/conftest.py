"""Embeddings on disk, as in tests of the other reader of them, and a gallery made of them."""

from embedded import embed, few_queries, layout
from word_gallery import world

__all__ = ["embed", "few_queries", "layout", "world"]
