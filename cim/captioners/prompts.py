"""The one-turn conversation that asks for a caption."""

import hashlib
from typing import Any


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
