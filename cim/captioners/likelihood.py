"""How likely a captioner finds given texts, with an image before its eyes and without."""

from collections.abc import Sequence
from typing import Literal

import torch
from PIL import Image

from cim.captioners.generate import generating, made_ready
from cim.captioners.inputs import prepare, render_blind
from cim.captioners.load import Captioner

Blind = Literal["none", "blank"]
"""What stands for no image: a prompt without one, or a gray one of the same size."""
_GRAY = (128, 128, 128)


def token_log_probs(
    captioner: Captioner, images: Sequence[Image.Image | None], prompts: Sequence[str], texts: Sequence[str]
) -> list[list[float]]:
    """Natural logarithm of the chance of each token of n texts after those before it, each by its image and prompt.

    images: RGB; all of them None asks without an image. A text is tokenized by itself, so that its tokens are the same
    with and without one; [] for a text of no token. One forward pass for all n.
    """
    if not texts:
        return []
    tokenizer, model = captioner.processor.tokenizer, captioner.model
    said = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    seen = [image for image in images if image is not None]
    if seen:
        inputs = prepare(captioner.processor, seen, prompts)
    else:
        blind = [render_blind(captioner.processor, prompt) for prompt in prompts]
        inputs = tokenizer(blind, padding=True, return_tensors="pt", add_special_tokens=False)
    longest, pad = max(map(len, said)), tokenizer.pad_token_id
    if longest == 0:
        return [[] for _ in texts]
    more = torch.tensor([[*ids, *[pad] * (longest - len(ids))] for ids in said])
    there = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids in said])
    for name, value in {"input_ids": more, "attention_mask": there}.items():
        inputs[name] = torch.cat([inputs[name], value], dim=1)
    for name in ("token_type_ids", "mm_token_type_ids"):  # 0: text
        if name in inputs:
            inputs[name] = torch.cat([inputs[name], torch.zeros_like(more)], dim=1)
    if seen:
        inputs = inputs.to(model.device, model.dtype)
    else:  # positions are given, so that a model with positions of its own for images remembers none of the last ones
        inputs["position_ids"] = (inputs["attention_mask"].cumsum(-1) - 1).clamp(min=0)
        inputs = inputs.to(model.device)
    with generating(made_ready(captioner)):
        logits = model(**inputs, use_cache=False).logits[:, -longest - 1 : -1].float()
    found = torch.log_softmax(logits, dim=-1).gather(2, more.to(logits.device)[..., None])[..., 0]
    return [row[: len(ids)] for row, ids in zip(found.tolist(), said, strict=True)]


def gained(
    captioner: Captioner, images: Sequence[Image.Image], prompts: Sequence[str], texts: Sequence[str], blind: Blind
) -> list[list[float]]:
    """Of each token of n texts how much likelier the image makes it: its log-probability with it less that without.

    Above 0 for what the image says, near 0 for what language alone would have said, below 0 for what it contradicts.
    """
    nothing = [None if blind == "none" else Image.new("RGB", image.size, _GRAY) for image in images]
    seeing = token_log_probs(captioner, images, prompts, texts)
    blindly = token_log_probs(captioner, nothing, prompts, texts)
    return [[a - b for a, b in zip(*rows, strict=True)] for rows in zip(seeing, blindly, strict=True)]


def tokens_by_span(captioner: Captioner, text: str, spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Places of the tokens of `text` that begin within each span of characters; needs a fast tokenizer."""
    offsets = captioner.processor.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)[
        "offset_mapping"
    ]
    starts = [_first(text, begin, end) for begin, end in offsets]
    return [[at for at, start in enumerate(starts) if begin <= start < end] for begin, end in spans]


def _first(text: str, begin: int, end: int) -> int:
    """Of a token's characters the first that is no blank: a blank before a sentence belongs to the sentence."""
    return begin + len(text[begin:end]) - len(text[begin:end].lstrip())
