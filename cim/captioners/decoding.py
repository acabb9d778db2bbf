"""How a caption is decoded: everything that decides the text besides model, image and prompt."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from cim.params import CaptionParams


@dataclass(frozen=True)
class Decoding:
    """Decoding settings; part of every caption's lineage and of the done fingerprint.

    max_new_tokens: tokens at most, end token included. temperature: 0 is greedy, else softmax temperature.
    seed: of sampling; with the sample's id it fixes the draws, whatever batch the sample falls into.
    """

    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0

    @classmethod
    def of(cls, params: CaptionParams) -> "Decoding":
        """The settings of the caption section."""
        return cls(params.max_new_tokens, params.temperature, params.seed)

    def values(self) -> dict[str, float]:
        """JSON-able values, for lineage and fingerprints."""
        return asdict(self)


class Generated(NamedTuple):
    """One caption. finish_reason: "stop" (the model ended it), "length" (it was not allowed to) or "repetition".

    tokens: generated, the end token included. tokens_in: of the prompt with its image. candidates: every text tried,
    with scores beside them (None: unscorable), where more than one was or scores were asked for; else empty.
    cut: the text ends at the last full sentence, what came after it is left out.
    """

    text: str
    finish_reason: str
    tokens: int
    tokens_in: int = 0
    candidates: tuple[str, ...] = ()
    scores: tuple[float | None, ...] = ()
    cut: bool = False
