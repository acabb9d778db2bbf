"""CLIPScore: 2.5 times the cosine of caption and image, 0 for a negative one; no reference is needed.

Hessel et al., "CLIPScore", EMNLP 2021 (arXiv 2104.08718), w = 2.5; as a reward: Cho et al., "Fine-grained image
captioning with CLIP reward", NAACL Findings 2022 (arXiv 2205.13115), where it costs grammar: here the guards hold that.
"""

from dataclasses import dataclass

import numpy as np

from cim.params.terms import ClipScoreTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.workspace import Workspace

SCALE = 2.5


@dataclass(frozen=True)
class ClipScore:
    """Meets Term. By the reward's own CLIP, in [0, 2.5]."""

    workspace: Workspace

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """None for a caption that has no vector."""
        cosines = np.einsum("bd,bd->b", self.workspace.encode(batch.captions), batch.images.get(batch.ids))
        return [SCALE * max(one, 0.0) if np.isfinite(one) else None for one in cosines.tolist()]


def open_term(params: ClipScoreTerm, workspace: Workspace) -> ClipScore:
    """The term, its encoder opened with the first batch."""
    return ClipScore(workspace)
