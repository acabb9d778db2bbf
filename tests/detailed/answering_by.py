"""A judge for tests: it says what a function makes of each prompt."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Judging:
    """Meets Judge. says: None where it has no answer. asked: all prompts, in order."""

    says: Callable[[str], str | None]
    asked: list[str] = field(default_factory=list)

    def attempt(self, prompts: Sequence[str]) -> list[str | None]:
        self.asked += prompts
        return [self.says(one) for one in prompts]

    def reply(self, prompts: Sequence[str]) -> list[str]:
        found = self.attempt(prompts)
        assert None not in found
        return [one or "" for one in found]


def shown(prompt: str) -> list[str]:
    """The texts quoted on lines of their own in a prompt."""
    return [json.loads(text) for text in re.findall(r'^".*"$', prompt, re.M)]
