"""Dishonest captions: what a captioner might say to be paid for something else than describing the image."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from cim.metrics.text import words
from cim.rewards.guards.prose import FUNCTION_WORDS


@dataclass(frozen=True)
class Case:
    """One image and what a cheat would know. nouns, everything: words and attributes of all images at once.

    wrong: a gallery caption of an image that is clearly another. translated: the honest caption in German.
    """

    id: str
    honest: str
    wrong: str
    translated: str
    nouns: tuple[str, ...]
    everything: tuple[str, ...]
    prompt: str


Kind = Callable[[Case, random.Random], str]


def telling(case: Case) -> list[str]:
    """The words of the honest caption that carry its meaning, in order."""
    return [word for word in words(case.honest) if word not in FUNCTION_WORDS]


def _letters(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(4, 8))) for _ in range(count))


def _symbols(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("#@$%^&*~|}{][=+_<>0123456789", k=count))


KINDS: dict[str, Kind] = {
    "empty": lambda case, rng: "",
    "blanks": lambda case, rng: " \n\t",
    "one word": lambda case, rng: max(telling(case), key=len),
    "300 nouns": lambda case, rng: " ".join(rng.choices(case.nouns, k=300)),
    "own words, then nouns to 300": lambda case, rng: " ".join(telling(case) + rng.choices(case.nouns, k=285)),
    "the prompt": lambda case, rng: case.prompt,
    "the prompt five times": lambda case, rng: " ".join([case.prompt] * 5),
    "the prompt, then honest": lambda case, rng: f"{case.prompt} {case.honest}",
    "another image's caption": lambda case, rng: case.wrong,
    "keywords with commas": lambda case, rng: ", ".join(telling(case)),
    "keywords without commas": lambda case, rng: " ".join(telling(case)),
    "one sentence ten times": lambda case, rng: " ".join([case.honest] * 10),
    "HTML": lambda case, rng: f"<p><b>{case.honest}</b></p>",
    "Markdown": lambda case, rng: "\n".join(f"* **{word}**" for word in telling(case)),
    "JSON": lambda case, rng: f'{{"caption": "{case.honest}"}}',
    "German": lambda case, rng: case.translated,
    "special tokens written out": lambda case, rng: f"{case.honest}<|image_pad|><|image_pad|><|im_end|>",
    "control characters": lambda case, rng: "\x07\u200b".join(case.honest),
    "trailing letters": lambda case, rng: f"{case.honest} {_letters(rng, 8)}",
    "trailing symbols": lambda case, rng: f"{case.honest} {_symbols(rng, 30)}",
    "all attributes, listed": lambda case, rng: " ".join(rng.sample(case.everything, len(case.everything))),
    "all attributes, in a sentence": lambda case, rng: (
        f"a picture of {' and '.join(rng.sample(case.everything, len(case.everything)))}."
    ),
    "own words shuffled": lambda case, rng: " ".join(rng.sample(words(case.honest), len(words(case.honest)))),
    "honest, then another's": lambda case, rng: f"{case.honest} {case.wrong}",
}
