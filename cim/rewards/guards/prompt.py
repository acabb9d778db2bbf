"""Copied prompt: the question instead of an answer."""

from dataclasses import dataclass

from cim.metrics.text import words
from cim.params.guards import PromptGuard
from cim.rewards.guards.said import Said, ramp


def copied_share(text: str, prompt: str, n: int) -> float:
    """Share of the words of `text` that stand in n words in a row of `prompt` (all of it, where it is shorter)."""
    own, asked = words(text), words(prompt)
    n = min(n, len(asked))
    if not own or not n:
        return 0.0
    known = {tuple(asked[i : i + n]) for i in range(len(asked) - n + 1)}
    copied = {i + k for i in range(len(own) - n + 1) if tuple(own[i : i + n]) in known for k in range(n)}
    return len(copied) / len(own)


@dataclass(frozen=True)
class Prompt:
    """0 up to a copied share of `free`, falling to -1 at `full`."""

    limits: PromptGuard

    def __call__(self, said: Said) -> float:
        return -ramp(copied_share(said.text, said.prompt, self.limits.ngram), self.limits.free, self.limits.full)
