"""The texts that a sample comes with, by name: in a finished shard's JSON, or in tables of captions beside a corpus."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cim.errors import CimError
from cim.images.checks import Reason
from cim.readers.base import Item, Part
from cim.readers.webdataset import TarPart
from cim.records import Reject

ORIGINAL, CAPTION = "original", "caption"


@dataclass(frozen=True)
class SampleTexts:
    """A sample without its image. texts: by name; "" where it has none of that name. facts: all other fields of its
    JSON."""

    key: str
    suffix: str
    texts: Mapping[str, str]
    facts: Mapping[str, Any]


class SampleReader(Protocol):
    """Gives what the sample at a place of its part comes with, or why it is not used."""

    def __call__(self, at: int, item: Item) -> SampleTexts | Reject: ...


def read_sample(at: int, item: Item) -> SampleTexts | Reject:
    """What a sample of a tar comes with: written by `flows.recaption`, by `flows.remix` before, or by img2dataset.

    Names: `original`, the text that the image had before all captioning; `caption`, the one that re-captioning gave;
    those of named prompts. A reject for a sample that has no image, or whose JSON or text can't be read.
    """
    if (reject := unusable(item)) is not None:
        return reject
    facts = dict(item.facts)
    named = facts.pop("texts", None)
    if isinstance(named, dict):
        facts = _known(facts, named)
    elif "recaption" not in facts:  # nothing was captioned: what there is came with the image
        named = {ORIGINAL: next(iter(item.captions), "")}
    else:
        named = {ORIGINAL: facts.get("alt_text"), CAPTION: facts.get("caption")}
    texts = {name: text if isinstance(text, str) else "" for name, text in named.items()}
    return SampleTexts(item.name, item.suffix, texts, facts)


def first_sample(parts: Iterable[Part]) -> tuple[SampleTexts, str] | None:
    """The first that can be used of the first tar that lies here, and that tar's name; None where there is none."""
    tar = next((part for part in parts if isinstance(part, TarPart)), None)
    if tar is None:
        return None
    read = (read_sample(0, item) for item in tar.items())
    return next(((one, tar.name) for one in read if isinstance(one, SampleTexts)), None)


def unusable(item: Item) -> Reject | None:
    """Why an item is not used, if that is so; an empty caption alone is nothing to lose."""
    problem = item.problem or next((one for one in item.lost if one[0] != Reason.CAPTION_EMPTY), None)
    if problem is None and item.image is not None:
        return None
    reason, detail = problem or (Reason.WITHOUT_IMAGE, "")
    return Reject(item.name, reason.value, detail)


def check_names(sample: SampleTexts, wanted: Iterable[str], part: str, setting: str = "texts.txt") -> None:
    """Raise CimError where a sample of `part` has no text of a name that is wanted, not even a blank one.

    setting: the parameter that names it.
    """
    if missing := [name for name in wanted if name not in sample.texts]:
        raise CimError(
            f"no text {missing[0]} in {part}, which has {', '.join(sample.texts)}",
            f"shards with every text that {setting} names",
            f"mend {setting}, or have that text written first (flows.recaption, recaption.texts.prompts)",
        )


def _known(facts: dict[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Without the note that the texts' own files were not read: they are in the JSON."""
    others = [one for one in facts.pop("not_kept", []) if str(one).removesuffix(".txt") not in named]
    return facts | ({"not_kept": others} if others else {})
