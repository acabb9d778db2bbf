"""What counts as text with something in it: one rule for captions that come in and captions that are judged."""

import unicodedata


def says_something(caption: str) -> bool:
    """Whether anything would be seen: not only blanks, controls, zero-width marks or halves of characters."""
    return any(unicodedata.category(character)[0] not in "CZ" for character in caption)
