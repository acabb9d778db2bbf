"""What is to be scored: a caption of an image, typed or a line of a JSONL file."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cim.errors import CimError

HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair: JSON can spell it, and bytes that are no UTF-8 become it on the command line."""


@dataclass(frozen=True)
class Request:
    """A caption of an embedded sample (`id`) or of a picture in a file (`image`): exactly one of them is given.

    line: where it stands in the JSONL file, from 1; None when typed. prompt: what was asked, if that is known.
    """

    caption: str
    id: str | None = None
    image: Path | None = None
    line: int | None = None
    prompt: str = ""


@dataclass(frozen=True)
class InvalidRequest:
    """A request that cannot be read, and why."""

    reason: str
    line: int | None = None


def read_jsonl(path: Path, prompt: str = "") -> Iterator[Request | InvalidRequest]:
    """The lines {"id" or "image": ..., "caption": ...} of `path`; blank lines are nothing, other names are ignored.

    prompt: what was asked for all of them. A relative image path starts at the folder of `path`.
    Raises CimError when the file cannot be opened.
    """
    try:
        handle = path.open("rb")
    except OSError as error:
        raise CimError(f"no readable {path} ({error.strerror})", "a JSONL file", "give --jsonl a path") from error
    with handle:
        for number, line in enumerate(handle, start=1):
            if line.removeprefix(BOM_UTF8).strip():
                one = _read(line, number, path.parent)
                yield replace(one, prompt=prompt) if isinstance(one, Request) else one


def check_text(option: str, value: str) -> None:
    """Raises CimError where what was typed after `option` is no whole text."""
    if HALF.search(value):
        raise CimError(f"{option} with bytes that are no UTF-8", "text in UTF-8", "type it again, or use --jsonl")


def _read(line: bytes, number: int, folder: Path) -> Request | InvalidRequest:
    try:
        value: Any = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return InvalidRequest("not UTF-8", number)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        return InvalidRequest(f"not JSON ({str(error).splitlines()[0]})", number)
    if not isinstance(value, dict):
        return InvalidRequest(f"a JSON {type(value).__name__}, not an object", number)
    if not isinstance(caption := value.get("caption"), str):
        return InvalidRequest('no text under "caption"', number)
    given = [name for name in ("id", "image") if name in value]
    if len(given) != 1:
        return InvalidRequest(f'{"both" if given else "neither"} of "id" and "image"', number)
    if not isinstance(named := value[given[0]], str) or not named:
        return InvalidRequest(f'no text under "{given[0]}"', number)
    for name in ("caption", given[0]):
        if HALF.search(value[name]):
            return InvalidRequest(f'half of a surrogate pair, which is no character, under "{name}"', number)
    if given == ["id"]:
        return Request(caption, id=named, line=number)
    return Request(caption, image=folder / named, line=number)
