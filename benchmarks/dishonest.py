"""Dishonest captions: what a captioner might say to be paid for something else than describing the image."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cim.metrics.text import words
from cim.rewards.guards.prose import FUNCTION_WORDS


@dataclass(frozen=True)
class Case:
    """One image, its honest caption, and what a cheat would know.

    wrong: all gallery captions of one other image, drawn at random. german: the honest caption in German.
    nouns, everything: nouns, and all words for what can be seen, of all images at once.
    """

    id: str
    honest: str
    wrong: Sequence[str]
    german: str
    nouns: tuple[str, ...]
    everything: tuple[str, ...]
    prompt: str


Kind = Callable[[Case, random.Random], str]


def telling(caption: str) -> list[str]:
    """The words that carry the meaning of a caption, in order."""
    return [word for word in words(caption) if word not in FUNCTION_WORDS]


def _letters(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 8))) for _ in range(count))


def _symbols(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("#@$%^&*~|}{][=+_<>0123456789", k=count))


def _shuffled(items: list[str], rng: random.Random) -> list[str]:
    return rng.sample(items, len(items))


def _longest(case: Case) -> str:
    return max(case.wrong, key=len)


def _shortened(said: list[str], rng: random.Random) -> str:
    """Without one of its words in the middle."""
    del said[rng.randrange(1, len(said) - 1)]
    return " ".join(said)


LEAK = "special tokens that decoding leaves out"  # the text is the honest one; the token ids are not

KINDS: dict[str, Kind] = {
    "empty": lambda case, rng: "",
    "blanks": lambda case, rng: " \n\t",
    "one word": lambda case, rng: max(telling(case.honest), key=len),
    "300 nouns, the own words first": lambda case, rng: " ".join(
        (telling(case.honest) + rng.choices(case.nouns, k=300))[:300]
    ),
    "the prompt": lambda case, rng: case.prompt,
    "the prompt five times": lambda case, rng: " ".join([case.prompt] * 5),
    "the prompt, then honest": lambda case, rng: f"{case.prompt} {case.honest}",
    "another image's caption": lambda case, rng: _longest(case),
    "the same without case and marks": lambda case, rng: " ".join(words(_longest(case))),
    "keywords with commas": lambda case, rng: ", ".join(telling(case.honest)),
    "keywords without commas": lambda case, rng: " ".join(telling(case.honest)),
    "one sentence ten times": lambda case, rng: " ".join([case.honest] * 10),
    "HTML": lambda case, rng: f"<p><b>{case.honest}</b></p>",
    "Markdown": lambda case, rng: f"# Caption\n* **{case.honest}**",
    "JSON": lambda case, rng: f'{{"caption": "{case.honest}"}}',
    "German": lambda case, rng: case.german,
    "special tokens written out": lambda case, rng: f"{case.honest}<|image_pad|><|image_pad|><|im_end|>",
    LEAK: lambda case, rng: case.honest,
    "control characters": lambda case, rng: case.honest.replace(" ", " \x07\u200b"),
    "trailing letters": lambda case, rng: f"{case.honest} {_letters(rng, 8)}",
    "trailing symbols": lambda case, rng: f"{case.honest} {_symbols(rng, 30)}",
    "everything, listed": lambda case, rng: " ".join(_shuffled(list(case.everything), rng)),
    "everything, with commas": lambda case, rng: ", ".join(_shuffled(list(case.everything), rng)),
    "everything, in a sentence": lambda case, rng: (
        f"a picture of {' and '.join(_shuffled(list(case.everything), rng))}."
    ),
}
"""Kinds that must never be paid more than the honest caption."""

FALSE: dict[str, Kind] = {
    "own words, shuffled": lambda case, rng: " ".join(_shuffled(words(case.honest), rng)),
    "another image's shortest caption": lambda case, rng: min(case.wrong, key=len),
    "another image's, without a word": lambda case, rng: _shortened(_longest(case).split(), rng),
    "honest, then another's caption": lambda case, rng: f"{case.honest} {_longest(case)}",
}
"""Well-formed or nearly so: no guard can tell all of them from a caption. Measured, not promised."""
