"""Self-retrieval: does a caption find its own image among the others of its step and mined look-alikes?

Discriminative fine-tuning (Dessi et al., "Cross-domain image captioning with discriminative finetuning", CVPR 2023,
arXiv 2304.01662): the captioner is paid by a frozen retriever, the softmax over a batch that holds the target and hard
distractors. Theirs pays the logarithm; `pays: softmax`, the default, is bounded, so that guards can outweigh it.
"""

from dataclasses import dataclass

import numpy as np

from cim.params.terms import SelfRetrievalTerm
from cim.rewards.exclusion import ROUNDING
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.contrast import contrast
from cim.rewards.terms.workspace import Workspace


@dataclass(frozen=True)
class SelfRetrieval:
    """Meets Term. Distractors: the step's other images, copies left out, and `mined` look-alikes from the gallery.

    With several processes the step's images are those of the process: each scores its own.
    """

    params: SelfRetrievalTerm
    workspace: Workspace

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """What `contrast` pays; None where nothing stands against the image, or the caption has no vector."""
        names = sorted(set(batch.ids))
        place = {name: row for row, name in enumerate(names)}
        rows = np.array([place[name] for name in batch.ids], dtype=np.int64)
        images = batch.images.get(names)
        said = self.workspace.encode(batch.captions)
        cosines = said @ images.T
        alike = images @ images.T >= self.params.duplicate_cosine - ROUNDING
        np.fill_diagonal(alike, True)
        mined = self.workspace.gallery.of(names, batch.images, self.params.mined, self.params.duplicate_cosine)
        own = cosines[np.arange(len(rows)), rows]
        in_batch = np.where(alike[rows], np.nan, cosines)
        far = np.einsum("bd,bnd->bn", said, mined[rows])
        return contrast(own, np.concatenate([in_batch, far], axis=1), self.params)


def open_term(params: SelfRetrievalTerm, workspace: Workspace) -> SelfRetrieval:
    """The term, its encoder opened with the first batch."""
    return SelfRetrieval(params, workspace)
