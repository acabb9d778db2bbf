"""Images inside a bigger file, addressed by position."""

import re
from pathlib import Path

from cim.sources.base import from_locator, to_locator

_SPAN = re.compile(r"(?s)(.*) at (\d+)\+(\d+) in (.*)")


def span_locator(member: str, offset: int, size: int, file: Path) -> str:
    """Readable by people and by `from_span`: `0001.jpg at 1536+20480 in shards/000.tar`."""
    return f"{to_locator(member)} at {offset}+{size} in {to_locator(str(file))}"


def from_span(locator: str) -> bytes:
    """The bytes that `span_locator` named. Raises OSError when the file is gone or shorter."""
    match = _SPAN.fullmatch(locator)
    if match is None:
        raise ValueError(f"not a span: {locator!r}")
    offset, size, file = int(match[2]), int(match[3]), from_locator(match[4])
    with open(file, "rb") as handle:
        handle.seek(offset)
        content = handle.read(size)
    if len(content) != size:
        raise OSError(f"{file} ends before byte {offset + size}")
    return content
