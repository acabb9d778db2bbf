"""How a caption is decoded: everything that decides the text besides model, image and prompt."""

import hashlib
from dataclasses import asdict, dataclass
from typing import NamedTuple

from cim.params import CaptionParams


@dataclass(frozen=True)
class Decoding:
    """Decoding settings; part of every caption's lineage and of the done fingerprint.

    max_new_tokens: tokens at most, end token included. temperature: 0 is greedy, else softmax temperature.
    seed: of sampling; with the sample's id it fixes the draws, whatever batch the sample falls into.
    beams: above 1, beam search of that width. guidance: above 1, away from what the model says without the image.
    The rest is what engines do with finished captions. candidates: sampled an image, the best kept. max_repetition:
    share of repeated word 3-grams above which a caption is sampled anew at retry_temperature, `retries` times at most;
    1 never is. draft_pixels: see `cim.images.decode.draft`. scored_by: fingerprint of what gives the CIM score that
    chooses, "" where none is asked for.
    """

    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0
    beams: int = 1
    guidance: float = 1.0
    candidates: int = 1
    max_repetition: float = 1.0
    retries: int = 0
    retry_temperature: float = 0.7
    scored_by: str = ""
    draft_pixels: int | None = None

    @classmethod
    def of(cls, params: CaptionParams, scored_by: str = "") -> "Decoding":
        """The settings of the caption section."""
        more = params.decoding.model_dump(exclude={"score"})
        return cls(params.max_new_tokens, params.temperature, params.seed, scored_by=scored_by, **more)

    def seed_of(self, key: str) -> int:
        """31 bits that seed the text `key`, a sample's id or a name made from it, where an engine takes one number."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}\x00{key}".encode()).digest()[:4], "big") >> 1

    def values(self) -> dict[str, float | str | None]:
        """JSON-able values, for lineage and fingerprints; of all but the first three only what is not the default."""
        plain = asdict(Decoding(self.max_new_tokens))
        always = ("max_new_tokens", "temperature", "seed")
        return {name: value for name, value in asdict(self).items() if name in always or value != plain[name]}


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
