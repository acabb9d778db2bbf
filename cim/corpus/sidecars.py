"""What comes with an image: its text and its JSON, or why they can't be trusted."""

import json
import math
from typing import Any

from cim.images.checks import Reason

Problem = tuple[Reason, str]


def read_text(content: bytes) -> tuple[str | None, Problem | None]:
    """A caption's text, or the reason why there is none."""
    try:
        return content.decode("utf-8").strip(), None
    except UnicodeDecodeError:
        return None, (Reason.CAPTION_NOT_UTF8, content.decode("utf-8", "backslashreplace")[:200])


def read_facts(content: bytes) -> tuple[dict[str, Any], Problem | None]:
    """A JSON object's fields. NaN and infinities are no JSON, and could not be written as such again."""
    try:
        facts = json.loads(content.decode("utf-8"), parse_constant=_refuse, parse_float=_finite)
        json.dumps(facts, ensure_ascii=False).encode("utf-8")  # lone surrogates, written as escapes, end here
    except (ValueError, RecursionError) as error:
        return {}, (Reason.BAD_JSON, f"{type(error).__name__}: {error}"[:200].encode("utf-8", "replace").decode())
    if not isinstance(facts, dict):
        return {}, (Reason.BAD_JSON, f"a {type(facts).__name__}, not an object")
    return facts, None


def old_caption(text: str | None, facts: dict[str, Any]) -> str | None:
    """The caption a sample came with: its text, else the first of "captions", else "caption" of its JSON."""
    listed = facts.get("captions")
    first = listed[0] if isinstance(listed, list) and listed else facts.get("caption")
    return text if text is not None else first if isinstance(first, str) else None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    if math.isinf(value := float(digits)):
        raise ValueError(f"{digits} is read as infinite")
    return value
