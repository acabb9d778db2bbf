"""Which facts of a caption go when its picture is spoilt, and which come: counted by kind against the scene's truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cim.metrics.scenes import DETAILS, Graph, score_scene
from cim.scenes.parse import parse

KINDS = ("objects", *DETAILS, "relations")


@dataclass(frozen=True)
class Change:
    """Of one kind of fact, over all images. there: true facts. kept: said of the spoilt picture. before: said of the
    clean one. false, false_before: said and not true, alike."""

    there: int = 0
    before: int = 0
    kept: int = 0
    false_before: int = 0
    false: int = 0

    def __add__(self, other: "Change") -> "Change":
        return Change(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def gone(self) -> float | None:
        """Points of recall lost, in [-1, 1]; None where nothing is there."""
        return (self.before - self.kept) / self.there if self.there else None

    @property
    def invented(self) -> float | None:
        """False facts more than of the clean picture, for each that is true; None where nothing is."""
        return (self.false - self.false_before) / self.there if self.there else None


def changes(truths: Iterable[Graph], clean: Iterable[str], spoilt: Iterable[str]) -> Mapping[str, Change]:
    """By kind of fact. truths, clean, spoilt: of the same images in the same order.

    Facts are right against what was in the picture before it was spoilt: what a crop or an occlusion has taken away
    can't be seen, so a captioner that says it guesses, and one that keeps silent loses recall and invents nothing.
    """
    found = dict.fromkeys(KINDS, Change())
    for truth, before, after in zip(truths, clean, spoilt, strict=True):
        first, then = score_scene(truth, parse(before)), score_scene(truth, parse(after))
        for kind in KINDS:
            one, other = first[kind], then[kind]
            found[kind] += Change(
                one.true, one.matched, other.matched, one.predicted - one.matched, other.predicted - other.matched
            )
    return found
