"""Photos that no camera took: smooth colours and some noise, as JPEGs of a photo's size in bytes."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.gpu.bench import Sizes
from cim.images.ids import content_hash
from cim.records import Sample
from cim.shards.read import shard_paths
from cim.shards.tar import write_tar


def photos(scratch: Path, sizes: Sizes) -> Path:
    """A folder with one shard of `sizes.photos` of them, drawn once for all parts."""
    folder = scratch / "photos"
    if not folder.exists():
        folder.mkdir()
        drawn = [photo(number, sizes.width, sizes.height) for number in range(sizes.photos)]
        named = sorted((content_hash(one)[:16], one) for one in drawn)
        made = [Sample(name, one, "jpg", (), "drawn", sizes.width, sizes.height) for name, one in named]
        write_tar(folder / "train-000000.tar", made)
    return folder


def photo(number: int, width: int, height: int) -> bytes:
    """JPEG bytes, different for each number."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(smooth + rng.integers(-12, 13, smooth.shape), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=90)
    return file.getvalue()


def shard(scratch: Path, sizes: Sizes) -> Path:
    """The tar of `photos`."""
    return shard_paths(photos(scratch, sizes))[0]
