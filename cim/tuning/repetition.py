"""How much of the sampled captions is said again, logged beside the rewards."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from cim.rewards.guards.repetition import repeated_share
from cim.rewards.trl import Completion, LogMetric, text_of

GRAM = 4  # as seq-rep-4 (arXiv 1908.04319)


class RepetitionShare:
    """In TRL's reward signature, but rewards nothing: None for every caption, whatever the others say of it."""

    __name__ = "repetition_share"

    def __call__(
        self, completions: Sequence[Completion], log_metric: LogMetric | None = None, **_: Any
    ) -> list[float | None]:
        """Logs `repetition_share`: mean over b captions of the share of 4-grams that repeat an earlier one."""
        if log_metric is not None and completions:
            log_metric("repetition_share", fmean(repeated_share(text_of(one), GRAM) for one in completions))
        return [None] * len(completions)
