"""tune.reward.terms: what a caption may earn beside GRC and QIR, each term off (null) unless it is named."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from cim.params.base import Section


class _Term(Section):
    """What is added: `weight` times the term. There is no default: terms have scales of their own."""

    weight: float = Field(gt=0, description="of the term; raise the guards' weights with it")


class ContrastTerm(_Term):
    """The caption's own image against others, by the cosines of the reward's own CLIP."""

    pays: Literal["softmax", "log_softmax", "margin", "r1"] = Field(
        "softmax",
        description="chance of the own image, in [0, 1]; its logarithm; cosine ahead of the nearest other; 1 if ahead",
    )
    temperature: float = Field(0.05, gt=0, description="of the softmax: cosines are divided by it")
    duplicate_cosine: float = Field(
        0.98, gt=0, le=1, description="image cosine from which on another image is a copy, and no distractor"
    )


class SelfRetrievalTerm(ContrastTerm):
    """Does the caption find its image among those of its step and mined look-alikes?"""

    mined: int = Field(7, ge=0, description="look-alikes of an image in the gallery, beside the step's other images")


class BagsTerm(ContrastTerm):
    """Does the caption find its image in a bag of look-alikes, larger as training goes on?"""

    sizes: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (2, 4, 7),
        strict=False,
        min_length=1,
        description="images of a bag, the own one among them; one after the other",
    )
    every: int = Field(20, ge=1, description="steps with bags of one size; the last size stays")


class ClipScoreTerm(_Term):
    """2.5 times the cosine of caption and image, 0 for a negative one."""


class Terms(Section):
    """Terms beside GRC and QIR; null (the default) for one that is off."""

    self_retrieval: SelfRetrievalTerm | None = None
    bags: BagsTerm | None = None
    clip_score: ClipScoreTerm | None = None

    def named(self) -> Mapping[str, _Term]:
        """The terms that are on, by name, in the order of this class."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one for name, one in found.items() if one is not None}
