"""Scenes to sentences that vary in wording and in how much they say."""

import random

from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import ABOVE, COLORS, INVERSE, LEFT, NUMBERS, PLURALS, WORDS

FULL, VAGUE = 0.97, 0.15  # chance that a fact is stated, in a detailed and in a vague caption


def describe(scene: Scene, rng: random.Random, detail: float) -> str:
    """One true caption. With chance `detail` it is a detailed one, else a vague one.

    Shapes are always named; each size, texture, colour, number, the relation and the background
    is stated with the caption's own chance, so even detailed captions leave something out at times.
    """
    return state(scene, rng, FULL if rng.random() < detail else VAGUE)


def state(scene: Scene, rng: random.Random, chance: float) -> str:
    """One true caption that states each fact with this chance; 1.0: every fact there is."""
    things, relation = _in_reading_order(scene, rng)
    phrases = [_noun_phrase(thing, rng, chance) for thing in things]
    if relation is None:
        sentence = phrases[0]
    elif rng.random() < chance:
        sentence = f"{phrases[0]} {_word('relation', relation, rng)} {phrases[1]}"
    else:
        sentence = f"{phrases[0]} and {phrases[1]}"
    if rng.random() < chance:
        sentence += rng.choice((" on a {0} background", " against a {0} background")).format(scene.background)
    return sentence + "."


def _in_reading_order(scene: Scene, rng: random.Random) -> tuple[tuple[Thing, ...], str | None]:
    """Things as people mostly name them: left before right, top before bottom; one in eight the other way."""
    if scene.relation not in INVERSE:
        return scene.things, scene.relation
    if (scene.relation in (LEFT, ABOVE)) != (rng.random() < 0.125):
        return scene.things, scene.relation
    return scene.things[::-1], INVERSE[scene.relation]


def _noun_phrase(thing: Thing, rng: random.Random, chance: float) -> str:
    words = []
    if rng.random() < chance:
        words.append(_word("size", thing.size, rng))
    if rng.random() < chance:
        words.append(_word("texture", thing.texture, rng))
    if rng.random() < chance:
        assert thing.color in COLORS
        words.append(thing.color)
    shape = _word("shape", thing.shape, rng)
    if thing.count == 1:
        words.append(shape)
        return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"
    words.append(PLURALS[shape])
    return f"{NUMBERS[thing.count] if rng.random() < chance else 'some'} {' '.join(words)}"


def _word(kind: str, value: str, rng: random.Random) -> str:
    options = WORDS[kind][value]
    return options[0] if rng.random() < 0.75 else rng.choice(options)
