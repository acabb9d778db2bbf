"""What each sample is asked: prompts, of which some have {names} in them that its own fields fill."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cim.errors import CimError
from cim.params.texts import columns_of
from cim.readers.base import Item, Part
from cim.text import has_text

NO_QUESTION = "no text to ask with"


def filled(prompt: str, facts: Mapping[str, Any]) -> str | None:
    """The prompt with its {names} filled; None where a field is missing, blank, or no text and no number."""
    said = {name: _text(facts.get(name)) for name in columns_of(prompt)}
    return None if None in said.values() else re.sub(r"\{(\w+)\}", lambda found: said[found[1]] or "", prompt)


@dataclass
class Questions:
    """Of one shard. prompts: with whether they are filled. A sample is decoded without its fields, so what it is asked
    is noted before."""

    prompts: Sequence[tuple[str, bool]]
    _noted: dict[int, Sequence[str | None]] = field(default_factory=dict)

    def noted(self, items: Iterable[tuple[int, Item]]) -> Iterator[tuple[int, Item]]:
        """The same items, each with its place."""
        asking = any(fill for _, fill in self.prompts)
        for at, item in items:
            if asking:
                self._noted[at] = [filled(prompt, item.facts) if fill else prompt for prompt, fill in self.prompts]
            yield at, item

    def of(self, at: int) -> Sequence[str | None]:
        """What the sample is asked by each prompt; None where it lacks a text for one. To be called once."""
        return self._noted.pop(at, None) or [prompt for prompt, _ in self.prompts]


def check_columns(parts: Iterable[Part], prompts: Mapping[str, str]) -> None:
    """Raise CimError where the first sample that can be read here lacks a field that a prompt names."""
    wanted = {column: name for name, prompt in prompts.items() for column in columns_of(prompt)}
    part = next(iter(parts), None)
    items = getattr(part, "items", None)
    if not wanted or items is None:  # a remote tar: its samples are asked one by one
        return
    facts: dict[str, Any] = next((item.facts for item in items() if item.problem is None), {})
    for column, name in wanted.items():
        if column not in facts:
            raise CimError(
                f"no column {column} in {part}, which has {', '.join(sorted(facts)) or 'none'}",
                f"a column, or a field of the samples' JSON, for {{{column}}} in recaption.texts.prompts.{name}",
                "mend the prompt, or add the column to the corpus",
            )


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    text = " ".join(str(value).split())
    return text if has_text(text) else None
