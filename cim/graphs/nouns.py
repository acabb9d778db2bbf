"""Nouns of a spaCy sentence: their names, numbers and attributes."""

from collections.abc import Container, Iterator
from typing import Any

from cim.graphs.english import is_noun
from cim.graphs.wordnet import Wordnet

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SEEMING = ("be", "look", "seem", "appear", "become", "remain", "stay")


def heads(sentence: Any, wordnet: Wordnet) -> dict[int, str]:
    """Names of things by the positions of their words: lower case, singular.

    "two tennis rackets": "tennis racket" for both words, since WordNet has it; "brick house": "house" for the
    second (brick is an attribute).
    """
    names: dict[int, str] = {}
    for token in reversed(list(sentence)):
        if is_noun(token) and token.i not in names and not _is_color(token):
            parts = _parts(token, wordnet)
            belongs = token.dep_ == "compound" and is_noun(token.head) and not parts
            if not belongs:
                name = " ".join([*(part.lower_ for part in parts), _lemma(token, wordnet)])
                names |= {word.i: name for word in (*parts, token)}
    return names


def _lemma(token: Any, wordnet: Wordnet) -> str:
    """The singular; the tagger now and then takes a common noun for a name and leaves it in the plural."""
    return str(token.lemma_.lower()) if token.tag_ == "NNS" else wordnet.base(token.lower_, "n")


def _parts(token: Any, wordnet: Wordnet) -> list[Any]:
    """The longest run of nouns before `token` that is one WordNet noun together with it, however it was parsed."""
    run: list[Any] = []
    while token.i - len(run) > token.sent.start and is_noun(token.nbor(-len(run) - 1)):
        run.insert(0, token.nbor(-len(run) - 1))
    lemma = _lemma(token, wordnet)
    while run and not wordnet.knows(" ".join([*(part.lower_ for part in run), lemma])):
        del run[0]
    return run


def count(token: Any) -> int | None:
    """The number said of a noun ("two", "12"); None without one."""
    for child in token.children:
        if child.dep_ == "nummod":
            if child.lower_ in _NUMBERS:
                return _NUMBERS.index(child.lower_) + 1
            if child.text.isdecimal():
                return int(child.text)
    return None


def attributes(token: Any, name: str, denied: Container[int]) -> Iterator[str]:
    """What is said of a noun right beside it: adjectives, participles, and compounds that are not in its name.

    "old", "wooden", "parked" (before or after it: "a car parked outside"), "brick" in "brick house", "red" in
    "red color dress". denied: positions of words that assert nothing.
    """
    own = set(name.split())
    for child in token.children:
        if child.dep_ in ("compound", "nmod") and _is_color(child):
            yield from attributes(child, name, denied)
        elif child.dep_ in ("amod", "compound") and child.lower_ not in own:
            yield from (_said(word) for word in (child, *_joined(child)) if word.i not in denied)
        elif (
            child.dep_ == "acl" and child.tag_ in ("VBN", "VBG") and child.i not in denied and not any(_objects(child))
        ):
            yield child.lower_


def predicates(verb: Any, denied: Container[int]) -> Iterator[str]:
    """What a verb says of its subject: "is brown and small", "looks old", "is painted white", "is sitting".

    denied: positions of words that assert nothing.
    """
    for child in verb.children:
        described = (child.dep_ == "acomp" and verb.lemma_ in _SEEMING) or child.dep_ == "oprd"
        if described and child.pos_ in ("ADJ", "VERB", "NOUN"):
            yield from (_said(word) for word in (child, *_joined(child)) if word.i not in denied)
    participle = verb.tag_ in ("VBN", "VBG") and any(child.dep_ in ("aux", "auxpass") for child in verb.children)
    if participle and verb.i not in denied and not any(_objects(verb)):
        yield verb.lower_


def _objects(verb: Any) -> Iterator[Any]:
    return (child for child in verb.children if child.dep_ in ("dobj", "agent", "xcomp", "ccomp"))


def _is_color(token: Any) -> bool:
    """The word "color" itself, which neither names nor describes anything ("red color dress", "white in color")."""
    return token.lemma_.lower() in ("color", "colour")


def _joined(token: Any) -> list[Any]:
    """Adjectives coordinated with `token`: white in "black and white"."""
    return [word for word in token.conjuncts if word.pos_ in ("ADJ", "VERB") and word.i > token.i]


def _said(token: Any) -> str:
    """An adjective's base form ("bigger" says big); participles as they stand."""
    return str(token.lemma_.lower() if token.pos_ == "ADJ" else token.lower_)
