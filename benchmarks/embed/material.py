"""What both sides of the comparison get: a small open_clip model and shards of photos, drawn anew each time."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cim.images.ids import content_id
from cim.records import Sample
from cim.shards.tar import write_tar

PHOTOS = 64  # distinct pictures; each sample has its own by a comment in the file
PREPROCESS = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
MODELS: dict[str, dict[str, Any]] = {
    "small": {
        "embed_dim": 256,
        "vision_cfg": {"image_size": 224, "layers": 4, "width": 192, "head_width": 64, "patch_size": 32},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
    },
    "ViT-B-32": {
        "embed_dim": 512,
        "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12},
    },
}
"""open_clip's `model_cfg` by name: one whose pictures cost more than the model, one whose model does."""


def write_model(folder: Path, name: str) -> None:
    """One of MODELS with random weights, a folder that both `cim.encoders.load.load_clip` and open_clip itself read."""
    import open_clip
    import torch

    from cim.encoders.card import EncoderCard
    from cim.encoders.clip import save_clip

    torch.manual_seed(0)
    config = MODELS[name]
    save_clip(open_clip.CLIP(**config), {"model_cfg": config, "preprocess_cfg": PREPROCESS}, folder)
    EncoderCard("image", "open_clip", name, None, config["embed_dim"], "random").write(folder)


def photo(pixels: int, seed: int, quality: int = 90) -> bytes:
    """A JPEG of 3:2 with coarse noise, about as long as a photo of its size."""
    noise, height = np.random.default_rng(seed), max(8, round((pixels / 1.5) ** 0.5))
    width = height * 3 // 2
    coarse = noise.integers(0, 255, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def write_shards(
    folder: Path,
    images: int,
    per_shard: int = 250,
    megapixels: tuple[float, float] = (0.2, 1.0),
    distinct: int = PHOTOS,
) -> int:
    """Shards of `images` photos, their sizes between `megapixels`, evenly on a log scale; bytes of photos in all."""
    sizes = np.geomspace(*megapixels, distinct) * 1e6
    photos = [photo(int(size), number) for number, size in enumerate(np.random.default_rng(0).permutation(sizes))]
    folder.mkdir(parents=True, exist_ok=True)
    total = 0
    for start in range(0, images, per_shard):
        samples = []
        for number in range(start, min(images, start + per_shard)):
            content = photos[number % distinct] + f"{number:09d}".encode()  # behind the end: decoders stop before it
            samples.append(Sample(content_id(content), content, "jpg", (f"photo {number}",), "drawn", 8, 8, {}))
            total += len(content)
        write_tar(folder / f"gallery-{start // per_shard:06d}.tar", sorted(samples, key=lambda one: one.id))
    return total
