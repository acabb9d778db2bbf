"""What each word of a caption does for whoever reads it: name, describe, count, relate, deny, or nothing."""

import re
from typing import Literal

from cim.scenes.vocabulary import BACKGROUNDS, COLORS, NUMBERS, PLURALS, WORDS

Kind = Literal["noun", "plural", "background", "adjective", "number", "article", "some", "relation", "denial", "none"]
Meaning = tuple[Kind, str, str | int]  # what it does, kind of attribute (adjectives only), value

# Claim nothing about a scene, and end the run of words before them. Any word that is listed nowhere is a claim.
_NOTHING = """
, . ; : ! ? ( ) " and but of to on in at with against by for from as into it its they their which who that this these
those there here is are was were be been being has have sits sit stands stand lies lie placed positioned located shown
seen appears drawn painted shows show showing depicts depicting features contains colored coloured both also each image
picture photo drawing scene illustration side
"""
_OTHER_RELATIONS = "beside near next behind between around beneath underneath atop outside touching overlapping"
_MORE_NUMBERS = {1: "one", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten"}
_DENIALS = "no not without never neither nor none nothing zero 0"
_RELATIONS = {"left": "left of", "right": "right of"} | {
    word: relation for relation in ("above", "below", "inside") for word in WORDS["relation"][relation]
}

_MEANINGS: dict[str, Meaning] = {
    **dict.fromkeys(_NOTHING.split(), ("none", "", "")),
    **{word: ("relation", "", word) for word in _OTHER_RELATIONS.split()},
    **{word: ("relation", "", relation) for word, relation in _RELATIONS.items()},
    **dict.fromkeys(_DENIALS.split(), ("denial", "", "")),
    "or": ("denial", "", "or"),
    **dict.fromkeys(("a", "an"), ("article", "", 1)),
    "the": ("article", "", 0),
    **dict.fromkeys(("some", "several", "many", "few", "any"), ("some", "", 0)),
    **{word: ("number", "", number) for number, word in (NUMBERS | _MORE_NUMBERS).items()},
    **{word: ("noun", "", shape) for shape, words in WORDS["shape"].items() for word in words},
    **{PLURALS[word]: ("plural", "", shape) for shape, words in WORDS["shape"].items() for word in words},
    **dict.fromkeys(("background", "backgrounds"), ("background", "", "")),
    **{
        word: ("adjective", kind, value)
        for kind in ("size", "texture")
        for value, words in WORDS[kind].items()
        for word in words
    },
    **{color: ("adjective", "color", color) for color in (*COLORS, *BACKGROUNDS)},
}
_DIGITS = 10  # longer ones are no number of things
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[,.;:!?()\"]")


def words_of(caption: str) -> list[str]:
    """Words and punctuation, lower case, without 's; nothing else of a caption can be read."""
    return [word.removesuffix("'s") for word in _TOKEN.findall(caption.lower().replace("\u2019", "'"))]


def meaning(word: str) -> Meaning | None:
    """What a word does; None outside the vocabulary."""
    if word in _MEANINGS:
        return _MEANINGS[word]
    if word.endswith("n't"):
        return "denial", "", ""
    return ("number", "", int(word)) if word.isdecimal() and len(word) < _DIGITS else None
