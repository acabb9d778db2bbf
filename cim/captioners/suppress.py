"""Tokens a caption must never hold: image pads, vision and role marks, and ids without a text."""

import re
from typing import Any

from cim.captioners.prompts import is_mark

# A config's names for the ids of pictures, films and sounds. Not bos or pad: those defaults are often stale.
_MEDIA_FIELD = re.compile(r"(image|video|vision|media|audio).*_token_(id|ids|index)$|^(boi|eoi)_token_(id|index)$")


def end_tokens(processor: Any, model: Any) -> list[int]:
    """Ids that end a caption, ascending: the tokenizer's and the generation config's (chat models may have two)."""
    named = model.generation_config.eos_token_id
    named = [] if named is None else [named] if isinstance(named, int) else list(named)
    own = processor.tokenizer.eos_token_id
    return sorted({*named, *([] if own is None else [own])})


def suppressed_tokens(processor: Any, model: Any) -> list[int]:
    """Ids that generation and rollouts must never produce, ascending; end tokens are never among them.

    Special tokens (roles, padding, vision marks), other added tokens written in angle brackets (tool calls,
    boxes), the media ids of the config, and rows of the output layer that no token of the tokenizer uses.
    For `suppress_tokens` of a GenerationConfig and for GRPO's generation_kwargs.
    """
    tokenizer = processor.tokenizer
    rows = model.get_output_embeddings().weight.shape[0]
    marks = set(tokenizer.all_special_ids)
    for token_id, token in tokenizer.added_tokens_decoder.items():
        if is_mark(token):
            marks.add(token_id)
    marks |= set(_media_ids(model.config.to_dict()))
    marks |= set(range(rows)) - set(tokenizer.get_vocab().values())
    return sorted(mark for mark in marks - set(end_tokens(processor, model)) if 0 <= mark < rows)


def _media_ids(config: dict[str, Any]) -> list[int]:
    found: list[int] = []
    for name, value in config.items():
        if isinstance(value, dict):
            found += _media_ids(value)
        elif _MEDIA_FIELD.search(str(name)):
            found += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, int)]
    return found
