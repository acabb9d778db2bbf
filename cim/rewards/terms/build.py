"""The terms that params name, and what they say of a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from cim.params.terms import Terms
from cim.records import IdentityScore
from cim.rewards.exclusion import ImageVectors
from cim.rewards.guards.base import GeneratedCaption
from cim.rewards.retriever import Unscorable
from cim.rewards.terms.base import CaptionBatch, Term
from cim.rewards.terms.workspace import Workspace

MAKERS: Mapping[str, Callable[[], Any]] = {
    "self_retrieval": lambda: import_module("cim.rewards.terms.self_retrieval"),
    "bags": lambda: import_module("cim.rewards.terms.bags"),
    "answers": lambda: import_module("cim.rewards.terms.answers"),
    "clip_score": lambda: import_module("cim.rewards.terms.clip_score"),
    "entailment": lambda: import_module("cim.rewards.terms.entailment"),
    "learned": lambda: import_module("cim.rewards.terms.learned"),
}
"""The module of each term, imported when it is asked for; its `open_term` makes one of its params and a workspace."""


@dataclass(frozen=True)
class Earned:
    """What one term says of b captions, None where it says nothing. weight: of the term in the total."""

    weight: float
    values: Sequence[float | None]


@dataclass(frozen=True)
class OpenTerms:
    """Terms by name, with their weights."""

    terms: Mapping[str, tuple[Term, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, params: Terms, workspace: Workspace) -> "OpenTerms":
        """Those that `params` names; the modules of others are not imported. Raises CimError for what does not open."""
        return cls(
            {name: (MAKERS[name]().open_term(one, workspace), one.weight) for name, one in params.named().items()}
        )

    def __call__(
        self,
        captions: Sequence[GeneratedCaption],
        outcomes: Sequence[IdentityScore | Unscorable],
        images: ImageVectors,
        step: int = 0,
    ) -> dict[str, Earned]:
        """What each term says of b captions; None for those that CIM could not score: nobody is asked about these.

        outcomes: of the captions. images, step: as in `CaptionBatch`.
        """
        places = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, IdentityScore)]
        batch = CaptionBatch([captions[i].text for i in places], [captions[i].id for i in places], images, step)
        found = {}
        for name, (term, weight) in self.terms.items():
            values: list[float | None] = [None] * len(captions)
            for place, value in zip(places, term(batch) if places else [], strict=True):
                values[place] = value
            found[name] = Earned(weight, values)
        return found
