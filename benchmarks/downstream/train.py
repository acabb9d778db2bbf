"""A small CLIP from nothing: one recipe for every arm, the same number of steps whatever the texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch

from cim.encoders.fit import MAX_LOGIT_SCALE, normalised, warmup_cosine

Pixels = npt.NDArray[np.uint8]
Vectors = npt.NDArray[np.float32]
Texts = Sequence[Sequence[str]]
CONTEXT = 32  # tokens; longer texts are cut, in every arm alike
_AT_ONCE = 250


@dataclass(frozen=True)
class Recipe:
    """width: channels of the image tower's first stage. side: of the images, in pixels. steps, of `batch` pairs each.

    Chosen on validation scenes by the arm "truth" alone (docs/downstream.md).
    """

    width: int = 8
    side: int = 64
    steps: int = 360
    batch: int = 64
    learning_rate: float = 0.002
    weight_decay: float = 0.1


class Vocabulary:
    """CLIP's tokens, renumbered in their order: only those that occur, so that an embedding has few rows."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self.tokens = list(tokens)
        self._known = torch.tensor(self.tokens)
        self._tokenize: Any = open_clip.SimpleTokenizer(context_length=CONTEXT)

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Vocabulary":
        """The tokens of these texts."""
        whole: Any = open_clip.SimpleTokenizer(context_length=CONTEXT)
        return cls(torch.unique(whole(sorted(set(texts)))).tolist())

    def __len__(self) -> int:
        return len(self.tokens)

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, CONTEXT) numbers of the tokens of texts that the vocabulary was made from."""
        return torch.searchsorted(self._known, self._tokenize(list(texts)))


class SmallClip:
    """The model of one arm and seed."""

    def __init__(self, recipe: Recipe, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.model = open_clip.CLIP(
            embed_dim=128,
            vision_cfg={
                "layers": [1, 1, 1, 1],  # a list makes it a ResNet
                "width": recipe.width,
                "head_width": 4 * recipe.width,
                "image_size": recipe.side,
            },
            text_cfg={
                "context_length": CONTEXT, "vocab_size": len(vocabulary), "width": 64, "heads": 2, "layers": 2,
            },
        ).to(memory_format=torch.channels_last)  # fmt: skip

    @torch.inference_mode()
    def images(self, pixels: Pixels) -> Vectors:
        """(n, d) unit vectors of (n, side, side, 3)."""
        parts = [pixels[start : start + _AT_ONCE] for start in range(0, len(pixels), _AT_ONCE)]
        return np.concatenate([self.model.encode_image(_inputs(part), normalize=True).numpy() for part in parts])

    @torch.inference_mode()
    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, d) unit vectors; each text is encoded once, however often it comes."""
        once = sorted(set(texts))
        parts = [once[start : start + _AT_ONCE] for start in range(0, len(once), _AT_ONCE)]
        found = [self.model.encode_text(self.vocabulary(part), normalize=True).numpy() for part in parts]
        place = {text: i for i, text in enumerate(once)}
        return np.asarray(np.concatenate(found)[[place[text] for text in texts]])


def train(pixels: Pixels, texts: Texts, recipe: Recipe, seed: int, vocabulary: Vocabulary) -> SmallClip:
    """`recipe.steps` steps of the contrastive loss (arXiv 2103.00020); each draws one of an image's texts.

    pixels (n, side, side, 3), texts: at least one for each. The global random state is left alone.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        clip = SmallClip(recipe, vocabulary)
        _fit(clip, pixels, texts, recipe, np.random.default_rng(seed))
    return clip


def _fit(clip: SmallClip, pixels: Pixels, texts: Texts, recipe: Recipe, rng: np.random.Generator) -> None:
    model, loss = clip.model, open_clip.ClipLoss()
    tokens = [clip.vocabulary(several) for several in texts]
    decayed = [p for name, p in model.named_parameters() if p.ndim > 1 and "embedding" not in name]
    others = [p for name, p in model.named_parameters() if not (p.ndim > 1 and "embedding" not in name)]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98), eps=1e-6)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, recipe.steps))
    model.train()
    order = np.zeros(0, dtype=np.int64)
    for _ in range(recipe.steps):
        if len(order) < recipe.batch:
            order = np.concatenate([order, rng.permutation(len(pixels))])
        batch, order = order[: recipe.batch], order[recipe.batch :]
        said = torch.stack([tokens[i][rng.integers(len(tokens[i]))] for i in batch])
        image = model.encode_image(_inputs(pixels[batch]), normalize=True)
        text = model.encode_text(said, normalize=True)
        optimizer.zero_grad()
        loss(image, text, model.logit_scale.exp()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
    _settle(model, pixels, recipe.batch, rng)
    model.eval()


@torch.no_grad()
def _settle(model: Any, pixels: Pixels, batch: int, rng: np.random.Generator) -> None:
    """Batch norm's means and variances anew, for the final weights (precise BN, arXiv 2105.07576)."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain average over what follows
    order = rng.permutation(len(pixels))[:2560]
    for start in range(0, len(order) - batch + 1, batch):
        model.encode_image(_inputs(pixels[order[start : start + batch]]))


def _inputs(pixels: Pixels) -> torch.Tensor:
    return normalised(torch.from_numpy(pixels).permute(0, 3, 1, 2))
