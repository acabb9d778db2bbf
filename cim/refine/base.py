"""What every refiner is given and gives, and the one interface that they meet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cim.chat.client import Reply

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


@dataclass
class Bill:
    """What the answers of one sample took. tokens: written; tokens_in: read."""

    tokens: int = 0
    tokens_in: int = 0

    def paid(self, reply: Reply) -> Reply:
        """The reply, counted."""
        self.tokens += reply.tokens
        self.tokens_in += reply.tokens_in
        return reply


class Unfit(ValueError):
    """A sample that a refiner can do nothing with, so that it stays as it is; in a few words, as they are counted."""


class WrongForm(ValueError):
    """An answer that can't be used; in a few words, without what the answer says, as they are counted."""


Ask = Callable[[Sample], Refined]
Samples = Callable[[], Iterator[tuple[int, Sample]]]


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

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """What refines the samples of a part, one at a call.

        samples: all of them, with their places, read anew at each call. found: by place, what an earlier run has kept.
        It raises Unfit, WrongForm, NoAnswer, RefusedRequest for a sample that stays as it is; any other error ends the
        run.
        """
        ...

    def identity(self) -> object:
        """Ask the model's server who it is, where there is one. Raises CimError where it is gone."""
        ...


def kept(sample: Sample, why: str, bill: Bill | None = None, note: Mapping[str, Any] | None = None) -> Refined:
    """The sample as it was. why: in a few words. bill: of what was asked all the same."""
    bill = bill or Bill()
    return Refined(sample.before, f"{KEPT}: {why}", note or {}, bill.tokens, bill.tokens_in)
