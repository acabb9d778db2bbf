"""The guards that params turn on, and which of them stand aside for captions in a language that they do not know."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params.guards import CopiedGuard, Guards
from cim.rewards.guards.base import Guard
from cim.rewards.guards.characters import Characters, Tokens
from cim.rewards.guards.copied import Copied, GalleryCaptions
from cim.rewards.guards.gibberish import Gibberish
from cim.rewards.guards.prose import Filler, Prose
from cim.rewards.guards.words import Length, Prompt, Repetition

GUARDS: Mapping[str, type[Guard]] = {
    "length": Length,
    "repetition": Repetition,
    "prompt": Prompt,
    "characters": Characters,
    "tokens": Tokens,
    "prose": Prose,
    "filler": Filler,
    "gibberish": Gibberish,
    "copied": Copied,
}
"""Those that look at a caption, by name in params."""


def build_guards(
    params: Guards,
    marks: Collection[int] = (),
    captions: GalleryCaptions | None = None,
    language: Language = ENGLISH,
) -> dict[str, tuple[Guard, float]]:
    """Guards that look at a caption, and their weights, by name in params; without those that stand aside.

    marks: ids that no caption may hold. captions: the gallery's; ValueError without where `copied` is on. language: of
    the captions.
    """

    def copied(limits: CopiedGuard) -> Guard:
        if captions is None:
            raise ValueError("the guard 'copied' needs the gallery's captions")
        return Copied(limits, captions)

    makers: dict[str, Callable[[Any], Guard]] = {
        "length": lambda limits: Length(limits, language),
        "repetition": Repetition,
        "prompt": lambda limits: Prompt(limits, language),
        "characters": lambda limits: Characters(limits, language),
        "tokens": lambda _: Tokens(frozenset(marks)),
        "prose": Prose,
        "filler": Filler,
        "gibberish": Gibberish,
        "copied": copied,
    }
    limits = {name: getattr(params, name) for name in makers if GUARDS[name].knows[""].why_not(language) is None}
    return {name: (makers[name](one), one.weight) for name, one in limits.items() if one is not None}


def guards_aside(params: Guards, language: Language) -> dict[str, str]:
    """Why guards that params turn on, or parts of them ("length.min_telling"), stand aside, by name."""
    found: dict[str, str] = {}
    for name, guard in GUARDS.items():
        for part, knows in guard.knows.items() if getattr(params, name) is not None else ():
            if name not in found and (why := knows.why_not(language)) is not None:
                found[f"{name}.{part}".rstrip(".")] = why
    return found
