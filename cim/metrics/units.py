"""Facts one by one, as small as they can be checked: how many a caption says, how many of them are right.

Of a generated scene the units are exact: shape, colour, size, texture and count of each thing, the relation, the
background. Units of other texts: `cim.detailed.units`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from cim.metrics.scenes import ATTRIBUTES, Graph
from cim.scenes.vocabulary import INVERSE

# beta squared: what recall weighs beside precision, so that truth, a wrong fact and silence keep their order
BETA = 0.5
_KINDS = ("shape", *ATTRIBUTES)
_FEW = 6  # things of a caption that are tried as one of the scene's


@dataclass(frozen=True)
class UnitCounts:
    """said: units of captions, right: those of them that are. there: units of the truth, told: those that are said.

    aside: what says nothing that could be seen, in none of these. unjudged: units that nobody could judge, likewise.
    """

    right: int = 0
    said: int = 0
    told: int = 0
    there: int = 0
    aside: int = 0
    unjudged: int = 0

    def __add__(self, other: "UnitCounts") -> "UnitCounts":
        return UnitCounts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def precision(self) -> float | None:
        """right / said, in [0, 1]; None where nothing is said."""
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        """told / there, in [0, 1]; None where there is nothing."""
        return self.told / self.there if self.there else None

    def f(self, beta: float = 1.0) -> float | None:
        """F of precision and recall, `beta` squared being what recall weighs; 0 for silence, None where both are."""
        if not self.said and not self.there:
            return None
        weighed = beta * self.right * self.there + self.told * self.said
        return (1 + beta) * self.right * self.told / weighed if weighed else 0.0


def scene_units(truth: Graph, said: Graph) -> UnitCounts:
    """Of a scene's true graph and of a caption's (`cim.scenes.parse`).

    Things are paired so that most agrees, whatever their shapes: one of another shape is one wrong fact, not all of
    its facts. All that is said counts: a further thing, colour, or a word that no scene knows is a unit too many.
    """
    things, named = truth["objects"], said["objects"]
    best = max((_matched(truth, said, order) for order in _pairings(len(things), len(named))), default=0)
    there = sum(thing.get(kind) is not None for thing in things for kind in _KINDS)
    there += len(truth["relations"]) + (truth["background"] is not None)
    claimed = sum(sum(thing.get(kind) is not None for kind in _KINDS) + len(thing.get("extra", ())) for thing in named)
    claimed += len(said["relations"]) + (said["background"] is not None) + len(said.get("extra", ()))
    return UnitCounts(best, claimed, best, there)


def _matched(truth: Graph, said: Graph, pairs: Sequence[tuple[int, int]]) -> int:
    agreeing = [(truth["objects"][i].get(kind), said["objects"][j].get(kind)) for i, j in pairs for kind in _KINDS]
    agreeing.append((truth["background"], said["background"]))
    of = {j: i for i, j in pairs}
    claims = {(of.get(left), name, of.get(right)) for left, name, right in said["relations"]}
    claims |= {(right, INVERSE[name], left) for left, name, right in claims if name in INVERSE}
    found: int = sum(true is not None and true == claim for true, claim in agreeing)
    return found + sum(tuple(relation) in claims for relation in truth["relations"])


def _pairings(things: int, named: int) -> list[list[tuple[int, int]]]:
    """All ways to give each thing another one of the first few that are named."""
    few = min(named, _FEW)
    if few >= things:
        return [list(enumerate(chosen)) for chosen in permutations(range(few), things)]
    return [[(i, j) for j, i in enumerate(chosen)] for chosen in permutations(range(things), few)]
