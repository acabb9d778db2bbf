"""The guards that params turn on."""

from collections.abc import Callable, Collection
from typing import Any

from cim.params.guards import CopiedGuard, Guards
from cim.rewards.guards.base import Guard
from cim.rewards.guards.characters import Characters, Tokens
from cim.rewards.guards.copied import Copied, GalleryCaptions
from cim.rewards.guards.gibberish import Gibberish
from cim.rewards.guards.prose import Filler, Prose
from cim.rewards.guards.words import Length, Prompt, Repetition


def build_guards(
    params: Guards, marks: Collection[int] = (), captions: GalleryCaptions | None = None
) -> dict[str, tuple[Guard, float]]:
    """Guards that look at a caption, and their weights, by name in params.

    marks: ids that no caption may hold. captions: the gallery's; ValueError without where `copied` is on.
    """

    def copied(limits: CopiedGuard) -> Guard:
        if captions is None:
            raise ValueError("the guard 'copied' needs the gallery's captions")
        return Copied(limits, captions)

    makers: dict[str, Callable[[Any], Guard]] = {
        "length": Length,
        "repetition": Repetition,
        "prompt": Prompt,
        "characters": Characters,
        "tokens": lambda _: Tokens(frozenset(marks)),
        "prose": Prose,
        "filler": Filler,
        "gibberish": Gibberish,
        "copied": copied,
    }
    limits = {name: getattr(params, name) for name in makers}
    return {name: (makers[name](one), one.weight) for name, one in limits.items() if one is not None}
