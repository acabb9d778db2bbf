"""CHAIR: objects a caption names that are not there. What it denies ("no dog", "without a bike") it does not name.

How far a denial reaches is told by the words alone, without a parser.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cim.errors import CimError
from cim.languages.language import Denials
from cim.metrics.coco_objects import tokens_of
from cim.metrics.vocabulary import Vocabulary

_MARKS = (".", ",", ";", ":", "!", "?", "(", ")")
_REACH = 3  # words from a denial to the object, the object included: "no big red car", but "no more than two cars"


@dataclass(frozen=True)
class Objects:
    """Of one caption: mentions of objects, mentions of absent ones, objects there, those of them mentioned."""

    said: int
    absent: int
    there: int
    covered: int


def present_objects(
    annotated: Iterable[str] | None, references: Sequence[str], vocabulary: Vocabulary
) -> set[str] | None:
    """Objects of an image: annotated names joined with what its references mention, as the paper joins them.

    None without either: nothing can be said. Without annotations what no reference mentions counts as absent, so few
    references make more hallucinations. Raises CimError for an annotated name that is none of the vocabulary's.
    """
    if annotated is None and not references:
        return None
    names = set(annotated or ())
    if strange := sorted(names - set(vocabulary.names)):
        raise CimError(
            f"{strange[0]!r} among the coco_objects of an image",
            "names of COCO's 80 objects, or those of evaluate.objects",
            "mend extra.coco_objects in the source's .json files, or leave it out; or add a line to evaluate.objects",
        )
    return names.union(*(mentioned_objects(reference, vocabulary) for reference in references))


def chair(caption: str, there: set[str], vocabulary: Vocabulary) -> Objects:
    """Counts for CHAIRi (sum of absent / sum of said) and CHAIRs (share with absent > 0), Rohrbach et al. 2018,
    arXiv 1809.02156; and for coverage (sum of covered / sum of there), without which silence would be best."""
    said = mentioned_objects(caption, vocabulary)
    return Objects(len(said), sum(name not in there for name in said), len(there), len(there & set(said)))


def mentioned_objects(caption: str, vocabulary: Vocabulary) -> list[str]:
    """Names of the objects a caption mentions, in order, once a mention. The longest words win: a hot dog is none.

    A baby elephant is an elephant and a baseball player only a person: see the lists in cim/metrics/coco_objects.py.
    "A man's watch" mentions a person; "no dog" and "without a dog" mention none.
    """
    tokens, denial = tokens_of(caption), Denial(vocabulary.denials)
    found: list[str] = []
    at, known = 0, vocabulary.words
    while at < len(tokens):
        for length in range(vocabulary.longest, 0, -1):
            part = tokens[at : at + length]
            if " ".join(part) in known:
                if not denial.object(part[-1]):
                    found.extend(known[" ".join(part)])
                at += len(part)
                break
        else:
            denial.word(tokens[at])
            at += 1
    return found


@dataclass
class Denial:
    """Walks along the words of a caption. reach: words left to the last denial; 0 when none is open. words: of denial.

    It errs on the side of hearing an assertion: of "no people, cars or dogs" only the people are denied.
    """

    words: Denials
    reach: int = 0
    _weak: int = 0
    _joined: bool = False  # the word before ended a denied object
    _before: str = ""

    def word(self, token: str) -> None:
        """Go past a word that is no object."""
        before, self._before = self._before, token
        listed, self._joined = self._joined, False
        known = self.words
        strong, weak = token in known.strong, token in known.weak or token.endswith(known.weak_ends)
        if strong or weak:
            self._open(_REACH if strong else 0, _REACH + 1 if weak else 0)
        elif token in _MARKS or token in known.ends:
            self._open(0, 0)
        elif token in known.indefinite and self._weak:
            self._open(_REACH, 0)
        elif token in known.indefinite or token in known.definite:
            goes_on = before in known.strong or before in known.carries
            self._open(self.reach if goes_on else 0, 0)
        elif token in known.joins:
            self._open(_REACH if listed else 0, 0)
        elif token in known.places:
            self._open(0, self._weak - 1)
        else:
            self._open(self.reach - 1, self._weak - 1)

    def object(self, last: str) -> bool:
        """Go past an object, `last` being its last word: is it denied? "or", "nor" and "and" carry a denial on."""
        self._joined, self._before = self.reach > 0, last
        self._open(0, 0)
        return self._joined

    def _open(self, reach: int, weak: int) -> None:
        self.reach, self._weak = max(reach, 0), max(weak, 0)
