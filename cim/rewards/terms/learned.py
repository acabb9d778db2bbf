"""Learned: the chance that caption and image belong together, by a scorer fitted on labelled pairs.

The data's own alignment scorer as the reward, as Compress & Align (Wang et al., 2023, arXiv 2312.06726) chooses pairs
by one trained on people's judgements: here the logistic regression of `flows.curate` with `score: {kind: learned}`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from cim.encoders.scorer import Scorer
from cim.errors import CimError
from cim.params.terms import LearnedTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.workspace import Workspace


@dataclass(frozen=True)
class Learned:
    """Meets Term. scorer: of vectors of the reward's own CLIP."""

    scorer: Scorer
    workspace: Workspace

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """In (0, 1); None for a caption that has no vector."""
        said, images = self.workspace.encode(batch.captions), batch.images.get(batch.ids)
        chances = self.scorer.chance(np.einsum("bd,bd->b", images, self.scorer.queries(said)))
        return [one if np.isfinite(one) else None for one in chances.tolist()]


def open_term(params: LearnedTerm, workspace: Workspace) -> Learned:
    """The term with its scorer. Raises CimError for a file that is none, and for the scorer of another encoder."""
    path = Path(params.scorer).expanduser()
    try:
        scorer = Scorer.load(path)
    except (OSError, KeyError, SafetensorError) as error:
        raise CimError(
            f"no scorer in {path} ({type(error).__name__}: {error})",
            "scorer.safetensors, as flows.curate leaves it",
            "mend tune.reward.terms.learned.scorer",
        ) from error
    if scorer.encoder != workspace.clip:
        raise CimError(
            f"a scorer in {path} of the encoder {scorer.encoder or 'that it does not name'}",
            f"one of {workspace.clip}, the encoder in {workspace.layout.model('image')}, and of no other beside it",
            "curate with that folder as the only one of curate.encoders, or mend tune.reward.terms.learned.scorer",
        )
    return Learned(scorer, workspace)
