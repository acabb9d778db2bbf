"""Sentences back to scene graphs: what a caption claims, read word by word.

The parser is lenient: a generated caption may break the grammar, and every claim that can be
read in it counts, right or wrong.
"""

import re
from typing import Any

from cim.scenes.vocabulary import BACKGROUNDS, COLORS, NUMBERS, PLURALS, WORDS

_ADJECTIVES: dict[str, tuple[str, str]] = {
    word: (kind, value) for kind in ("size", "texture") for value, words in WORDS[kind].items() for word in words
} | {color: ("color", color) for color in COLORS}
_SINGULAR = {word: shape for shape, words in WORDS["shape"].items() for word in words}
_PLURAL = {PLURALS[word]: shape for word, shape in _SINGULAR.items()}
_COUNTS: dict[str, int | None] = {"some": None, "a": 1, "an": 1, **{word: count for count, word in NUMBERS.items()}}
_RELATION_WORDS = {"left": "left of", "right": "right of"} | {
    word: relation for relation in ("above", "below", "inside") for word in WORDS["relation"][relation]
}
_BACKGROUND = re.compile(rf"\b({'|'.join(BACKGROUNDS)}) background\b")


def parse(caption: str) -> dict[str, Any]:
    """The graph a caption claims: {"background", "objects", "relations"}, unsaid facts None.

    A plural without a number ("some circles") claims no count. A relation holds between the
    object named last before it and the next one named; without both it claims nothing.
    """
    text = caption.lower()
    background = _BACKGROUND.search(text)
    text = _BACKGROUND.sub(" ", text)
    objects: list[dict[str, Any]] = []
    relations: list[list[Any]] = []
    facts: dict[str, Any] = {}
    pending: str | None = None
    for word in re.findall(r"[a-z]+", text):
        if word in _ADJECTIVES:
            kind, value = _ADJECTIVES[word]
            facts.setdefault(kind, value)
        elif word in _COUNTS:
            facts = {"count": _COUNTS[word]}
        elif word in _RELATION_WORDS:
            pending, facts = (_RELATION_WORDS[word] if objects else None), {}
        elif (shape := _SINGULAR.get(word) or _PLURAL.get(word)) is not None:
            count = facts.get("count", 1 if word in _SINGULAR else None)
            described = {kind: facts.get(kind) for kind in ("color", "size", "texture")}
            objects.append({"shape": shape, **described, "count": count})
            if pending is not None:
                relations.append([len(objects) - 2, pending, len(objects) - 1])
            pending, facts = None, {}
    return {"background": background and background[1], "objects": objects, "relations": relations}
