"""Bags: does a caption find its image in a bag of look-alikes, larger as training goes on?

No Detail Left Behind (Gaur et al., TMLR 2024, arXiv 2409.03025): self-retrieval among images that look alike pays for
what sets an image apart, and a curriculum of growing bags (BagCurri) learns more from it than the largest bags from the
start. There a step is made of whole bags; here a step's images are drawn as ever, and each has a bag mined for it: what
a caption earns does not depend on the others of its step, but on how many steps have gone by.
"""

from dataclasses import dataclass

import numpy as np

from cim.params.terms import BagsTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.contrast import contrast
from cim.rewards.terms.workspace import Workspace


@dataclass(frozen=True)
class Bags:
    """Meets Term. A bag: the image and the nearest of the gallery by image vector, copies left out."""

    params: BagsTerm
    workspace: Workspace

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """What `contrast` pays within the bag; None without look-alikes, or where the caption has no vector."""
        others = self.size(batch.step) - 1
        names = sorted(set(batch.ids))
        rows = np.array([names.index(name) for name in batch.ids], dtype=np.int64)
        said = self.workspace.encode(batch.captions)
        alike = self.workspace.gallery.of(names, batch.images, others, self.params.duplicate_cosine)
        own = np.einsum("bd,bd->b", said, batch.images.get(batch.ids))
        return contrast(own, np.einsum("bd,bnd->bn", said, alike[rows]), self.params)

    def size(self, step: int) -> int:
        """Images of a bag after `step` steps."""
        sizes = self.params.sizes
        return sizes[min(step // self.params.every, len(sizes) - 1)]


def open_term(params: BagsTerm, workspace: Workspace) -> Bags:
    """The term, its encoder opened with the first batch."""
    return Bags(params, workspace)
