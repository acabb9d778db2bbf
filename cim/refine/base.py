"""What every refiner is given and gives, and the one interface that they meet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cim.readers.base import ReadablePart

KEPT, FAILED = "kept", "failed"  # how outcomes begin that leave a text as it was; of answers that could not be used


@dataclass(frozen=True)
class Sample:
    """One sample. texts: by name. own: the fields of its corpus' JSON. facts: of the shard's JSON. image: as encoded.

    before: the text that is to be refined; "" where it has none.
    """

    key: str
    image: bytes
    texts: Mapping[str, str]
    own: Mapping[str, Any]
    facts: Mapping[str, Any]
    before: str


@dataclass(frozen=True)
class Refined:
    """What became of one sample. text: the new one, or the old one. outcome: in a few words that are counted.

    note: what else its lineage says, JSON-able. tokens, tokens_in: of all answers that it took.
    """

    text: str
    outcome: str
    note: Mapping[str, Any] = field(default_factory=dict)
    tokens: int = 0
    tokens_in: int = 0


class WrongForm(ValueError):
    """An answer that can't be used; in a few words, without what the answer says, as they are counted."""


Ask = Callable[[Sample], Refined]


class Refiner(Protocol):
    """One method. parallel: samples that it works on at once, in as many threads. needs: names of texts that it reads,
    beside the one that is refined."""

    @property
    def parallel(self) -> int: ...

    @property
    def needs(self) -> Sequence[str]: ...

    def lineage(self) -> Mapping[str, Any]:
        """What decides its texts beside its code and parameters: models, templates, tables; JSON-able."""
        ...

    def of(self, part: ReadablePart) -> Ask:
        """What refines the samples of this part, one at a call.

        It raises WrongForm, NoAnswer, RefusedRequest for a sample that stays as it is; any other error ends the run.
        """
        ...

    def identity(self) -> object:
        """Ask the model's server who it is, where there is one. Raises CimError where it is gone."""
        ...


def kept(sample: Sample, why: str) -> Refined:
    """The sample as it was. why: in a few words."""
    return Refined(sample.before, f"{KEPT}: {why}")
