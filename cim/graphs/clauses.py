"""Relations of a spaCy sentence: who does what to whom, and what is where."""

from collections.abc import Iterator
from typing import Any

from cim.graphs.wordnet import Wordnet

# Parts of places: "in front of", "on the left side of" are one preposition.
_ENDS = ("front", "back", "rear", "top", "bottom", "left", "right", "edge", "corner", "end")
PLACES = frozenset((*_ENDS, "middle", "center", "centre", "side"))
_SUBJECTS = ("nsubj", "nsubjpass")
_WHO = ("who", "which", "that")


def subjects(verb: Any) -> list[Any]:
    """The nouns a verb is about, coordinated ones included.

    A verb without a subject of its own has that of the verb it depends on ("sits and reads", "appears to sit");
    one that describes a noun is about that noun ("a woman wearing", "a dog that runs"); in "there is a dog" it is
    the dog.
    """
    own = [child for child in verb.children if child.dep_ in _SUBJECTS]
    if any(child.lower_ in _WHO for child in own):
        own = [verb.head] if verb.dep_ == "relcl" else []
    elif any(child.dep_ == "expl" for child in verb.children):
        own = [child for child in verb.children if child.dep_ in ("attr", "nsubj", "dobj")]
    elif not own and verb.dep_ in ("acl", "relcl"):
        own = [verb.head]
    elif not own and verb.dep_ in ("conj", "xcomp", "advcl") and verb.head.pos_ in ("VERB", "AUX"):
        return subjects(verb.head)
    return [word for noun in own for word in together(noun)]


def together(noun: Any) -> list[Any]:
    """A noun and those coordinated after it: "a cup, a plate and a fork"."""
    return [noun, *(word for word in noun.conjuncts if word.i > noun.i)]


def verb_relations(verb: Any, about: list[Any], wordnet: Wordnet) -> Iterator[tuple[Any, str, Any]]:
    """(subject, relation, object) tokens of a verb: "hold"; "sit on"; "hold by" for passives; "on" for "is on"."""
    being = verb.lemma_ == "be"
    action = verb_base(verb, wordnet)
    if not being:
        for child in verb.children:
            if child.dep_ == "dobj":
                yield from ((subject, action, other) for subject in about for other in together(child))
    for words, other in _places(verb):
        relation = words if being else f"{action} {words}"
        yield from ((subject, relation, other) for subject in about)


def verb_base(verb: Any, wordnet: Wordnet) -> str:
    """ "ride" for "riding" (spaCy's small model says "rid"): WordNet's first form of it, else spaCy's."""
    bases = (base for base in wordnet.bases(verb.lower_, "v") if base != verb.lower_)
    return str(verb.lemma_.lower()) if verb.tag_ in ("VB", "VBP") else next(bases, verb.lemma_.lower())


def noun_relations(noun: Any) -> Iterator[tuple[Any, str, Any]]:
    """(noun, preposition, noun) tokens of what hangs on a noun: "a dog with a ball"; "the dog's head" is "of" it."""
    yield from ((noun, words, other) for words, other in _places(noun))
    yield from ((noun, "of", child) for child in noun.children if child.dep_ == "poss")


def inner_places(sentence: Any) -> set[int]:
    """Positions of nouns that are part of a preposition ("front" in "in front of") and so name nothing."""
    return {
        place.i
        for token in sentence
        if token.dep_ in ("prep", "agent")
        for place in token.children
        if _of(place) is not None
    }


def _places(token: Any) -> Iterator[tuple[str, Any]]:
    """Prepositions below a verb or noun and the nouns they lead to."""
    for child in token.children:
        if child.dep_ in ("prep", "agent"):
            yield from _follow(child, "")
        elif child.dep_ in ("advmod", "acomp"):  # "next to", "close to", "adjacent to"
            for inner in child.children:
                if inner.dep_ == "prep":
                    yield from _follow(inner, f"{child.lower_} ")


def _follow(preposition: Any, before: str) -> Iterator[tuple[str, Any]]:
    words = before + preposition.lower_
    for child in preposition.children:
        if child.dep_ == "prep":  # "out of", "from behind"
            yield from _follow(child, f"{words} ")
        elif child.dep_ == "pobj":
            inner = _of(child)
            if inner is None:
                yield from ((words, noun) for noun in together(child))
            else:
                yield from _follow(inner, f"{words} {_place_name(child)} ")


def _of(noun: Any) -> Any | None:
    """The "of" or "to" after a place ("the front of", "to the left of"), when a noun follows it."""
    if noun.dep_ == "pobj" and noun.lemma_.lower() in PLACES:
        for child in noun.children:
            if child.dep_ == "prep" and child.lower_ == "of" and any(word.dep_ == "pobj" for word in child.children):
                return child
    return None


def _place_name(place: Any) -> str:
    """ "left side" of "the left side"; articles left out."""
    kinds = [child.lower_ for child in place.lefts if child.dep_ in ("amod", "compound", "nmod")]
    return " ".join([*kinds, place.lower_])
