"""How good is the captioner now, on images it is not trained on? Chooses the checkpoint, never a test set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import Captioner
from cim.encoders.base import TextEncoder
from cim.images.decode import decode_rgb
from cim.ranks import rank_and_size
from cim.retrieval import ranks
from cim.rewards.retriever import Retriever
from cim.shards.read import ImageLookup
from cim.tuning.ranks import gathered

WINDOW = 64  # images in memory at once


@dataclass(frozen=True)
class Validation:
    """Greedy captions of v validation images, judged by retrieval among those images and by the reward.

    self_retrieval: mean reciprocal rank of the own image, in (0, 1]. recall_at_1: in [0, 1].
    grc, qir: means over scored captions, None for none. unscorable: captions without a reward. length: mean words.
    """

    self_retrieval: float
    recall_at_1: float
    grc: float | None
    qir: float | None
    unscorable: int
    length: float


@dataclass(frozen=True)
class Validator:
    """Judges a model on fixed images.

    ids: v validation ids. vectors: (v, d) unit image vectors of `encoder`. prompt, decoding: how captions are asked.
    """

    ids: Sequence[str]
    images: ImageLookup
    vectors: npt.NDArray[np.float32]
    encoder: TextEncoder
    retriever: Retriever
    prompt: str
    decoding: Decoding

    def __call__(self, model: Any, processor: Any) -> Validation:
        """Caption all images with `model`, restore its mode, and judge the captions. Ranks share the images."""
        captions = self._captions(Captioner(model, processor, fingerprint=""))
        found_at = ranks(self.encoder.encode_texts(captions), self.vectors)
        scores = self.retriever.score(captions, list(self.ids))
        known = [score for score in scores if score is not None]
        return Validation(
            self_retrieval=float(np.mean(1 / found_at)),
            recall_at_1=float(np.mean(found_at == 1)),
            grc=float(np.mean([score.grc for score in known])) if known else None,
            qir=float(np.mean([score.qir for score in known])) if known else None,
            unscorable=len(scores) - len(known),
            length=float(np.mean([len(caption.split()) for caption in captions])),
        )

    def _captions(self, captioner: Captioner) -> list[str]:
        """Of all images. Every rank captions as many, some twice: shards of a model are only there while all ask."""
        rank, ranks = rank_and_size()
        each = -(-len(self.ids) // ranks)
        mine = [self.ids[(rank + ranks * turn) % len(self.ids)] for turn in range(each)]
        captions: list[str] = []
        for start in range(0, len(mine), WINDOW):
            pictures = [decode_rgb(self.images[sample_id]) for sample_id in mine[start : start + WINDOW]]
            found = generate(captioner, pictures, [self.prompt] * len(pictures), self.decoding)
            captions += [one.text for one in found]
        by_turn = zip(*gathered(captions), strict=True)
        return [caption for turn in by_turn for caption in turn][: len(self.ids)]
