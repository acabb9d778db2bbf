"""A gallery on disk with a fake encoder, and a finished workspace."""

from embedded import embed, layout
from word_gallery import world

__all__ = ["embed", "layout", "world"]
