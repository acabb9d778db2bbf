"""Two linear heads that bring the outputs of two models into one space, by contrastive training."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import open_clip
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from cim.encoders.fit import BETAS, MAX_LOGIT_SCALE, warmup_cosine
from cim.errors import CimError
from cim.params import FittedHeads

WEIGHT_DECAY = 0.1


class Texts(nn.Module):
    """m texts that give (b, t) of any of them, (b,) numbers. What of it has a gradient is trained with the heads."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


class KeptTexts(Texts):
    """What a frozen model makes of the texts, (m, t)."""

    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__(vectors.shape[1])
        self.vectors = vectors

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Their rows."""
        return self.vectors[batch]


@dataclass(frozen=True)
class Features:
    """What the models make of the pairs. images: (n, c). texts: of m. image_of: (m,) each text's image."""

    images: torch.Tensor
    texts: Texts
    image_of: torch.Tensor


class Heads(nn.Module):
    """image, text: linear, without bias, into `embed_dim` dimensions."""

    def __init__(self, image: int, text: int, embed_dim: int) -> None:
        super().__init__()
        self.image = nn.Linear(image, embed_dim, bias=False)
        self.text = nn.Linear(text, embed_dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))


def fit_heads(params: FittedHeads, features: Features) -> tuple[Heads, list[float]]:
    """Heads in eval mode, and the mean loss of each epoch (CLIP's, over batches of pairs).

    Every epoch goes through all texts, which are in eval mode afterwards. Repeats exactly on one machine; the global
    random state is left alone.
    Raises CimError when the loss is no number.
    """
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        heads = Heads(features.images.shape[1], features.texts.width, params.embed_dim)
        features.texts.train()
        losses = _train(heads, params, features)
    if not math.isfinite(losses[-1]):
        raise CimError(f"loss {losses[-1]} while fitting an encoder's heads", "a number", "lower its learning_rate")
    features.texts.eval()
    return heads.eval(), losses


def _train(heads: Heads, params: FittedHeads, features: Features) -> list[float]:
    rng = np.random.default_rng(params.seed)
    trained = [weight for weight in features.texts.parameters() if weight.requires_grad]
    matrices = [heads.image.weight, heads.text.weight, *(weight for weight in trained if weight.ndim > 1)]
    others = [heads.logit_scale, *(weight for weight in trained if weight.ndim < 2)]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=params.learning_rate, betas=BETAS)
    image_of = features.image_of.numpy()
    steps = params.epochs * len(list(batches(image_of, params.batch_size, np.random.default_rng(0))))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, steps))
    losses = []
    with tqdm(total=steps, desc="fitting heads", unit="step") as bar:
        for _ in range(params.epochs):
            found = []
            for batch in batches(image_of, params.batch_size, rng):
                loss = _loss(heads, params.dropout, features, torch.from_numpy(batch))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                with torch.no_grad():
                    heads.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
                found.append(loss.item())
                bar.update()
            losses.append(float(np.mean(found)))
            bar.set_postfix(loss=f"{losses[-1]:.3f}")
    return losses


def _loss(heads: Heads, dropout: float, features: Features, batch: torch.Tensor) -> torch.Tensor:
    images = functional.dropout(features.images[features.image_of[batch]], dropout)
    texts = functional.dropout(features.texts(batch), dropout)
    found: torch.Tensor = open_clip.ClipLoss()(
        functional.normalize(heads.image(images), dim=-1),
        functional.normalize(heads.text(texts), dim=-1),
        heads.logit_scale.exp(),
    )
    return found


def batches(image_of: npt.NDArray[np.int64], size: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """The texts in random batches."""
    order = rng.permutation(len(image_of))
    size = min(size, len(order))
    for start in range(0, len(order) - size + 1, size):
        yield order[start : start + size]
