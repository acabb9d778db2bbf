"""Length: a caption within a window of words."""

from dataclasses import dataclass

from cim.metrics.text import words
from cim.params.guards import LengthGuard
from cim.rewards.guards.said import Said, ramp

OVERRUN = 1.2  # of max_words is as long as can be


@dataclass(frozen=True)
class Length:
    """-1 for fewer than `min_words`; 0 up to `max_words`, then falling to -1 at 1.2 times as many."""

    limits: LengthGuard

    def __call__(self, said: Said) -> float:
        count = len(words(said.text))
        if count < self.limits.min_words:
            return -1.0
        return -ramp(count, self.limits.max_words, OVERRUN * self.limits.max_words)
