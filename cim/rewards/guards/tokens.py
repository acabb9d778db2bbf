"""Special tokens: image pads, roles and other marks that belong to the model and not to a caption."""

import re
from dataclasses import dataclass

from cim.rewards.guards.said import Said

# <|im_end|>, <image>, </s>, [INST], [/IMG], <<SYS>>: how models write their marks.
_WRITTEN = re.compile(r"<\|[^<>]*\|?>|<</?\w+>>|</?[a-zA-Z_]\w*>|\[/?[A-Z][A-Z_]+\]")


@dataclass(frozen=True)
class Tokens:
    """-1 for any special token, else 0.

    marks: ids that no caption may hold (`cim.captioners.special_tokens`). Decoding leaves special tokens out, so that
    only the ids show them; written out letter by letter, only the text does.
    """

    marks: frozenset[int]

    def __call__(self, said: Said) -> float:
        return -float(not self.marks.isdisjoint(said.tokens) or _WRITTEN.search(said.text) is not None)
