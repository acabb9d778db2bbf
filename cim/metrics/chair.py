"""CHAIR: objects a caption names that are not there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cim.errors import CimError
from cim.metrics.coco_objects import coco_names, objects_said


@dataclass(frozen=True)
class Objects:
    """Of one caption: mentions of COCO objects, mentions of absent ones, objects there, those of them mentioned."""

    said: int
    absent: int
    there: int
    covered: int


def objects_there(annotated: Iterable[str] | None, references: Sequence[str]) -> set[str] | None:
    """COCO objects of an image: annotated names joined with what its references mention, as the paper joins them.

    None without either: nothing can be said. Without annotations what no reference mentions counts as absent, so few
    references make more hallucinations. Raises CimError for an annotated name that is none of COCO's.
    """
    if annotated is None and not references:
        return None
    names = set(annotated or ())
    if strange := sorted(names - set(coco_names())):
        raise CimError(
            f"{strange[0]!r} among the coco_objects of an image",
            "names of COCO's 80 objects",
            "mend extra.coco_objects in the source's .json files, or leave it out",
        )
    return names.union(*map(objects_said, references))


def chair(caption: str, there: set[str]) -> Objects:
    """Counts for CHAIRi (sum of absent / sum of said) and CHAIRs (share with absent > 0), Rohrbach et al. 2018,
    arXiv 1809.02156; and for coverage (sum of covered / sum of there), without which silence would be best."""
    said = objects_said(caption)
    return Objects(len(said), sum(name not in there for name in said), len(there), len(there & set(said)))
