"""Captions to queries, one odd caption costing nobody else's."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from cim.errors import CimError

Queries = npt.NDArray[np.float32]
PLAIN = "a picture"
"""A text that every encoder can encode: if this fails, the encoder is broken, not the caption."""


def encode_each(encode: Callable[[list[str]], Queries], captions: list[str]) -> Queries:
    """(b, d) queries of b captions, b at least 1; NaN in the rows of those on which `encode` raises.

    One call where nothing goes wrong. Tokenizers raise many kinds on texts that are no text (half of a surrogate
    pair), and always for the whole batch: it is halved until the culprits stand alone. Where even a plain text is
    refused, what `encode` raised is raised: no caption is to blame.
    """
    try:
        return encode(captions)
    except (CimError, MemoryError):
        raise
    except Exception:
        if len(captions) == 1:
            return np.full_like(encode([PLAIN]), np.nan)
        half = len(captions) // 2
        return np.concatenate([encode_each(encode, captions[:half]), encode_each(encode, captions[half:])])
