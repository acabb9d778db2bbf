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
        """In (0, 1); None for a caption that has no vector. Raises CimError for a scorer of another length."""
        said, images = self.workspace.encode(batch.captions), batch.images.get(batch.ids)
        if len(self.scorer.weights) != said.shape[1]:
            raise CimError(
                f"a scorer of {len(self.scorer.weights)} dimensions for an encoder of {said.shape[1]}",
                "the scorer of a curation with this workspace's data/models/image as its only encoder",
                "curate with it, or mend tune.reward.terms.learned.scorer",
            )
        chances = self.scorer.chance(np.einsum("bd,bd->b", images, self.scorer.queries(said)))
        return [one if np.isfinite(one) else None for one in chances.tolist()]


def open_term(params: LearnedTerm, workspace: Workspace) -> Learned:
    """The term with its scorer. Raises CimError for a file that is none."""
    path = Path(params.scorer).expanduser()
    try:
        return Learned(Scorer.load(path), workspace)
    except (OSError, KeyError, SafetensorError) as error:
        raise CimError(
            f"no scorer in {path} ({type(error).__name__}: {error})",
            "scorer.safetensors, as flows.curate leaves it",
            "mend tune.reward.terms.learned.scorer",
        ) from error
