"""Which facts two captions share: the same words first, then synonyms, then how near their meanings are.

The three steps of CAPTURE (Dong et al., "Benchmarking and Improving Detail Image Caption", arXiv 2405.19092).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cim.graphs.phrases import Phrases
from cim.graphs.wordnet import Wordnet

Fact = tuple[str, ...]  # (object,), (attribute,) or (subject, relation, object)
Related = Callable[[str, str], bool]


@dataclass(frozen=True)
class Agreement:
    """How much of what was predicted is true, and how much of what is true was predicted; 0 where there is nothing."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean; 0 when both are 0."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both > 0 else 0.0


class Matcher:
    """Matches facts one to one where words agree, and compares the rest by their vectors."""

    def __init__(self, related: Related, phrases: Phrases) -> None:
        """related: may two different words stand for each other? phrases: vectors of the rest."""
        self._related = related
        self._phrases = phrases

    def match(self, predicted: Sequence[Fact], true: Sequence[Fact]) -> Agreement:
        """Precision and recall of `predicted` against `true`.

        Equal facts are paired first, then facts related in each of their words, in the order given. Of the rest,
        each counts as much as its largest cosine with the other side's rest (which pairs nothing off).
        """
        if not predicted or not true:
            return Agreement(0.0, 0.0)
        ours, theirs = list(predicted), list(true)
        pairs = _pair_off(ours, theirs, lambda a, b: a == b)
        pairs += _pair_off(ours, theirs, self._all_related)
        near_ours, near_theirs = 0.0, 0.0
        if ours and theirs:
            cosines = self._phrases.cosines([" ".join(fact) for fact in ours], [" ".join(fact) for fact in theirs])
            near_ours, near_theirs = float(cosines.max(axis=1).sum()), float(cosines.max(axis=0).sum())
        return Agreement((pairs + near_ours) / len(predicted), (pairs + near_theirs) / len(true))

    def _all_related(self, a: Fact, b: Fact) -> bool:
        return all(self._related(x, y) for x, y in zip(a, b, strict=True))


class Synonyms:
    """Words related by containing one another, or by a word that is in a synset of both."""

    def __init__(self, wordnet: Wordnet, contains: Callable[[str, str], bool]) -> None:
        self._wordnet = wordnet
        self._contains = contains

    def __call__(self, a: str, b: str) -> bool:
        """May `a` and `b` stand for each other?"""
        if self._contains(a, b) or self._contains(b, a):
            return True
        return not self._wordnet.synonyms(a).isdisjoint(self._wordnet.synonyms(b))


class OneSynset:
    """Words related by one being the end of the other, where English has its heads, or by a synset that holds both.

    Narrower than `Synonyms`, CAPTURE's rule: there "cat" may stand for "couch", since "cast" is in a synset of each,
    and "fire" for "fire hydrant". Whether a name is a kind of its head is not asked: see docs/metrics.md.
    """

    def __init__(self, wordnet: Wordnet) -> None:
        self._wordnet = wordnet

    def __call__(self, a: str, b: str) -> bool:
        """May `a` and `b` stand for each other?"""
        return ends_with(a, b) or ends_with(b, a) or self._together(a, b) or self._together(b, a)

    def _together(self, a: str, b: str) -> bool:
        return b.replace(" ", "_") in self._wordnet.synonyms(a)


def contains_text(a: str, b: str) -> bool:
    """Is `b` anywhere in `a`, as in capture-metric? So "carpet" holds "car", and "old" is in "gold"."""
    return b in a


def contains_words(a: str, b: str) -> bool:
    """Does `a` hold the whole words of `b`? "tennis racket" holds "racket"; "carpet" does not hold "car"."""
    return f" {b} " in f" {a} "


def ends_with(a: str, b: str) -> bool:
    """Are the last words of `a` those of `b`? "tennis racket" and "racket"; not "fire hydrant" and "fire"."""
    return f" {a}".endswith(f" {b}")


def _pair_off(ours: list[Fact], theirs: list[Fact], same: Callable[[Fact, Fact], bool]) -> int:
    """Remove pairs that are the same, each of ours with the first of theirs that is left; how many there were."""
    rest = []
    for fact in ours:
        partner = next((i for i, other in enumerate(theirs) if same(fact, other)), None)
        if partner is None:
            rest.append(fact)
        else:
            del theirs[partner]
    pairs = len(ours) - len(rest)
    ours[:] = rest
    return pairs
