"""What a caption's facts are asked by, and what came of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cim.refine.base import Bill, Sample


@dataclass(frozen=True)
class Examined:
    """One fact of a caption. text: what was asked. answer: what the caption says. right: of all trials, in [0, 1].

    fact: what the way knows it by.
    """

    text: str
    answer: str
    right: float
    fact: Any = None


class Way(Protocol):
    """How captions are asked about, and rewritten."""

    def examine(self, sample: Sample, bill: Bill) -> Sequence[Examined]:
        """Each fact of the caption that can be asked for. Raises WrongForm, NoAnswer, RefusedRequest."""
        ...

    def rewrite(self, sample: Sample, dropped: Sequence[Examined], bill: Bill) -> str:
        """The caption without these facts; "" where nothing is left. Raises as `examine`."""
        ...

    def lineage(self) -> Mapping[str, Any]:
        """What decides its texts beside its parameters and the looker."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Of its text model, where it has one. Raises CimError where that is gone."""
        ...
