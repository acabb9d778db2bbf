"""What each retrieval space searches, and how deep: known before there is an index."""

PARTS = {"caption_text": ("caption_text",), "clip": ("clip",), "fused": ("caption_text", "clip")}
"""By the name in params: the parts of data/index that a space searches."""

CAPTIONS = "caption_text"
"""The part whose rows are the gallery's captions, which the guard `copied` knows in every space."""

CLIP = "clip"
"""The part whose rows are the gallery's pictures."""

CONSTANT = 60
"""Of reciprocal-rank fusion, as in Cormack, Clarke and Buettcher, SIGIR 2009."""


def depth_of(k: int) -> int:
    """How deep each part is searched for k fused items: 60 + 2k.

    An item below that in both parts would score at most 2 / (61 + depth), less than the 1 / (60 + k) that each of the
    first k of any part has: it could not be among the k best. A rank beyond the depth counts nothing.
    """
    return CONSTANT + 2 * k


def searched(space: str, k: int) -> int:
    """How deep the space of this name searches each of its parts for k items: what their recall is measured at."""
    return k if len(PARTS[space]) == 1 else depth_of(k)
