"""What comes with an image: its captions and its JSON, or why they can't be read. One rule for every kind of source."""

import json
import math
from collections.abc import Iterable
from typing import Any

from cim.images.checks import Reason
from cim.readers.base import Problem
from cim.text import has_text

MAX_CAPTION = 131_072  # characters; a longer text is a document, or a table whose quotes went wrong
BOM = "\ufeff"
Read = tuple[tuple[str, ...], tuple[Problem, ...]]
"""Captions, and what is lost."""


def read_captions(values: Iterable[Any]) -> Read:
    """Every value that is a caption, without outer white space and without repeats; every other one as a problem.

    Bytes are UTF-8. None is no caption, and nothing is lost with it. What is neither text nor bytes is never written
    out as if it were: `{'raw': 'A man'}` is no caption.
    """
    captions, lost = dict[str, None](), list[Problem]()
    for value in values:
        if value is None:
            continue
        caption, problem = _caption(value)
        if problem:
            lost.append(problem)
        else:
            captions[caption] = None
    return tuple(captions), tuple(lost)


def read_facts(content: bytes) -> tuple[dict[str, Any], Problem | None]:
    """A JSON object's fields. NaN and infinities are no JSON, and could not be written as such again."""
    try:
        facts = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
        json.dumps(facts, ensure_ascii=False).encode("utf-8")  # lone surrogates, written as escapes, end here
    except (ValueError, RecursionError) as error:
        return {}, (Reason.BAD_JSON, _shown(f"{type(error).__name__}: {error}"))
    if not isinstance(facts, dict):
        return {}, (Reason.BAD_JSON, f"a {type(facts).__name__}, not an object")
    return facts, None


def sample_captions(text: bytes | None, facts: dict[str, Any]) -> Read:
    """The captions of a sample with a `.txt` and a JSON: its text and the JSON's list "captions", else "caption"."""
    listed = facts.get("captions")
    several = listed if isinstance(listed, list) else [listed]
    captions, lost = read_captions([text, *several])
    if captions:
        return captions, lost
    captions, also_lost = read_captions([facts.get("caption")])
    return captions, tuple(dict.fromkeys([*lost, *also_lost]))


def _caption(value: Any) -> tuple[str, Problem | None]:
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError:
            return "", (Reason.CAPTION_NOT_UTF8, value[:200].decode("utf-8", "backslashreplace")[:200])
    if not isinstance(value, str):
        return "", (Reason.NOT_TEXT, _shown(f"a {type(value).__name__}: {str(value)[:150]}"))
    caption = value.removeprefix(BOM).strip()
    if len(caption) > MAX_CAPTION:
        return "", (Reason.CAPTION_TOO_LONG, f"{len(caption)} characters, at most {MAX_CAPTION}")
    try:
        caption.encode("utf-8")
    except UnicodeEncodeError:
        return "", (Reason.CAPTION_NOT_UTF8, _shown(caption))
    return caption, None if has_text(caption) else (Reason.CAPTION_EMPTY, "")


def _shown(text: str) -> str:
    """The beginning of any text, valid UTF-8, for a reject's detail."""
    return text[:200].encode("utf-8", "backslashreplace").decode()[:200]


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    if math.isinf(value := float(digits)):
        raise ValueError(f"{digits} is read as infinite")
    return value
