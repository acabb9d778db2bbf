"""Pictures spoilt in five ways, each by a strength in [0, 1]; the same picture and name, the same result."""

import io
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Perturb = Callable[[Image.Image, float, random.Random], Image.Image]


def noise(picture: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """Gaussian noise on every channel, with a standard deviation of up to half the range."""
    values = np.random.default_rng(rng.randrange(2**32)).normal(0, 128 * strength, (*picture.size[::-1], 3))
    return Image.fromarray(np.clip(np.asarray(picture, dtype=np.float64) + values, 0, 255).round().astype(np.uint8))


def blur(picture: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """Gaussian blur, with a radius of up to a tenth of the shorter side."""
    return picture.filter(ImageFilter.GaussianBlur(strength * min(picture.size) / 10))


def jpeg(picture: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """JPEG at a quality from 95 down to 1."""
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=round(95 - 94 * strength))
    return Image.open(out).convert("RGB")


def crop(picture: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """A part with the same proportions, of a side down to half, anywhere, scaled up again."""
    share = 1 - strength / 2
    width, height = max(round(picture.width * share), 1), max(round(picture.height * share), 1)
    left, top = rng.randint(0, picture.width - width), rng.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height)).resize(picture.size, Image.Resampling.BICUBIC)


def occlusion(picture: Image.Image, strength: float, rng: random.Random) -> Image.Image:
    """A gray rectangle anywhere, of up to 60% of each side."""
    width, height = round(0.6 * strength * picture.width), round(0.6 * strength * picture.height)
    left, top = rng.randint(0, picture.width - width), rng.randint(0, picture.height - height)
    covered = picture.copy()
    covered.paste((128, 128, 128), (left, top, left + width, top + height))
    return covered


PERTURBATIONS: dict[str, Perturb] = {"noise": noise, "blur": blur, "jpeg": jpeg, "crop": crop, "occlusion": occlusion}


def perturbed(picture: Image.Image, how: str, strength: float, name: str) -> Image.Image:
    """An RGB picture of the same size. name: of the picture, which decides what is drawn by chance."""
    return PERTURBATIONS[how](picture, strength, random.Random(f"{how}-{name}"))
