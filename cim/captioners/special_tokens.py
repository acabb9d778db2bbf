"""Tokens with a meaning of their own: which end a caption, and which neither caption nor prompt may hold."""

import re
from collections.abc import Iterable
from typing import Any

from cim.errors import FatalError

BAN = -100.0
"""vLLM's lowest logit bias: what it is added to is e^-100 times as likely, 0 in float32. It has no suppress_tokens."""

# A config's names for the ids of pictures, films and sounds. Not bos or pad: those defaults are often stale.
_MEDIA_FIELD = re.compile(r"(image|video|vision|media|audio).*_token_(id|ids|index)$|^(boi|eoi)_token_(id|index)$")


def end_tokens(processor: Any, named: int | list[int] | None) -> list[int]:
    """Ids that end a caption, ascending: the tokenizer's own and those that a generation config has `named`.

    Chat models may have two.
    """
    several = named if isinstance(named, list) else [named]
    return sorted({one for one in (*several, processor.tokenizer.eos_token_id) if one is not None})


def suppressed_tokens(processor: Any, model: Any) -> list[int]:
    """Ids that generation and rollouts must never produce, ascending; end tokens are never among them.

    Special tokens (roles, padding, vision marks), other added tokens written in angle brackets (tool calls,
    boxes), the media ids of the config, and rows of the output layer that no token of the tokenizer uses.
    For `suppress_tokens` of a GenerationConfig and for GRPO's generation_kwargs.
    """
    tokenizer = processor.tokenizer
    rows = model.get_output_embeddings().weight.shape[0]
    marks = _marks(tokenizer) | set(_media_ids(model.config.to_dict()))
    marks |= set(range(rows)) - set(tokenizer.get_vocab().values())
    ends = end_tokens(processor, model.generation_config.eos_token_id)
    return sorted(mark for mark in marks.difference(ends) if 0 <= mark < rows)


def refuse_prompts(processor: Any, prompts: Iterable[str]) -> None:
    """As `check_prompts`, for prompts of single images: a ValueError, as what people write into a column is no setting.

    Raises ValueError.
    """
    try:
        check_prompts(processor, prompts)
    except FatalError as error:
        raise ValueError(error.found) from error


def check_prompts(processor: Any, prompts: Iterable[str]) -> None:
    """Raises FatalError for a prompt that holds a token with a meaning of its own to the captioner.

    Such a token would end the user's turn, begin another or stand for a picture. These are the special tokens of the
    tokenizer, other added ones in angle brackets (tool calls, boxes), and the processor's placeholders of media. A
    single character is none, though some tokenizers pad with "!"; nor is what unknown characters become.
    """
    tokenizer = processor.tokenizer
    marks = _marks(tokenizer)
    media = [getattr(processor, f"{kind}_token", None) for kind in ("image", "video", "audio")]
    for prompt in prompts:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        found = [str(tokenizer.convert_ids_to_tokens(number)) for number in ids if number in marks]
        found = [token for token in found if token != tokenizer.unk_token or token in prompt]
        found += [token for token in media if isinstance(token, str) and token in prompt]
        if tokens := sorted({token for token in found if len(token.strip()) > 1}):
            raise FatalError(
                f"a prompt {prompt!r} that holds {', '.join(tokens)}",
                "text only: to this captioner that is a token that ends a turn, begins one or stands for a picture",
                "leave it out of caption.prompts; chat template and picture are added to every prompt",
            )


def _marks(tokenizer: Any) -> set[int]:
    """Ids of special tokens, and of added ones in angle brackets, which are no words either."""
    added = tokenizer.added_tokens_decoder.items()
    return set(tokenizer.all_special_ids) | {
        number
        for number, token in added
        if token.special or (token.content.startswith("<") and token.content.endswith(">"))
    }


def _media_ids(config: dict[str, Any]) -> list[int]:
    found: list[int] = []
    for name, value in config.items():
        if isinstance(value, dict):
            found += _media_ids(value)
        elif _MEDIA_FIELD.search(str(name)):
            found += [v for v in (value if isinstance(value, list) else [value]) if isinstance(v, int)]
    return found
