"""Nouns of a spaCy sentence: their names, numbers and attributes."""

from collections.abc import Iterator
from typing import Any

from cim.graphs.english import is_noun
from cim.graphs.wordnet import Wordnet

_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_SEEMING = ("be", "look", "seem", "appear", "become", "remain", "stay")


def heads(sentence: Any, wordnet: Wordnet) -> dict[int, str]:
    """Names of things by the position of their head: lower case, singular, with the words that belong to the name.

    "two tennis rackets": "tennis racket", since WordNet has it; "brick house": "house" (brick is an attribute).
    """
    nouns = [token for token in sentence if is_noun(token)]
    names = {token.i: _lemma(token, wordnet) for token in nouns}
    inside = {part.i for token in nouns for part in _parts(token, names, wordnet)}
    return {
        token.i: " ".join([*(part.lower_ for part in _parts(token, names, wordnet)), names[token.i]])
        for token in nouns
        if token.i not in inside and not (token.dep_ == "compound" and is_noun(token.head))
    }


def _lemma(token: Any, wordnet: Wordnet) -> str:
    """The singular; the tagger now and then takes a common noun for a name and leaves it in the plural."""
    return str(token.lemma_.lower()) if token.tag_ == "NNS" else wordnet.base(token.lower_, "n")


def _parts(token: Any, names: dict[int, str], wordnet: Wordnet) -> list[Any]:
    """The longest run of words before `token` that is one WordNet noun together with it."""
    before = [left for left in token.lefts if left.dep_ == "compound"]
    for start in range(len(before)):
        run = before[start:]
        adjoining = [part.i for part in run] == list(range(token.i - len(run), token.i))
        if adjoining and wordnet.knows(" ".join([*(part.lower_ for part in run), names[token.i]])):
            return run
    return []


def count(token: Any) -> int | None:
    """The number said of a noun ("two", "12"); None without one."""
    for child in token.children:
        if child.dep_ == "nummod":
            if child.lower_ in _NUMBERS:
                return _NUMBERS.index(child.lower_) + 1
            if child.text.isdecimal():
                return int(child.text)
    return None


def attributes(token: Any, name: str) -> Iterator[str]:
    """What is said of a noun right beside it: adjectives, participles, and compounds that are not in its name.

    "old", "wooden", "parked" (before or after it: "a car parked outside"), "brick" in "brick house".
    """
    own = set(name.split())
    for child in token.children:
        if child.dep_ in ("amod", "compound") and child.lower_ not in own:
            yield from (_said(word) for word in (child, *_joined(child)))
        elif child.dep_ == "acl" and child.tag_ in ("VBN", "VBG") and not any(_objects(child)):
            yield child.lower_


def predicates(verb: Any) -> Iterator[str]:
    """What a verb says of its subject: "is brown and small", "looks old", "is painted white", "is sitting"."""
    for child in verb.children:
        described = (child.dep_ == "acomp" and verb.lemma_ in _SEEMING) or child.dep_ == "oprd"
        if described and child.pos_ in ("ADJ", "VERB", "NOUN"):
            yield from (_said(word) for word in (child, *_joined(child)))
    participle = verb.tag_ in ("VBN", "VBG") and any(child.dep_ in ("aux", "auxpass") for child in verb.children)
    if participle and not any(_objects(verb)):
        yield verb.lower_


def _objects(verb: Any) -> Iterator[Any]:
    return (child for child in verb.children if child.dep_ in ("dobj", "agent", "xcomp", "ccomp"))


def _joined(token: Any) -> list[Any]:
    """Adjectives coordinated with `token`: white in "black and white"."""
    return [word for word in token.conjuncts if word.pos_ in ("ADJ", "VERB") and word.i > token.i]


def _said(token: Any) -> str:
    """An adjective's base form ("bigger" says big); participles as they stand."""
    return str(token.lemma_.lower() if token.pos_ == "ADJ" else token.lower_)
