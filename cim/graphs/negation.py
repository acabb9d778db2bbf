"""What a spaCy sentence says is not there, or not so: "no dog", "without a hat", "is not wearing a tie"."""

from collections.abc import Iterator
from typing import Any

_NO = ("no", "neither", "nor")
_NOBODY = ("none", "nobody", "nothing")
_NOT_REALLY = ("only", "just", "merely", "simply")  # "not only old but tall"
_FAR = "far"  # "not far from a bench": the bench is there
_PRESUPPOSED = ("the", "this", "that", "these", "those")  # "is not on the road": there is a road
_SEEN = ("see", "show", "depict", "picture", "visible", "present")  # "a dog is not visible" denies the dog
_BELOW_VERB = ("dobj", "attr", "acomp", "oprd", "prep", "agent", "xcomp", "ccomp", "pcomp", "advmod", "dative")
_BELOW_NOUN = ("acl", "relcl")


def denied(sentence: Any) -> set[int]:
    """Positions of the words that assert nothing: nouns named as absent, verbs and adjectives said not to hold.

    What is presupposed stays ("not on the road" denies the place, not the road), and so does what follows "but".
    Only no, none, nobody, nothing, neither, nor, not, never, without and lack deny; "empty of" or "missing" are read
    as they stand.
    """
    found: set[int] = set()
    for token in sentence:
        for word in _targets(token):
            _deny(word, found)
    return found


def _targets(token: Any) -> Iterator[Any]:
    """The words that `token` denies; none if it denies nothing, as in a name: "a no parking sign", "NO SMOKING"."""
    if token.i > token.sent.start and (token.nbor(-1).is_quote or token.nbor(-1).dep_ == "det"):
        return
    if token.dep_ == "neg" or token.lower_ in _NO:
        if not any(word.lower_ in _NOT_REALLY for word in (*token.children, *_next(token))):
            target = token.head
            while target.dep_ == "advmod":  # "no longer sits"
                target = target.head
            if target.pos_ in ("NOUN", "PROPN") and target.i < token.i:  # "a street, not a road"
                yield from (child for child in target.children if child.i > token.i and child.dep_ in ("appos", "conj"))
            else:
                yield target
    elif token.lower_ == "without" or token.lemma_ == "lack":
        yield from (child for child in token.children if child.dep_ in ("pobj", "pcomp", "dobj"))
    elif token.lower_ in _NOBODY:
        yield token


def _next(token: Any) -> list[Any]:
    return [token.nbor()] if token.i + 1 < token.sent.end else []


def _deny(word: Any, found: set[int]) -> None:
    """`word` itself, whatever its article, and what is said below it."""
    if word.i in found:
        return
    found.add(word.i)
    for other in _coordinated(word):
        _deny(other, found)
    if word.pos_ in ("VERB", "AUX"):
        _deny_verb(word, found)
    elif word.pos_ in ("NOUN", "PROPN", "PRON"):
        _deny_noun(word, found)


def _deny_verb(verb: Any, found: set[int]) -> None:
    if any(child.lower_ == _FAR for child in verb.children):
        return
    found.add(verb.i)
    below = _below(verb)
    there = any(child.dep_ == "expl" for child in verb.children)
    if there or any(word.lemma_.lower() in _SEEN for word in (verb, *below)):
        below += [child for child in verb.children if child.dep_ in ("nsubj", "nsubjpass")]
        for child in below:
            if child.dep_ in ("nsubj", "nsubjpass"):
                _deny(child, found)
    for child in below:
        _cover(child, found)


def _deny_noun(noun: Any, found: set[int]) -> None:
    found |= {child.i for child in noun.children if child.dep_ in ("compound", "nmod")}
    for child in noun.children:
        if child.dep_ in _BELOW_NOUN:  # "no man wearing a hat"
            _deny(child, found)
        elif child.dep_ == "prep" and child.lower_ in ("of", "with"):  # "no sign of people"
            _cover(child, found)
    if noun.dep_ in ("nsubj", "nsubjpass"):  # "no man wears a hat"
        found.add(noun.head.i)
        for child in _below(noun.head):
            _cover(child, found)


def _below(verb: Any) -> list[Any]:
    """What `verb` says after itself; "in a park" of "in a park there is no dog" is not denied."""
    return [child for child in verb.rights if child.dep_ in _BELOW_VERB]


def _cover(word: Any, found: set[int]) -> None:
    """`word` and all below it, but for what is presupposed and what comes after "but"."""
    given = any(child.lower_ in _PRESUPPOSED or child.dep_ == "poss" for child in word.children)
    if not given and word.pos_ != "PROPN":
        found.add(word.i)
        for child in word.children:
            if child.dep_ != "conj" or "but" not in _joins(word):
                _cover(child, found)


def _coordinated(word: Any) -> list[Any]:
    """Those after `word` that its denial reaches: "no dogs or cats", "no dogs and cats"; not "no dog and a cat"."""
    later = [other for other in word.conjuncts if other.i > word.i]
    joins = {join for part in (word, *later) for join in _joins(part)}
    if "but" in joins:
        return []
    if joins & {"or", "nor"}:
        return later
    nouns = [other for other in later if other.pos_ in ("NOUN", "PROPN")]
    return [other for other in nouns if not any(child.dep_ in ("det", "nummod") for child in other.children)]


def _joins(word: Any) -> list[str]:
    return [child.lower_ for child in word.children if child.dep_ == "cc"]
