"""What captions of photos are read by: a person's caption of the photo, and a person's caption of another one.

Both are further captioners to every judge. Without them nobody can tell what a CIDEr of 0.3 is.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from cim.metrics.evalset import EvalSet
from cim.metrics.measurements import Measurements

PERSON, OTHER = "person", "another_photo"
YARDSTICKS = {OTHER: "another photo's", PERSON: "a person's"}  # and what tables call them


def with_yardsticks(evaluated: EvalSet) -> EvalSet:
    """`evaluated` with the captioners PERSON and OTHER, where most of its images have several references.

    PERSON: one of an image's references, drawn by the image's id, held against the others. OTHER: the one of the next
    image, in the order of the ids' hashes, held against all references. Both say nothing of an image with fewer than
    two references. Unchanged where most images have fewer, or only one image has more.
    """
    spoken = [[text for text in several if text.strip()] for several in evaluated.references]
    known = sorted((i for i, several in enumerate(spoken) if len(several) > 1), key=lambda i: _hash(evaluated.ids[i]))
    if len(known) < 2 or 2 * len(known) < len(spoken):
        return evaluated
    held: list[int | None] = [None] * len(spoken)
    person, other = [""] * len(spoken), [""] * len(spoken)
    for i in known:
        text = spoken[i][_hash(evaluated.ids[i]) % len(spoken[i])]
        held[i], person[i] = evaluated.references[i].index(text), text
    for i, following in zip(known, [*known[1:], known[0]], strict=True):
        other[i] = person[following]
    whole = [False] * len(spoken)
    return replace(
        evaluated,
        captions=evaluated.captions | {OTHER: other, PERSON: person},
        truncated=evaluated.truncated | {OTHER: whole, PERSON: whole},
        held={PERSON: held},
    )


def known_of(measured: Mapping[str, Measurements]) -> dict[str, Measurements]:
    """The yardsticks among `measured`, each of the images that it says something of."""
    return {
        name: measured[name].at([i for i, caption in enumerate(measured[name].captions) if caption])
        for name in YARDSTICKS
        if name in measured
    }


def _hash(name: str) -> int:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16)
