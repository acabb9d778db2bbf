"""Entailment: do the image's own captions entail what a caption says, or contradict it?

MOCHa (Ben-Kish et al., 2023, arXiv 2312.03631) pays a captioner for not being contradicted by the reference, by a model
of natural-language inference; KnowAda (Yanuka et al., 2024, arXiv 2411.09018) judges each statement of a caption by
itself (DNLI), which here are its sentences. The captions of the train images are used, which GRC and QIR never see.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cim.models.fetch import RequiredFiles, fetched
from cim.params.terms import EntailmentTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.workspace import Workspace
from cim.sentences import sentence_spans

Pair = tuple[str, str]
"""Premise and hypothesis."""


class Inference(Protocol):
    """A model of natural-language inference."""

    def __call__(self, pairs: Sequence[Pair]) -> list[float | None]:
        """Chance that the premise entails the hypothesis less that it contradicts it, in [-1, 1]; None: it failed."""


@dataclass(frozen=True)
class Entailment:
    """Meets Term. references: the captions of an image by id."""

    infer: Inference
    references: Callable[[str], Sequence[str]]

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """Mean over a caption's sentences and its image's references; None without a reference, or where one failed."""
        pairs = [
            [(premise, said) for said in _sentences(caption) for premise in self.references(name)]
            for caption, name in zip(batch.captions, batch.ids, strict=True)
        ]
        distinct = sorted({pair for some in pairs for pair in some})
        found = dict(zip(distinct, self.infer(distinct) if distinct else [], strict=True))
        return [_mean([found[pair] for pair in some]) for some in pairs]


def _sentences(caption: str) -> list[str]:
    return [caption[begin:end] for begin, end in sentence_spans(caption)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def open_term(params: EntailmentTerm, workspace: Workspace) -> Entailment:
    """The term with its model, downloaded first where it is one of the hub's. Raises CimError as `fetched` does, and
    for what is no model for NLI."""
    from cim.rewards.terms.inference import LocalInference  # torch

    folder = fetched(params.model, RequiredFiles("tune.reward.terms.entailment.model.name", ("config.json",)))
    model = LocalInference(folder, params.device, params.batch)

    def references(name: str) -> Sequence[str]:
        return workspace.captions.get(name, ())[: params.references]

    return Entailment(model, references)
