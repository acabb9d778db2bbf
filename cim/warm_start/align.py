"""Vision warm start of a made captioner: image tokens learn to be near the words that captions use."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from cim.errors import CimError
from cim.images.decode import decode_rgb
from cim.params import Align
from cim.prefetch import prefetch
from cim.shards.read import ImageLookup


def align_vision(
    model: Any, processor: Any, captions: dict[str, list[str]], images: ImageLookup, params: Align
) -> list[float]:
    """Train vision tower and token embeddings in place; returns the loss of each step.

    The words of an image's captions are predicted from its image tokens by softmax classification over the
    vocabulary (SuperClass, arXiv 2411.03313), weighted by inverse document frequency. The classifier is the token
    embedding itself, so what the tower learns is at once readable to the language model, which otherwise would take
    far longer to look at the image at all. Tokens are pooled by log-sum-exp: one of them suffices for a word.
    captions: train image id -> its captions.
    """
    import torch

    device = model.device
    ids = sorted(captions)
    words = _words(processor, [captions[sample_id] for sample_id in ids])  # (n, v)
    rarity = torch.from_numpy(np.log(len(ids) / (1 + words.sum(axis=0))).clip(min=0).astype(np.float32)).to(device)
    table = model.get_input_embeddings().weight
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        # Wider than a language model's: image tokens are compared with these by dot product.
        torch.nn.init.normal_(table, std=0.05)
    scale = torch.nn.Parameter(torch.tensor(2.0, device=device))
    bias = torch.nn.Parameter(torch.zeros(len(table), device=device))
    trained = [*model.model.visual.parameters(), table, scale, bias]
    optimizer = torch.optim.AdamW(trained, lr=params.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, params.learning_rate, total_steps=params.steps, pct_start=0.06, cycle_momentum=False
    )
    model.train()
    losses = []

    def prepared(rows: np.ndarray) -> tuple[np.ndarray, Any]:
        pictures = [decode_rgb(images[ids[row]]) for row in rows]
        return rows, processor.image_processor(images=pictures, return_tensors="pt")

    batches = prefetch(prepared, _batches(len(ids), params), threads=1)
    for rows, pixels in tqdm(batches, total=params.steps, desc="aligning vision", unit="step"):
        found = model.model.get_image_features(**pixels.to(device)).pooler_output  # b of (t, d)
        near = torch.nn.utils.rnn.pad_sequence(found, batch_first=True) @ table.T * scale.exp()  # (b, t, v)
        lengths = torch.tensor([len(tokens) for tokens in found], device=device)
        padding = torch.arange(near.shape[1], device=device) >= lengths[:, None]
        logits = near.masked_fill(padding[..., None], -math.inf).logsumexp(dim=1) + bias  # (b, v)
        said = torch.from_numpy(words[rows]).to(device) * rarity
        said = said / said.sum(dim=1, keepdim=True).clamp(min=1e-6)
        loss = -(said * logits.log_softmax(dim=1)).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    if not math.isfinite(losses[-1]):
        raise CimError(f"loss {losses[-1]} in the alignment", "a number", "lower models.captioner.align.learning_rate")
    return losses


def _words(processor: Any, captions: Sequence[Sequence[str]]) -> np.ndarray:
    """(n, v) float32: 1 where a token occurs in any caption of an image."""
    table = np.zeros((len(captions), len(processor.tokenizer)), dtype=np.float32)
    for row, texts in enumerate(captions):
        for text in texts:
            table[row, processor.tokenizer(text, add_special_tokens=False)["input_ids"]] = 1
    return table


def _batches(n: int, params: Align) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(params.seed)
    for _ in range(params.steps):
        yield rng.choice(n, size=min(params.batch_size, n), replace=False)
