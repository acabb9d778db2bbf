"""What a captioner is given: a one-turn conversation with an image, as tensors in batches of like length."""

import hashlib
from collections.abc import Sequence
from typing import Any

from PIL.Image import Image


def conversation(prompt: str, image: Any = None) -> list[dict[str, Any]]:
    """One user turn: an image, then the text. Without `image` the turn holds a placeholder for it.

    The form that `processor.apply_chat_template` and TRL's conversational datasets read.
    """
    picture = {"type": "image"} if image is None else {"type": "image", "image": image}
    return [{"role": "user", "content": [picture, {"type": "text", "text": prompt}]}]


def render(processor: Any, prompt: str) -> str:
    """The prompt as the model sees it: the chat template's text, ready for the model's turn."""
    return str(processor.apply_chat_template(conversation(prompt), add_generation_prompt=True))


def render_blind(processor: Any, prompt: str) -> str:
    """The same turn without the image, for guidance."""
    turn = [{"role": "user", "content": [{"type": "text", "text": prompt}]}]
    return str(processor.apply_chat_template(turn, add_generation_prompt=True))


def prompt_hash(prompt: str) -> str:
    """16 hex digits of the SHA-256 of the prompt's text (the template is part of the model's fingerprint)."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def prepare(processor: Any, images: Sequence[Image], prompts: Sequence[str]) -> Any:
    """Tensors on CPU (input_ids, attention_mask, pixels ...) of b images, each asked with its prompt.

    Raises ValueError for an image that the model's processor refuses.
    """
    return processor.apply_chat_template(
        [conversation(prompt, image) for prompt, image in zip(prompts, images, strict=True)],
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        return_tensors="pt",
        processor_kwargs={"padding": True},
    )


def batches(processor: Any, sizes: Sequence[tuple[int, int]], prompts: Sequence[str], size: int) -> list[list[int]]:
    """Positions of n images in batches of `size`, sorted by tokens of image and prompt: least padding.

    sizes: n (width, height) in pixels. Longest first: what does not fit in memory fails at once.
    """
    lengths = _lengths(processor, sizes, prompts)
    order = sorted(range(len(sizes)), key=lengths.__getitem__, reverse=True)
    return [order[start : start + size] for start in range(0, len(order), size)]


def _lengths(processor: Any, sizes: Sequence[tuple[int, int]], prompts: Sequence[str]) -> list[int]:
    """Tokens of each prompt with its image."""
    texts = {prompt: len(processor.tokenizer(render(processor, prompt))["input_ids"]) for prompt in set(prompts)}
    return [texts[prompt] + count for prompt, count in zip(prompts, _image_tokens(processor, sizes), strict=True)]


def _image_tokens(processor: Any, sizes: Sequence[tuple[int, int]]) -> list[int]:
    """Of each image, by pixels where the processor cannot say (order only); 0 of one that it refuses."""
    try:
        counts = processor._get_num_multimodal_tokens([(height, width) for width, height in sizes])
        return list(counts["num_image_tokens"])
    except (AttributeError, NotImplementedError):  # not every processor has it
        return [width * height for width, height in sizes]
    except ValueError:  # one is refused: `prepare` will say so; to the end, where a refusal costs least
        return [0] if len(sizes) == 1 else [_image_tokens(processor, [size])[0] for size in sizes]
