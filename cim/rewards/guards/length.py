"""Length: a caption within a window of words, that tells more than one thing."""

from dataclasses import dataclass

from cim.params.guards import LengthGuard
from cim.rewards.guards.english import FUNCTION_WORDS, NUMBERS
from cim.rewards.guards.said import Said, ramp
from cim.text import words

OVERRUN = 1.2  # of max_words is as long as can be
_NOTHING = FUNCTION_WORDS - NUMBERS  # "two dogs" tells two things, "a dog" one


@dataclass(frozen=True)
class Length:
    """-1 for fewer words than `min_words`, or fewer that tell something than `min_telling`.

    0 up to `max_words`, then falling to -1 at 1.2 times as many.
    """

    limits: LengthGuard

    def __call__(self, said: Said) -> float:
        own = words(said.text)
        if len(own) < self.limits.min_words or sum(word not in _NOTHING for word in own) < self.limits.min_telling:
            return -1.0
        return -ramp(len(own), self.limits.max_words, OVERRUN * self.limits.max_words)
