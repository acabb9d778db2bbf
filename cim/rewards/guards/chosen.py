"""The guards that params turn on."""

from collections.abc import Collection

from cim.params.guards import Guards
from cim.rewards.guards.characters import Characters
from cim.rewards.guards.copied import Copied
from cim.rewards.guards.filler import Filler
from cim.rewards.guards.gallery import GalleryCaptions
from cim.rewards.guards.gibberish import Gibberish
from cim.rewards.guards.length import Length
from cim.rewards.guards.prompt import Prompt
from cim.rewards.guards.prose import Prose
from cim.rewards.guards.repetition import Repetition
from cim.rewards.guards.said import Guard
from cim.rewards.guards.tokens import Tokens


def chosen(
    params: Guards, marks: Collection[int] = (), captions: GalleryCaptions | None = None
) -> dict[str, tuple[Guard, float]]:
    """Guards that look at a caption, and their weights, by name in params.

    marks: ids that no caption may hold. captions: the gallery's; ValueError without where `copied` is on.
    """
    found: dict[str, tuple[Guard, float]] = {}
    if params.length is not None:
        found["length"] = Length(params.length), params.length.weight
    if params.repetition is not None:
        found["repetition"] = Repetition(params.repetition), params.repetition.weight
    if params.prompt is not None:
        found["prompt"] = Prompt(params.prompt), params.prompt.weight
    if params.characters is not None:
        found["characters"] = Characters(params.characters), params.characters.weight
    if params.tokens is not None:
        found["tokens"] = Tokens(frozenset(marks)), params.tokens.weight
    if params.prose is not None:
        found["prose"] = Prose(params.prose), params.prose.weight
    if params.filler is not None:
        found["filler"] = Filler(params.filler), params.filler.weight
    if params.gibberish is not None:
        found["gibberish"] = Gibberish(params.gibberish), params.gibberish.weight
    if params.copied is not None:
        if captions is None:
            raise ValueError("the guard 'copied' needs the gallery's captions")
        found["copied"] = Copied(params.copied, captions), params.copied.weight
    return found
