"""curate: which pairs of image and text are worth training on, beside the pipeline and independent of its stages."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.images import ImageLimits
from cim.params.runtime import Runtime
from cim.params.sources import Source, without_splits
from cim.params.tune import Reward

BOILERPLATE = (
    r"\ball rights reserved\b",
    r"[©®]|\(c\) *\d{4}",
    r"\b(stock|royalty[- ]free) (photos?|images?|illustrations?|vectors?|pictures?)\b",
    r"\bclick (here|to|for|on|over|image)\b|\b(tap|press|hover) here\b",
    r"\b(download|buy|shop|order|subscribe|sign up|log ?in|register|read more|learn more|see more) (it )?"
    r"(now|here|today)\b",
    r"^(download|read more|learn more|see more|view (all|more|larger))\b",
    r"\b(free shipping|sale price|best price|in stock|out of stock|add to (cart|basket|wishlist))\b",
    r"https?://|\bwww\.|\.(com|net|org)\b",
    r"\.(jpe?g|png|gif|webp|bmp|tiff?)\b",
    r"^(img|dsc|dscn|image|photo|picture|pic|thumbnail|screenshot|untitled|placeholder|logo|banner|icon)[-_ #]*\d*\.?$",
    r"\b(image|picture|photo) (may contain|not (found|available)|unavailable|placeholder|coming soon)\b",
    r"\bno (image|photo|picture)\b",
    r"^(photo|image|picture|photograph|courtesy|credit)s? ?(by|of|credit|courtesy|source)?:",
)
"""What alt-text of the web says of pages rather than of pictures."""


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression ({error})") from error
    return text


def _importable(text: str) -> str:
    module, colon, name = text.partition(":")
    if not colon or not all(part.isidentifier() for part in [*module.split("."), name]):
        raise ValueError(f"{text!r} is not package.module:function")
    return text


class TextFilters(Section):
    """What a text must be. Of several reasons a pair is dropped for the first, in this order."""

    min_words: int = Field(2, ge=0, description="fewer: too few words")
    max_words: int = Field(256, ge=1, description="more: too many words")
    max_repetition: float | None = Field(
        0.3, ge=0, le=1, description="share of a text's word 3-grams that repeat an earlier one; null: any"
    )
    scripts: list[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z_]+$")]] = Field(
        ["Latin"], description="Unicode scripts (Latin, Cyrillic, Han, ...) that letters may be of; []: any"
    )
    min_script: float = Field(0.8, ge=0, le=1, description="share of the letters that must be of `scripts`")
    min_english: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of English function words less those of seven other European languages, which texts of 5"
        " words or more must have; 0.1 leaves English sentences; null: any language",
    )
    boilerplate: list[Annotated[str, AfterValidator(_regex)]] = Field(
        list(BOILERPLATE),
        description="regular expressions of texts that speak of pages, by default in English; case does not count",
    )
    contacts: bool = Field(True, description="drop texts with an e-mail address or a phone number")
    max_images: int | None = Field(
        10, ge=1, description="images that may have the same text, case and blanks aside; null: any number"
    )


class Duplicates(Section):
    """When two images are one: all that is set must hold. The larger is kept, of equals the earlier."""

    hash_distance: int | None = Field(
        8, ge=0, le=20, description="bits of 64 in which their perceptual hashes (DCT) may differ; null: no hash"
    )
    cosine: float | None = Field(
        0.95, gt=0, le=1, description="of their vectors by `encoders`, where there are any; null: not looked at"
    )

    @model_validator(mode="after")
    def _one_at_least(self) -> "Duplicates":
        if self.hash_distance is None and self.cosine is None:
            raise ValueError("hash_distance and cosine both null: which images are near-duplicates? null the section")
        return self


class EncoderScore(Section):
    """Cosine of image and text by `encoders`, the mean of several."""

    kind: Literal["encoder"]


class LearnedScore(Section):
    """A weight a dimension of `encoders`, fitted on pairs that somebody has labelled; a probability."""

    kind: Literal["learned"]
    labels: str = Field(
        description="Parquet or CSV of labelled pairs: columns image (a path, here or beside the table), caption, label"
        " (0 wrong to 1 right)"
    )
    prior: float = Field(100.0, gt=0, description="strength that holds the weights to those of the plain cosine")


class CimScored(Section):
    """The reward of the text: what it retrieves from a gallery looks like the image."""

    kind: Literal["cim"]
    workspace: str = Field("data", description="data folder with index and encoders")
    reward: Reward = Reward()


class TableScore(Section):
    """Scores that were made elsewhere, a row a pair."""

    kind: Literal["table"]
    path: str = Field(description="Parquet with the columns id (of the image, as in our tables), caption, and `column`")
    column: str = Field("score", description="of numbers, higher is better")


Score = Annotated[EncoderScore | LearnedScore | CimScored | TableScore, Field(discriminator="kind")]


class Keep(Section):
    """Which scored pairs stay: one of the two."""

    threshold: float | None = Field(None, description="lowest score that is kept")
    best_share: float | None = Field(None, gt=0, le=1, description="share of each source's scored pairs that is kept")

    @model_validator(mode="after")
    def _one_of_them(self) -> "Keep":
        if (self.threshold is None) == (self.best_share is None):
            raise ValueError("threshold or best_share: exactly one of the two")
        return self


class Reassign(Section):
    """Texts of a low score go to the image without a text that they fit best, if that image finds them again (SynC)."""

    cycle: int = Field(2, ge=1, description="the text must be among this many texts that fit the image best")
    min_score: float | None = Field(None, description="lowest score of the new pair; null: the lowest that is kept")


class Buckets(Section):
    """How well a kept pair fits, as a control token for training and, its highest, for decoding (NoC)."""

    count: int = Field(4, ge=2, le=64, description="levels with as many pairs each")
    edges: list[float] | None = Field(None, description="scores at which levels begin, in place of equal counts")
    token: str = Field("<fit {}>", pattern=r"\{\}", description="of a level, counted from 1, the best last")

    @model_validator(mode="after")
    def _ascending(self) -> "Buckets":
        if self.edges is not None and (sorted(set(self.edges)) != self.edges or len(self.edges) != self.count - 1):
            raise ValueError(f"edges {self.edges} for count {self.count}: {self.count - 1} ascending scores are needed")
        return self


class Nsfw(Section):
    """A classifier of images that you bring."""

    classifier: Annotated[str, AfterValidator(_importable)] = Field(
        description="package.module:function, given a list of RGB PIL images, gives a number in [0, 1] for each"
    )
    threshold: float | None = Field(None, ge=0, le=1, description="images above it are dropped; null: a column only")


class Curate(Section):
    """A corpus in; a table with a row a pair, lists of keys and shards of what is kept out."""

    corpus: list[Annotated[Source, AfterValidator(without_splits)]] = Field(min_length=1, description="read in order")
    output: str = Field(description="folder of the results; new, empty, or an earlier run's")
    samples_per_shard: int = Field(
        10_000, ge=1, le=10_000, description="of corpora that have no shards of their own (not webdataset)"
    )
    source_field: str | None = Field(
        None, description="field of each sample's JSON that names its source; null: each entry of corpus is one"
    )
    images: ImageLimits = ImageLimits()
    encoders: list[str] = Field(["data/models/image"], description="folders of open_clip models, as the models stage")
    batch_size: int = Field(256, ge=1, description="images encoded at once")
    text: TextFilters = TextFilters()
    duplicates: Duplicates | None = Duplicates()
    nsfw: Nsfw | None = None
    score: Score | None = Field(None, description="null: pairs are not scored")
    keep: Keep | None = Field(None, description="null: whatever the score")
    reassign: Reassign | None = None
    buckets: Buckets | None = None
    shards: Literal["changed", "none"] = Field(
        "changed",
        description="changed: a tar a shard, written anew where rows change and else linked to the corpus's; none:"
        " table and lists only",
    )

    @model_validator(mode="after")
    def _scored(self) -> "Curate":
        wanting = [name for name in ("keep", "buckets") if getattr(self, name) is not None and self.score is None]
        if wanting:
            raise ValueError(f"{' and '.join(wanting)} without score: set score")
        return self

    @model_validator(mode="after")
    def _encoded(self) -> "Curate":
        if not self.encoders and isinstance(self.score, EncoderScore | LearnedScore):
            raise ValueError(f"score {self.score.kind} without encoders: name a model's folder")
        if not self.encoders and self.duplicates is not None and self.duplicates.hash_distance is None:
            raise ValueError("duplicates by cosine without encoders: name a model's folder, or set hash_distance")
        return self

    @model_validator(mode="after")
    def _reassigned(self) -> "Curate":
        if self.reassign is not None and not (self.keep and isinstance(self.score, EncoderScore | LearnedScore)):
            raise ValueError("reassign needs keep and a score of kind encoder or learned: it scores other pairs")
        return self


class Curation(Section):
    """The whole of a params file for flows.curate."""

    runtime: Runtime = Runtime()
    curate: Curate
