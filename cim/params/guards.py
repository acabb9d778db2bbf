"""tune.reward.guards: penalties beside GRC and QIR, each on with its own limits or null."""

from pydantic import Field, model_validator

from cim.params.base import Section


class _Guard(Section):
    """A penalty of `weight` times a number in [-1, 0]."""

    weight: float = Field(
        3.0, gt=0, description="of the penalty; above 1 + 1.75 beta (the most that CIM pays at k 3) nothing makes up"
    )


class _Ramp(_Guard):
    """No penalty up to `free`, all of it from `full` on."""

    free: float
    full: float

    @model_validator(mode="after")
    def _rises(self) -> "_Ramp":
        if self.free >= self.full:
            raise ValueError(f"free {self.free} is not below full {self.full}")
        return self


class LengthGuard(_Guard):
    """Captions outside a window of words: -1 below it, falling to -1 at 1.2 times its upper end."""

    min_words: int = Field(2, ge=1, description="fewer words are -1")
    min_telling: int = Field(2, ge=0, description='fewer words other than small ones are -1: "a dog" tells one thing')
    max_words: int = Field(350, ge=1, description="more words are punished, from 1.2 times as many on by -1")

    @model_validator(mode="after")
    def _opens(self) -> "LengthGuard":
        if self.min_words > self.max_words:
            raise ValueError(f"min_words {self.min_words} is above max_words {self.max_words}")
        return self


class RepetitionGuard(_Ramp):
    """Words said again and again."""

    ngram: int = Field(3, ge=1, description="words in a row that count as one")
    free: float = Field(0.3, ge=0, lt=1, description="share of repeated n-grams without penalty")
    full: float = Field(0.5, gt=0, le=1, description="share that is -1")


class PromptGuard(_Ramp):
    """The prompt said back."""

    ngram: int = Field(3, ge=2, description="words in a row that count as copied if two tell something")
    free: float = Field(0.0, ge=0, lt=1, description="share of copied words without penalty")
    full: float = Field(0.1, gt=0, le=1, description="share that is -1")


class CharactersGuard(_Ramp):
    """Markup, control characters, symbols, and more digits and marks than a sentence has."""

    free: float = Field(0.005, ge=0, lt=1, description="share of characters no sentence needs without penalty")
    full: float = Field(0.02, gt=0, le=1, description="share that is -1")
    letters: float = Field(0.75, gt=0, lt=1, description="letters in what is not blank, fewer are punished; -1 at 3/4")


class TokensGuard(_Guard):
    """Special tokens (image pads, roles), as ids or written out: any is -1."""


class ProseGuard(_Guard):
    """Lists or heaps of words instead of sentences, and other languages: told by function words and separators."""

    min_words: int = Field(5, ge=1, description="shorter captions are not judged by their function words")
    function_words: float = Field(
        0.1, gt=0, lt=1, description="share of English ones below which it begins; -1 at half"
    )
    separators: float = Field(
        0.35, gt=0, description='commas, "and" and the like for each word, above which it begins; -1 at 1.5 times'
    )
    dangling: float = Field(0.1, ge=0, lt=1, description='articles before no noun ("a of the"), more are punished')


class FillerGuard(_Guard):
    """Lists with small words put in between: "a dog a man a park", "dog is man is park"."""

    same: float = Field(
        0.4, gt=0, lt=1, description="share of gaps with the same filler, above which it begins; -1 at 1.2 times"
    )
    rhythm: float = Field(
        0.4, gt=0, lt=1, description="small words of one class for each word, above which it begins; -1 at 1.2 times"
    )
    alternation: float = Field(
        0.92, gt=0, lt=1, description="function words and others in turn, share above which it begins; -1 halfway to 1"
    )
    loose: float = Field(
        0.67, gt=0, lt=1, description="noun phrases that nothing leads to, share above which it begins; -1 at 1.1 times"
    )


class GibberishGuard(_Ramp):
    """Words that no English word looks like."""

    free: float = Field(0.02, ge=0, lt=1, description="share of such words without penalty")
    full: float = Field(0.1, gt=0, le=1, description="share that is -1")


class CopiedGuard(_Ramp):
    """Captions that the gallery has for another image, whole and word for word."""

    min_words: int = Field(7, ge=1, description="shorter captions of the gallery may be said: honest ones coincide")
    min_telling: int = Field(4, ge=1, description="words but function words from which on a short one may not")
    free: float = Field(0.7, ge=0, lt=1, description="share of words in such captions without penalty")
    full: float = Field(0.8, gt=0, le=1, description="share that is -1")


class UnscorableGuard(_Guard):
    """A caption that CIM cannot score though its image has a vector, as an empty one: -1."""


class Guards(Section):
    """Penalties beside GRC and QIR; null turns one off."""

    unscorable: UnscorableGuard | None = UnscorableGuard()
    length: LengthGuard | None = LengthGuard()
    repetition: RepetitionGuard | None = RepetitionGuard()
    prompt: PromptGuard | None = PromptGuard()
    characters: CharactersGuard | None = CharactersGuard()
    tokens: TokensGuard | None = TokensGuard()
    prose: ProseGuard | None = Field(ProseGuard(), description="knows English alone")
    filler: FillerGuard | None = Field(FillerGuard(), description="knows English alone")
    gibberish: GibberishGuard | None = Field(GibberishGuard(), description="knows English alone")
    copied: CopiedGuard | None = CopiedGuard()

    @classmethod
    def off(cls) -> "Guards":
        """None of them: the reward is GRC + beta * QIR alone."""
        return cls(**dict.fromkeys(cls.model_fields))
