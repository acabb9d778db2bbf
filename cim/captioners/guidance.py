"""Classifier-free guidance for captions: away from what the model would say without seeing the image."""

from typing import Any

import torch
from transformers import DynamicCache, LogitsProcessor


class Guidance(LogitsProcessor):  # type: ignore[misc]
    """scores -> blind + scale * (seeing - blind), log-probabilities of the next token with and without the image.

    Source: Sanchez et al. 2023 (arXiv 2306.17806), equation 7. The blind half is a second forward pass a step, for
    the whole batch, with a cache of its own. Scores that are -inf stay so. Not for beam search: rows must stay rows.
    """

    def __init__(self, model: Any, blind: Any, scale: float) -> None:
        """blind: input_ids and attention_mask (b, length) of the prompts without images, padded on the left."""
        self.model = model
        self.scale = scale
        self.ids = blind["input_ids"]
        self.mask = blind["attention_mask"]
        self.cache = DynamicCache()

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
