"""Which texts an image's `.txt` is drawn from, and what they may cost: for recaption.texts and for remix.texts."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} as a text's name: small letters, digits and _ (it becomes KEY.NAME.txt)")
    return name


TextName = Annotated[str, AfterValidator(_name)]


def columns_of(prompt: str) -> list[str]:
    """The {names} in a prompt, which a sample's own columns fill."""
    return list(dict.fromkeys(re.findall(r"\{(\w+)\}", prompt)))


class TextPart(Section):
    """One of the texts that are drawn from: whole, or some of its sentences."""

    text: TextName = Field(description="original (what came with the image), caption, or a prompt's name")
    share: float = Field(gt=0, le=1, description="of the images; all shares sum to 1")
    sentences: int | None = Field(
        None,
        ge=1,
        description="a sub-caption: so many of its sentences, drawn, in their order; default: the whole text",
    )

    @property
    def label(self) -> str:
        """`detailed`; `detailed/2` for two of its sentences."""
        return self.text if self.sentences is None else f"{self.text}/{self.sentences}"


class TokenBudget(Section):
    """Tokens that a trainer's text encoder takes; longer texts are cut behind a sentence, never inside one."""

    tokenizer: str = Field(
        "open_clip", description="open_clip: CLIP's own; else a local folder with a Hugging Face tokenizer"
    )
    tokens: int = Field(77, ge=3, description="at most, marks of beginning and end included")


class Mix(Section):
    """What is written as `.txt`, drawn for each image by its key, the same on every run."""

    seed: int = Field(0, ge=0, description="another one draws anew")
    txt: list[TextPart] = Field(
        min_length=1, description="one of them is drawn for each image; where it has no such text, another one"
    )
    budget: TokenBudget | None = Field(TokenBudget(), description="null: texts of any length")
    members: bool = Field(
        False,
        description="for trainers that sample: every text, within the budget, also as a file of its own,"
        " KEY.NAME.txt, and its sentences in the JSON",
    )

    @model_validator(mode="after")
    def _shares(self) -> "Mix":
        labels = [part.label for part in self.txt]
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"txt names {twice[0]} twice")
        if abs((total := sum(part.share for part in self.txt)) - 1) > 1e-6:
            raise ValueError(f"shares in txt must sum to 1, found {total:g}")
        return self


class Texts(Mix):
    """Several captions an image, and what of them is written as `.txt`."""

    prompts: dict[TextName, str] = Field(
        min_length=1,
        description="by name, each a caption of every image: {short: In one sentence ..., words20: ... in 20 words};"
        " they take the place of caption.prompts; {column} is filled from the sample's JSON or table row",
    )

    @model_validator(mode="after")
    def _named(self) -> "Texts":
        if taken := sorted(self.prompts.keys() & {"original"}):
            raise ValueError(f"a prompt called {taken[0]}: that is the text that came with the image")
        if blank := [name for name, prompt in self.prompts.items() if not prompt.strip()]:
            raise ValueError(f"prompt {blank[0]} is blank")
        known = ["original", *self.prompts]
        if unknown := [part.text for part in self.txt if part.text not in known]:
            raise ValueError(f"txt names {unknown[0]}, which is none of {', '.join(known)}")
        return self
