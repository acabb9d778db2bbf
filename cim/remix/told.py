"""The texts that a sample of a finished shard comes with, by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cim.errors import CimError
from cim.images.checks import Reason
from cim.readers.base import Item
from cim.records import Reject

ORIGINAL, CAPTION = "original", "caption"


@dataclass(frozen=True)
class Told:
    """texts: by name; "" where the sample has none of that name. facts: all other fields of its JSON."""

    texts: Mapping[str, str]
    facts: Mapping[str, Any]


def told_of(item: Item) -> Told | Reject:
    """What a sample of a tar comes with: written by `flows.recaption`, by `flows.remix` before, or by img2dataset.

    Names: `original`, the text that the image had before all captioning; `caption`, the one that re-captioning gave;
    those of named prompts. A reject for a sample that has no image, or whose JSON or text can't be read.
    """
    problem = item.problem or next((one for one in item.lost if one[0] != Reason.CAPTION_EMPTY), None)
    if problem or item.image is None:
        reason, detail = problem or (Reason.WITHOUT_IMAGE, "")
        return Reject(item.name, reason.value, detail)
    facts = dict(item.facts)
    named = facts.pop("texts", None)
    if isinstance(named, dict):
        return Told({name: text if isinstance(text, str) else "" for name, text in named.items()}, _known(facts, named))
    if "recaption" not in facts:  # nothing was captioned: what there is came with the image
        return Told({ORIGINAL: next(iter(item.captions), "")}, facts)
    texts = {ORIGINAL: facts.get("alt_text"), CAPTION: facts.get("caption")}
    return Told({name: text if isinstance(text, str) else "" for name, text in texts.items()}, facts)


def check_names(told: Told, wanted: Iterable[str], part: str) -> None:
    """Raise CimError where a sample of `part` has no text of a name that is wanted, not even a blank one."""
    if missing := [name for name in wanted if name not in told.texts]:
        raise CimError(
            f"no text {missing[0]} in {part}, which has {', '.join(told.texts)}",
            "shards with every text that texts.txt names",
            "mend texts.txt, or have that text written first (flows.recaption, recaption.texts.prompts)",
        )


def _known(facts: dict[str, Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Without the note that the texts' own files were not read: they are in the JSON."""
    others = [one for one in facts.pop("not_kept", []) if str(one).removesuffix(".txt") not in named]
    return facts | ({"not_kept": others} if others else {})
