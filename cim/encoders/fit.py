"""Fit a tiny open_clip model to image-caption pairs, on a laptop, in about a minute."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch
from torch.nn import functional
from tqdm import tqdm

from cim.encoders.hard_negatives import WrongCaptions, batches
from cim.encoders.tower import PREPROCESS, tiny_config, tiny_model
from cim.errors import CimError
from cim.models.device import autocast, pick_device
from cim.params import FittedClip

GROUP = 4  # similar pairs that stand together in a batch
WEIGHT_DECAY, BETAS, WARMUP_SHARE, CLIP_NORM = 0.1, (0.9, 0.98), 0.1, 1.0
MIN_CONTEXT, MAX_CONTEXT = 32, 77  # tokens
MAX_LOGIT_SCALE = math.log(100)  # CLIP, arXiv 2103.00020, section 2.5


@dataclass(frozen=True)
class Fitted:
    """model: in eval mode. config: its open_clip_config.json. losses: mean of each epoch."""

    model: open_clip.CLIP
    config: dict[str, Any]
    losses: list[float]


def fit_clip(
    params: FittedClip, images: npt.NDArray[np.uint8], captions: Sequence[Sequence[str]], device: str = "auto"
) -> Fitted:
    """Contrastive training from nothing (CLIP, with wrong captions as further negatives, see hard_negatives.py).

    images: (n, side, side, 3). captions: at least one for each image; every epoch draws one. Repeats exactly on one
    machine; the global random state is left alone. Raises CimError for fewer than two pairs or wrong shapes.
    """
    n = len(images)
    if n < 2 or images.shape != (n, params.side, params.side, 3) or len(captions) != n or not all(captions):
        raise CimError(
            f"images {images.shape} and {len(captions)} lists of captions to fit an encoder",
            f"(n, {params.side}, {params.side}, 3) with n at least 2, and as many lists, none of them empty",
            "give the gallery captioned images, or load an encoder instead of fitting one",
        )
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        return _Fit(params, images, captions, pick_device(device)).run()


class _Fit:
    """One training run: its data, its random state, its model."""

    def __init__(
        self, params: FittedClip, images: npt.NDArray[np.uint8], captions: Sequence[Sequence[str]], device: torch.device
    ) -> None:
        self.params, self.captions, self.device = params, captions, device
        self.images = torch.from_numpy(images).permute(0, 3, 1, 2)
        self.rng, self.words = np.random.default_rng(params.seed), random.Random(params.seed)
        everything = [caption for several in captions for caption in several]
        self.wrong = WrongCaptions(everything)
        plain = open_clip.SimpleTokenizer()
        longest = max(len(plain.encode(caption)) for caption in everything) + 2
        context = min(max(MIN_CONTEXT, 8 * math.ceil(longest / 8)), MAX_CONTEXT)
        self.tokenize = open_clip.SimpleTokenizer(context_length=context)
        self.config = tiny_config(params, context)
        self.model = tiny_model(self.config).to(device, memory_format=torch.channels_last)
        self.loss = open_clip.ClipLoss()

    def run(self) -> Fitted:
        n, size, epochs = len(self.images), self.params.batch_size, self.params.epochs
        steps = epochs * max(1, n // size)
        optimizer = torch.optim.AdamW(self._groups(), lr=self.params.learning_rate, betas=BETAS, eps=1e-6)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warmup_cosine(step, steps))
        features: npt.NDArray[np.float32] | None = None
        losses = []
        self.model.train()
        with tqdm(total=steps, desc="fitting encoder", unit="step") as bar:
            for _ in range(epochs):
                seen = np.zeros((n, self.params.embed_dim), dtype=np.float32)
                found = []
                for batch in batches(features, n, size, GROUP, self.rng):
                    loss, seen[batch] = self._step(batch)
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
                    optimizer.step()
                    schedule.step()
                    with torch.no_grad():
                        self.model.logit_scale.clamp_(0, MAX_LOGIT_SCALE)
                    found.append(loss.item())
                    bar.update()
                losses.append(float(np.mean(found)))
                bar.set_postfix(loss=f"{losses[-1]:.3f}")
                features = seen
        if not math.isfinite(losses[-1]):
            raise CimError(f"loss {losses[-1]} while fitting an encoder", "a number", "lower its learning_rate")
        self._settle_statistics()
        return Fitted(self.model.eval(), self.config, losses)

    @torch.no_grad()
    def _settle_statistics(self) -> None:
        """Batch norm's means and variances anew, for the final weights (precise BN, arXiv 2105.07576).

        The running ones trail behind: after few steps, images would be encoded by statistics of older weights.
        """
        norms = [module for module in self.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain average over what follows
        for batch in batches(None, len(self.images), self.params.batch_size, 1, self.rng):
            self.model.encode_image(normalised(self.images[torch.from_numpy(batch)].to(self.device)))

    def _step(self, batch: npt.NDArray[np.int64]) -> tuple[torch.Tensor, npt.NDArray[np.float32]]:
        """The loss of one batch, and its (b, d) features for the next epoch's grouping."""
        captions = [self.words.choice(self.captions[i]) for i in batch]
        wrong = [w for caption in captions if (w := self.wrong(caption, self.words)) is not None]
        tokens = self.tokenize(captions + wrong).to(self.device)
        pixels = normalised(self.images[torch.from_numpy(batch)].to(self.device))
        with autocast(self.device):
            image = self.model.encode_image(pixels, normalize=True).float()
            text, wrong_text = self.model.encode_text(tokens, normalize=True).float().split([len(batch), len(wrong)])
        scale = self.model.logit_scale.exp()
        by_image, by_text = self.loss.get_logits(image, text, scale)
        by_image = torch.cat([by_image, scale * image @ wrong_text.T], dim=1)  # (b, b + wrong)
        target = self.loss.get_ground_truth(self.device, len(batch))
        loss = (functional.cross_entropy(by_image, target) + functional.cross_entropy(by_text, target)) / 2
        return loss, ((image + text) / 2).detach().cpu().numpy()

    def _groups(self) -> list[dict[str, Any]]:
        """Weight decay for matrices only."""
        named = list(self.model.named_parameters())
        decayed = [p for name, p in named if p.ndim > 1 and "embedding" not in name]
        others = [p for name, p in named if not (p.ndim > 1 and "embedding" not in name)]
        return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 (n, 3, side, side) to float as PREPROCESS says."""
    mean = torch.tensor(PREPROCESS["mean"], device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(PREPROCESS["std"], device=pixels.device).view(1, 3, 1, 1)
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


def warmup_cosine(step: int, steps: int) -> float:
    """Share of the peak learning rate at `step` of `steps`: a linear rise, then half a cosine down to 0."""
    warmup = max(1, round(WARMUP_SHARE * steps))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
