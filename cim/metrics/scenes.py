"""Ground truth against what a caption claims: objects, attributes and relations, counted image by image."""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

# {"background", "objects": [{"shape", ...}], "relations": [[i, relation, j]]}; unsaid is None. What a caption says
# beyond that ("extra", "denied"): `cim.scenes.parse`.
Graph = dict[str, Any]
Matching = dict[int, int]  # predicted object -> true object
Related = tuple[int | None, str, int | None]  # None: an end that no caption names

ATTRIBUTES = ("color", "size", "texture", "count")
KINDS = ("objects", "attributes", "relations")
DETAILS = (*ATTRIBUTES, "background")  # what "attributes" is made of
_MIRRORED = {"right of": "left of", "below": "above"}  # "inside" has no predicted inverse
_NOT = "not "  # before the name of what is denied
_LIMIT = 5_000  # matchings looked at one by one; beyond it, one best assignment is taken


@dataclass(frozen=True)
class Counts:
    """Facts of one kind: how many the caption predicted, how many are true, how many of them match.

    Precision is matched / predicted, recall matched / true, F1 2 matched / (predicted + true); each undefined over 0.
    """

    matched: int = 0
    predicted: int = 0
    true: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.matched + other.matched, self.predicted + other.predicted, self.true + other.true)


def score_scene(truth: Graph, predicted: Graph) -> dict[str, Counts]:
    """Counts by kind, for one image: KINDS, then DETAILS (the parts of "attributes").

    - An object is right when it is matched one-to-one with a true object of its shape.
    - An attribute is right when its object is matched and the true object has the same value; predicted of
      an unmatched object it is wrong. The background is an attribute of the scene. Words outside the
      vocabulary are wrong attributes, of none of DETAILS.
    - A relation is right when it holds between the matched objects; "A left of B" and "B right of A"
      are one fact, as are above and below.
    - Everything predicted counts: of "a red blue circle" one colour of two can be right. A fact predicted twice of the
      same objects counts once, an object named twice is two objects.
    - A denial ("no circle", "not red", "not left of") is predicted and wrong when what it denies is true, else nothing:
      true ones have no end, and may not raise precision.
    """
    matching = match_objects(truth, predicted)
    named = len(predicted["objects"]) + sum(_there(truth, thing) for thing in predicted.get("denied", ()))
    counts = {"objects": Counts(len(matching), named, len(truth["objects"]))}
    for name in ATTRIBUTES:
        counts[name] = Counts(
            sum(_agrees(predicted["objects"][i], truth["objects"][j], name) for i, j in matching.items()),
            sum(len(_values(thing, name)) for thing in predicted["objects"])
            + sum(
                _agrees(predicted["objects"][i], truth["objects"][j], name, _NOT + name) for i, j in matching.items()
            ),
            sum(thing.get(name) is not None for thing in truth["objects"]),
        )
    counts["background"] = Counts(
        int(_agrees(predicted, truth, "background")),
        len(_values(predicted, "background")) + _agrees(predicted, truth, "background", _NOT + "background"),
        int(truth.get("background") is not None),
    )
    unknown = sum(len(_values(thing, "other")) for thing in (predicted, *predicted["objects"]))
    counts["attributes"] = sum((counts[name] for name in DETAILS), Counts(predicted=unknown))
    claimed, holding = _relations(predicted), _relations(truth)
    wrong = len(_translated(_denied_relations(predicted), matching) & holding)
    counts["relations"] = Counts(len(_translated(claimed, matching) & holding), len(claimed) + wrong, len(holding))
    return {kind: counts[kind] for kind in (*KINDS, *DETAILS)}


def match_objects(truth: Graph, predicted: Graph) -> Matching:
    """Said objects to true ones, one-to-one, same shape: most objects, then most attributes, then most relations.

    Shapes are matched apart from each other, since an object only matches its own shape. When a shape
    has more than 5,000 matchings (or all shapes together have), relations no longer break ties.
    """
    places: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, graph in enumerate((predicted, truth)):
        for i, thing in enumerate(graph["objects"]):
            places[thing["shape"]][side].append(i)
    options = [_best(predicted, truth, ours, theirs) for ours, theirs in places.values() if ours and theirs]
    claimed, holding = _relations(predicted), _relations(truth)
    best: tuple[int, Matching] = (-1, {})
    for choice in itertools.islice(itertools.product(*options), _LIMIT):
        matching = {i: j for part in choice for i, j in part.items()}
        right = len(_translated(claimed, matching) & holding)
        if right > best[0]:
            best = (right, matching)
    return best[1]


def _best(predicted: Graph, truth: Graph, ours: Sequence[int], theirs: Sequence[int]) -> list[Matching]:
    """All matchings between objects of one shape that agree in most attributes."""
    agreement = {
        (i, j): sum(_agrees(predicted["objects"][i], truth["objects"][j], name) for name in ATTRIBUTES)
        for i in ours
        for j in theirs
    }
    if math.perm(max(len(ours), len(theirs)), min(len(ours), len(theirs))) > _LIMIT:
        matrix = np.array([[agreement[i, j] for j in theirs] for i in ours])
        rows, columns = linear_sum_assignment(matrix, maximize=True)
        return [{ours[r]: theirs[c] for r, c in zip(rows, columns, strict=True)}]
    scored = [(sum(agreement[pair] for pair in pairs), dict(pairs)) for pairs in _pairings(ours, theirs)]
    most = max(score for score, _ in scored)
    return [matching for score, matching in scored if score == most]


def _pairings(ours: Sequence[int], theirs: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Every way to pair off the shorter side completely."""
    if len(ours) <= len(theirs):
        for chosen in itertools.permutations(theirs, len(ours)):
            yield list(zip(ours, chosen, strict=True))
    else:
        for chosen in itertools.permutations(ours, len(theirs)):
            yield list(zip(chosen, theirs, strict=True))


def _values(thing: Graph, kind: str) -> set[str | int]:
    """All that is predicted of one kind, each once."""
    extra = {value for name, value in thing.get("extra", ()) if name == kind}
    return extra if thing.get(kind) is None else {thing[kind], *extra}


def _agrees(predicted: Graph, truth: Graph, name: str, claimed_as: str = "") -> bool:
    """Whether any value predicted is the true one. claimed_as: the kind it was predicted under, `name` by default."""
    return truth.get(name) is not None and truth[name] in _values(predicted, claimed_as or name)


def _there(truth: Graph, denied: Graph) -> bool:
    """Whether a true object has the shape and all the predicted attributes of one that is said not to be there."""
    predicted = [name for name in (*ATTRIBUTES, "other") if _values(denied, name)]
    return any(
        thing["shape"] == denied["shape"] and all(_agrees(denied, thing, name) for name in predicted)
        for thing in truth["objects"]
    )


def _relations(graph: Graph) -> set[Related]:
    return _turned((i, name, j) for i, name, j in graph["relations"] if not name.startswith(_NOT))


def _denied_relations(graph: Graph) -> set[Related]:
    return _turned((i, name.removeprefix(_NOT), j) for i, name, j in graph["relations"] if name.startswith(_NOT))


def _turned(relations: Iterable[Related]) -> set[Related]:
    """Mirrored relations turned round, so that a fact has one spelling."""
    return {(j, _MIRRORED[name], i) if name in _MIRRORED else (i, name, j) for i, name, j in relations}


def _translated(claimed: set[Related], matching: Matching) -> set[Related]:
    """Claims about matched objects, in the truth's numbering; claims about others can't be right and drop out."""
    return {(matching[i], name, matching[j]) for i, name, j in claimed if i in matching and j in matching}
