"""Multiple-choice questions about images: what they are, and files of them."""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.errors import CimError


@dataclass(frozen=True)
class Question:
    """options: two or more, all different. answer: the place of the right one."""

    text: str
    options: tuple[str, ...]
    answer: int


def read_questions(path: Path) -> dict[str, list[Question]]:
    """Questions by sample id, from JSON lines {"id", "question", "options", "answer"}; answer: the right option's text.

    Raises CimError for a file that is missing, empty or has a line that is none, with its number.
    """
    found: dict[str, list[Question]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    name, question = _question(line, f"line {number} of {path}")
                    found[name].append(question)
    except (OSError, UnicodeDecodeError) as error:
        raise CimError(f"no readable {path} ({error})", "a file of questions", "mend its path") from error
    if not found:
        raise CimError(f"no question in {path}", "a JSON object a line", "fill it")
    return dict(found)


def _question(line: str, where: str) -> tuple[str, Question]:
    expected = '{"id": text, "question": text, "options": [texts, all different], "answer": one of them}'
    try:
        row: Any = json.loads(line)
        name, text, options, answer = (row[key] for key in ("id", "question", "options", "answer"))
        texts = all(isinstance(one, str) and one.strip() for one in (name, text, answer, *options))
        if texts and isinstance(options, list) and answer in options and len(set(options)) == len(options) > 1:
            return name, Question(text, tuple(options), options.index(answer))
    except (ValueError, KeyError, TypeError) as error:
        raise CimError(f"{where} ({type(error).__name__}: {error})", expected, "mend the line") from error
    raise CimError(f"{where}: {line.strip()[:80]}", expected, "mend the line")
