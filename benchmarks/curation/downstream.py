"""A tiny CLIP trained from nothing on clean, swapped and curated pairs, and what it finds among unseen scenes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.curation.swaps import curate_swapped, swap
from benchmarks.curation.worlds import scenes
from cim.curation.encoders import Encoders
from cim.images.decode import decode_rgb
from cim.params.models import FittedClip

TEST, TEST_SEED, TRAIN_SEED, TRAIN_TIMES = 1000, 77, 51, 3


def downstream(count: int, seeds: int, encoders: Encoders, folder: Path) -> Iterator[str]:
    """Lines of a table: R@1 both ways on scenes that no arm was trained on, of three times `count` pairs."""
    pairs, test = scenes(TRAIN_TIMES * count, TRAIN_SEED, 0.95), scenes(TEST, TEST_SEED, 0.95)
    known = {*pairs.images}
    fresh = [(image, text) for image, text in zip(test.images, test.captions, strict=True) if image not in known]
    found = curate_swapped(pairs, encoders, folder / "downstream", cycle=2)
    owner = swap(len(pairs.images), 0)
    kept = [(image, text) for image, text in zip(pairs.images, found.left, strict=True) if text is not None]
    arms: dict[str, tuple[Sequence[bytes], Sequence[str]]] = {
        "clean": (pairs.images, pairs.captions),
        "30% swapped": (pairs.images, [pairs.captions[one] for one in owner]),
        "swapped, then curated": ([image for image, _ in kept], [text for _, text in kept]),
    }
    yield f"\n| trained on | pairs | R@1 on {len(fresh)} unseen scenes, both ways, {seeds} seeds |"
    yield "|---|---|---|"
    for name, (images, texts) in arms.items():
        scores = [_trained(images, texts, fresh, seed) for seed in range(seeds)]
        yield f"| {name} | {len(images)} | {np.mean(scores):.1%} ({', '.join(f'{one:.1%}' for one in scores)}) |"


def _trained(images: Sequence[bytes], texts: Sequence[str], test: Sequence[tuple[bytes, str]], seed: int) -> float:
    from cim.encoders.fit import fit_clip, normalised

    params = FittedClip(kind="fit", seed=seed, width=12, embed_dim=96, epochs=12, learning_rate=0.003)
    fitted = fit_clip(params, _pixels(images, params.side), [[text] for text in texts], "cpu")
    import open_clip
    import torch

    tokenize = open_clip.SimpleTokenizer(context_length=fitted.config["model_cfg"]["text_cfg"]["context_length"])
    with torch.no_grad():
        pixels = torch.from_numpy(_pixels([image for image, _ in test], params.side)).permute(0, 3, 1, 2)
        seen = fitted.model.encode_image(normalised(pixels), normalize=True)
        read = fitted.model.encode_text(tokenize([text for _, text in test]), normalize=True)
    products = (seen @ read.T).numpy()
    own = np.arange(len(test))
    return float(((products.argmax(1) == own).mean() + (products.argmax(0) == own).mean()) / 2)


def _pixels(images: Sequence[bytes], side: int) -> npt.NDArray[np.uint8]:
    size = (side, side)
    return np.stack([np.asarray(decode_rgb(image).resize(size, Image.Resampling.BICUBIC)) for image in images])
