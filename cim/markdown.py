"""Text that others wrote, put into Markdown so that it stays text: in a cell, in a line, in a block."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_SPECIAL = re.compile(r"([\\`*_\[\]{}#|~$!^])")
_BREAKS = re.compile(r"\s+")  # every kind of line break is one
_UNICODE_BREAK = re.compile("[\x85\u2028\u2029]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

NOT_RECORDED = "not recorded"


def front_matter(data: Any) -> str:
    """A `CardData` of huggingface_hub between its marks.

    Its own writer leaves line breaks of Unicode as they are, which YAML readers take for a space: escaped where any is.
    """
    from huggingface_hub.utils import yaml_dump  # type: ignore[attr-defined]  # of its YAML library

    text = data.to_yaml()
    if _UNICODE_BREAK.search(text):
        text = yaml_dump(data.to_dict(), sort_keys=False, allow_unicode=False).strip()
    return f"---\n{text}\n---\n"


def plain(value: object) -> str:
    """On one line, with nothing in it that Markdown or HTML would take for its own."""
    text = _BREAKS.sub(" ", str(value)).strip().translate(_ENTITIES)
    return _SPECIAL.sub(r"\\\1", text)


def code(value: object) -> str:
    """As code on one line, also in a cell of a table."""
    text = _BREAKS.sub(" ", str(value)).strip().replace("|", "\\|")
    fence = "`" * (_longest(text, "`") + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{gap}{text}{gap}{fence}" if text else ""


def block(text: str, language: str = "") -> str:
    """As it is, line by line, fenced by more marks than there are in it."""
    fence = "`" * max(3, _longest(text, "`") + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells as they are given: by `plain`, `code` or of one's own; all but the first to the right."""
    rule = ["---", *(["---:"] * (len(head) - 1))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """A table of names and what is said of each."""
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {told} |" for name, told in rows)])


def number(value: object) -> str:
    """A count with commas, else as it is; "not recorded" for None."""
    if value is None:
        return NOT_RECORDED
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else plain(value)


def share(part: float, whole: float) -> str:
    """As a percentage with one digit; an en dash of nothing."""
    return f"{part / whole:.1%}" if whole else "\u2013"


def percent(value: float | None) -> str:
    """A share as a cell of a table has it, in percent with one digit; "-" where there is none."""
    return "-" if value is None else f"{100 * value:.1f}"


def sections(parts: Iterable[tuple[str, str]]) -> str:
    """Headings with what stands below each; those with nothing are left out."""
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts if text)


def _longest(text: str, mark: str) -> int:
    return max((len(run) for run in re.findall(f"{re.escape(mark)}+", text)), default=0)
