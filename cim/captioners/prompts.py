"""The one-turn conversation that asks for a caption."""

import hashlib
from collections.abc import Iterable
from typing import Any

from cim.errors import HopelessError


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


def check_prompts(processor: Any, prompts: Iterable[str]) -> None:
    """Raises HopelessError for a prompt that holds a token with a meaning of its own to the captioner.

    Such a token would end the user's turn, begin another or stand for a picture. These are the special tokens of the
    tokenizer, other added ones in angle brackets (tool calls, boxes), and the processor's placeholders of media. A
    single character is none, though some tokenizers pad with "!"; nor is what unknown characters become.
    """
    tokenizer = processor.tokenizer
    added = tokenizer.added_tokens_decoder.items()
    marks = set(tokenizer.all_special_ids) | {number for number, token in added if is_mark(token)}
    media = [getattr(processor, f"{kind}_token", None) for kind in ("image", "video", "audio")]
    for prompt in prompts:
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        found = [str(tokenizer.convert_ids_to_tokens(number)) for number in ids if number in marks]
        found = [token for token in found if token != tokenizer.unk_token or token in prompt]
        found += [token for token in media if isinstance(token, str) and token in prompt]
        if tokens := sorted({token for token in found if len(token.strip()) > 1}):
            raise HopelessError(
                f"a prompt {prompt!r} that holds {', '.join(tokens)}",
                "text only: to this captioner that is a token that ends a turn, begins one or stands for a picture",
                "leave it out of caption.prompts; chat template and picture are added to every prompt",
            )


def is_mark(token: Any) -> bool:
    """Whether an added token of a tokenizer has a meaning of its own, rather than being a word."""
    return bool(token.special or (token.content.startswith("<") and token.content.endswith(">")))


def prompt_hash(prompt: str) -> str:
    """16 hex digits of the SHA-256 of the prompt's text (the template is part of the model's fingerprint)."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]
