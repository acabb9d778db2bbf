"""Sentences back to scene graphs: what a caption claims, read word by word.

The parser is lenient: a generated caption may break the grammar. But it forgets nothing: every claim counts,
right or wrong, so that hedging ("a red blue circle") costs what it gains. A word that neither the vocabulary nor the
list of empty words has is a claim as well, one that no scene can meet.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from cim.scenes.vocabulary import BACKGROUNDS, COLORS, NUMBERS, PLURALS, WORDS

_DESCRIBED = ("color", "size", "texture", "count")
Claims = list[tuple[str, str | int]]  # (kind, value)
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


def parse(caption: str) -> dict[str, Any]:
    """The graph a caption claims: {"background", "objects", "relations"}, unsaid facts None.

    A plural without a number ("some circles") claims no count. A relation holds between the object named last
    before it and the next one named; None stands for an end that is not named. Adjectives that no noun follows
    describe what was named last. Only captions that hedge, deny or leave the vocabulary have more:

    - "extra" of an object: [kind, value] beyond the first of its kind, kind "other" for words outside the vocabulary,
      "not color" and so on for what is denied. "extra" of the graph: the same for kind "background", and
      as "other" all adjectives when nothing is named.
    - A noun outside the vocabulary ("a dog") is an object of that shape.
    - "denied": objects said not to be there. A denied relation is called "not left of" and so on.
    """
    reader = _Reader()
    for word in _words_of(caption):
        reader.read(word)
    return reader.graph()


@dataclass
class _Phrase:
    """Words that wait for their noun."""

    claims: Claims = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    opened: bool = False  # by an article, a number or "some"
    article: bool = False
    counted: bool = True  # False after "some"
    denied: bool = False

    def said(self) -> Claims:
        """What was said of the noun, without the number that an article or the noun's form tells."""
        return [*self.claims, *(("other", word) for word in self.unknown)]


@dataclass
class _Reader:
    named: list[tuple[str, Claims]] = field(default_factory=list)
    absent: list[tuple[str, Claims]] = field(default_factory=list)
    relations: list[list[Any]] = field(default_factory=list)
    background: Claims = field(default_factory=list)
    last: Claims | None = None  # of what was named last
    pending: list[str] = field(default_factory=list)
    phrase: _Phrase = field(default_factory=_Phrase)

    def read(self, word: str) -> None:
        match _meaning(word):
            case None:
                self.phrase.unknown.append(word)
            case ("adjective", kind, value):
                self.phrase.claims.append((kind, value))
            case ("noun" | "plural" as form, _, shape):
                self._name(str(shape), singular=form == "noun")
            case ("background", _, _):
                denied = self.phrase.denied
                self.background += [(_denied("background", denied), str(value)) for _, value in self.phrase.said()]
                self.last, self.phrase = self.background, _Phrase()
            case ("relation", _, relation):
                self._end_phrase()
                self.pending.append(_denied(str(relation), self.phrase.denied))
                self.phrase.denied = False
            case ("article" | "some" | "number" as form, _, count):
                if self.phrase.opened:  # "a small three circles": all of it is said of the circles
                    self._name_unknown()
                else:  # "the circle is red and a ...": said of the circle
                    self._end_phrase()
                self.phrase.opened = True
                self.phrase.article |= form == "article" and count == 1
                self.phrase.counted &= form != "some"
                self.phrase.claims += [("count", count)] if form == "number" else []
            case ("denial", _, which):
                self._end_phrase()
                self.phrase.denied |= which != "or" or any(self.last is claims for _, claims in self.absent)
            case _:
                self._name_unknown()
                self.phrase.article = False  # "a picture of two stars" counts no stars by its "a"

    def graph(self) -> dict[str, Any]:
        self._end_phrase()
        self.background += [("other", value) for _, value in self.phrase.claims]  # of a caption that names nothing
        self.relations += [[len(self.named) - 1 if self.named else None, name, None] for name in self.pending]
        scene = _described(self.background, ("background",))
        objects = [{"shape": shape, **_described(claims, _DESCRIBED)} for shape, claims in self.named]
        absent = [{"shape": shape, **_described(claims, _DESCRIBED)} for shape, claims in self.absent]
        found = {"background": scene.pop("background"), "objects": objects, "relations": self.relations, **scene}
        return found | ({"denied": absent} if absent else {})

    def _name(self, shape: str, singular: bool) -> None:
        phrase, self.phrase = self.phrase, _Phrase()
        said = phrase.said()
        self.last = said
        if phrase.denied:
            self.absent.append((shape, said))
        else:
            numbered = any(kind == "count" for kind, _ in said)
            if phrase.article or (singular and phrase.counted and not numbered):
                said.append(("count", 1))
            before = len(self.named) - 1 if self.named else None
            self.relations += [[before, name, len(self.named)] for name in self.pending]
            self.named.append((shape, said))
        self.pending = []

    def _name_unknown(self) -> None:
        """Words outside the vocabulary that nothing follows: an object, named by the last of them."""
        if self.phrase.unknown:
            self._name(self.phrase.unknown.pop(), singular=False)

    def _end_phrase(self) -> None:
        self._name_unknown()
        if self.phrase.claims and self.last is not None:
            about = "background" if self.last is self.background else None
            self.last += [(_denied(about or kind, self.phrase.denied), value) for kind, value in self.phrase.claims]
            self.phrase = _Phrase()


def _denied(name: str, denied: bool) -> str:
    return f"not {name}" if denied else name


def _described(claims: Claims, kinds: tuple[str, ...]) -> dict[str, Any]:
    """The first claim of each kind, None where there is none, and the others, each once, as "extra"."""
    first = {kind: next((value for said, value in claims if said == kind), None) for kind in kinds}
    extra = [[kind, value] for kind, value in dict.fromkeys(claims) if first.get(kind) != value]
    return first | ({"extra": extra} if extra else {})


def _words_of(caption: str) -> list[str]:
    """Words and punctuation, lower case, without 's; nothing else of a caption can be read."""
    return [word.removesuffix("'s") for word in _TOKEN.findall(caption.lower().replace("\u2019", "'"))]


def _meaning(word: str) -> Meaning | None:
    """What a word does; None outside the vocabulary."""
    if word in _MEANINGS:
        return _MEANINGS[word]
    if word.endswith("n't"):
        return "denial", "", ""
    return ("number", "", int(word)) if word.isdecimal() and len(word) < _DIGITS else None
