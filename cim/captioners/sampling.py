"""Sampling whose draws belong to the sample, not to the batch it happens to be in."""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch
from transformers import LogitsProcessor


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
