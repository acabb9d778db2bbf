"""Pictures and answers that the tiny captioner of these tests has learnt."""

import numpy as np
from PIL import Image

PROMPT = "Describe it."
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "white": (250, 250, 250)}


def picture(colour: str, seed: int = 0) -> Image.Image:
    """A noisy picture of one colour; seed decides its size, 32 to 95 pixels a side."""
    noise = np.random.default_rng(seed)
    shape = (int(noise.integers(32, 96)), int(noise.integers(32, 96)), 3)
    return Image.fromarray(np.clip(noise.normal(COLOURS[colour], 12, shape), 0, 255).astype(np.uint8))


def answer(colour: str) -> str:
    """Three tokens: the tokenizer has one for each word."""
    return f"a {colour} picture"
