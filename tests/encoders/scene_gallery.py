"""A small gallery of generated scenes, as shards and as arrays."""

import io
import random
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from cim.images.ids import content_id
from cim.params import FittedClip
from cim.records import Sample
from cim.scenes.describe import describe
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar

TINY = FittedClip(kind="fit", seed=0, width=8, embed_dim=16, side=32, epochs=2, batch_size=16, learning_rate=0.003)


def scenes(count: int, side: int = 32) -> tuple[np.ndarray, list[list[str]]]:
    """Pixels (count, side, side, 3) and a detailed caption each."""
    found = [scene_at(1, i, 0.0) for i in range(count)]
    pictures = [np.asarray(Image.open(io.BytesIO(draw(scene, side))).convert("RGB")) for scene in found]
    return np.stack(pictures), [[describe(scene, random.Random(i), 0.95)] for i, scene in enumerate(found)]


def write_gallery(folder: Path, images: list[bytes], captions: list[tuple[str, ...]]) -> list[str]:
    """Shards of at most 10 images and their manifest in `folder`; the ids, sorted as in the shards."""
    pairs = sorted((content_id(image), image, said) for image, said in zip(images, captions, strict=True))
    samples = [Sample(i, image, "png", said, "test", 32, 32, {}) for i, image, said in pairs]
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for start in range(0, len(samples), 10):
        name = f"{folder.name}-{start // 10:06d}.tar"
        write_tar(folder / name, samples[start : start + 10])
        rows += [{"id": s.id, "shard": name, "captions": list(s.captions)} for s in samples[start : start + 10]]
    pl.DataFrame(rows).write_parquet(folder / "manifest.parquet")
    return [sample.id for sample in samples]


def png(pixels: np.ndarray) -> bytes:
    """(h, w, 3) uint8 as PNG bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
