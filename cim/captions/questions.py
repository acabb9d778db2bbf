"""A prompt with {names} in it, filled for each sample from its own fields: a question that the caption is to answer."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cim.captions.windows import Picture, Unused
from cim.engines.spec import Asked
from cim.errors import CimError
from cim.params.texts import columns_of
from cim.readers.base import Item, Part
from cim.records import Reject
from cim.text import has_text

NO_QUESTION = "no text to ask with"
Decode = Callable[[int, Item], Picture | Unused]


def filled(prompt: str, facts: Mapping[str, Any]) -> str | None:
    """The prompt with its {names} filled; None where a field is missing, blank, or no text and no number."""
    said = {name: _text(facts.get(name)) for name in columns_of(prompt)}
    return None if None in said.values() else re.sub(r"\{(\w+)\}", lambda found: said[found[1]] or "", prompt)


@dataclass
class Questions:
    """Of one shard. A sample is decoded without its fields, so what is asked of it is noted before."""

    prompt: str
    _noted: dict[int, str | None] = field(default_factory=dict)

    def noted(self, items: Iterable[tuple[int, Item]]) -> Iterator[tuple[int, Item]]:
        """The same items, each with its place."""
        for at, item in items:
            self._noted[at] = filled(self.prompt, item.facts)
            yield at, item

    def asked(self, work: Decode) -> Decode:
        """`work`, whose pictures then come with their prompt; a sample without one is not used."""

        def with_prompt(at: int, item: Item) -> Picture | Unused:
            found, prompt = work(at, item), self._noted.pop(at)
            if isinstance(found, Unused):
                return found
            if prompt is None:
                return Unused(at, Reject(item.name, NO_QUESTION, ", ".join(columns_of(self.prompt))))
            return replace(found, prepared=Asked(found.prepared, prompt))

        return with_prompt


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
