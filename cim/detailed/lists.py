"""Objects and attributes against what is known to be in the picture, as SC-Captioner scores them.

SC-Captioner (Zhang et al., ICCV 2025, arXiv 2508.06125): recall against the reference caption; precision against
lists of all that can be seen, since a reference leaves true things out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cim.graphs.capture import objects_of
from cim.graphs.graph import TextGraph
from cim.graphs.matching import Agreement, Matcher
from cim.graphs.phrases import Phrases

_NO_WEIGHT = 1e-6  # no object is like any other: cosines of 0 but for rounding
Attributes = Mapping[str, Sequence[str]]  # by object


def score_objects(said: TextGraph, true: TextGraph, listed: Sequence[str], matcher: Matcher) -> Agreement:
    """Said objects against the reference's (recall), and against these and `listed` together (precision)."""
    ours, theirs = objects_of(said), objects_of(true)
    everything = sorted({*theirs, *((name,) for name in listed)})
    return Agreement(matcher.match(ours, everything).precision, matcher.match(ours, theirs).recall)


def score_attributes(said: TextGraph, true: TextGraph, listed: Attributes, phrases: Phrases) -> Agreement:
    """Said attributes against those `listed` (precision), and the reference's against those said (recall).

    The published code leaves out images where the caption or the reference has no attributes, objects included;
    here they count, with 0.
    """
    return Agreement(_found(said.attributes, listed, phrases), _found(true.attributes, said.attributes, phrases))


def _found(wanted: Attributes, offered: Attributes, phrases: Phrases) -> float:
    """How well `offered` covers the attributes `wanted`: 1 if each of them is there; 0 without any on one side.

    Each object is looked up as the offered object nearest to it, and each of its attributes as the nearest one of
    that; objects weigh by how near theirs is.
    """
    offered = {name: attributes for name, attributes in offered.items() if attributes}
    if not wanted or not offered:
        return 0.0
    names = list(offered)
    near = phrases.cosines(list(wanted), names)
    total = found = 0.0
    for row, attributes in zip(near, wanted.values(), strict=True):
        best = int(np.argmax(row))
        weight = max(float(row[best]), 0.0)
        cosines = phrases.cosines(list(attributes), offered[names[best]])
        total += weight * len(attributes)
        found += weight * float(cosines.max(axis=1).sum())
    return found / total if total > _NO_WEIGHT else 0.0
