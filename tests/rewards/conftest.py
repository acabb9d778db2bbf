"""Embeddings on disk, as in tests of the other reader of them, and a gallery made of them."""

from embedded import embed, layout
from word_gallery import world

__all__ = ["embed", "layout", "world"]
