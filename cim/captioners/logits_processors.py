"""What changes the scores of the next token: sampling that belongs to the sample, and classifier-free guidance."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, LogitsProcessor


class SeededSampler(LogitsProcessor):  # type: ignore[misc]
    """Turns scores into a one-hot choice drawn from softmax(scores / temperature); decode greedily after it.

    Inverse-transform sampling: row r at step t takes the first token whose cumulated probability exceeds
    u[r, t], and u depends on seed, key and t alone. torch's global generator is neither read nor moved. Another batch
    changes a draw only where padding shifts a probability across u (rounding: about 1e-6 in float32).
    """

    def __init__(self, keys: Sequence[str], seed: int, temperature: float, prompt_length: int, steps: int) -> None:
        """keys: one a row. prompt_length: columns of the padded prompt. steps: draws a row, tokens at most."""
        self.temperature = temperature
        self.prompt_length = prompt_length
        self.uniforms = torch.from_numpy(np.stack([_uniforms(seed, key, steps) for key in keys]))  # (b, steps)

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        """input_ids (b, length so far), scores (b, vocabulary) -> scores that are -inf but for the chosen token."""
        step = min(input_ids.shape[1] - self.prompt_length, self.uniforms.shape[1] - 1)
        cumulated = torch.softmax(scores.double() / self.temperature, dim=-1).cumsum(dim=-1)
        target = self.uniforms[:, step : step + 1].to(scores.device) * cumulated[:, -1:]
        chosen = torch.searchsorted(cumulated, target, right=True)  # right: never a token of probability 0
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen, 0.0)


def _uniforms(seed: int, key: str, steps: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(steps,) numbers in [0, 1 - 2^-24]: float32 steps, so that u times a total stays below that total."""
    source = int.from_bytes(hashlib.sha256(f"{seed}\x00{key}".encode()).digest()[:16], "big")
    return np.random.Generator(np.random.Philox(source)).random(steps, dtype=np.float32).astype(np.float64)


class Guidance(LogitsProcessor):  # type: ignore[misc]
    """scores -> blind + scale * (seeing - blind), log-probabilities of the next token with and without the image.

    Away from what the model would say without seeing the image: Sanchez et al. 2023 (arXiv 2306.17806), equation 7.
    The blind half is a second forward pass a step, for the whole batch, with a cache of its own. Scores that are -inf
    stay so. Not for beam search: rows must stay rows.
    """

    def __init__(self, model: Any, blind: Any, scale: float) -> None:
        """blind: input_ids and attention_mask (b, length) of the prompts without images, padded on the left."""
        self.model = model
        self.scale = scale
        self.ids = blind["input_ids"]
        self.mask = blind["attention_mask"]
        # By the layers' kinds: convolutions and linear attention (Qwen3.5, LFM2-VL) keep states, not keys.
        self.cache = DynamicCache(config=model.config.get_text_config(decoder=True))

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.Tensor:
        """input_ids (b, length so far), scores (b, vocabulary) -> guided scores (b, vocabulary)."""
        seeing = torch.log_softmax(scores.float(), dim=-1)
        blind = torch.log_softmax(self._blind(input_ids), dim=-1)
        return guided(seeing, blind, self.scale).to(scores.dtype)

    def _blind(self, input_ids: torch.LongTensor) -> torch.Tensor:
        """(b, vocabulary) float32 logits of the next token, given the prompt without image and the text so far."""
        ids = self.ids
        if self.cache.get_seq_length():
            ids = input_ids[:, -1:]
            self.mask = torch.cat([self.mask, torch.ones_like(ids)], dim=1)
        # Given, so that models with positions of their own for images (Qwen2-VL) neither use nor change what they
        # remember of the batch with images.
        positions = (self.mask.long().cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return torch.as_tensor(output.logits[:, -1].float())


def guided(seeing: torch.Tensor, blind: torch.Tensor, scale: float) -> torch.Tensor:
    """blind + scale * (seeing - blind) of log-probabilities (b, vocabulary); -inf wherever `seeing` is."""
    return torch.where(seeing.isneginf(), seeing, blind + scale * (seeing - blind))
