"""The gallery as training pairs: pixels in memory, small, and captions."""

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from cim.errors import CimError
from cim.images.decode import decode_rgb
from cim.shards.read import read_manifest, read_samples, shard_paths

Pixels = npt.NDArray[np.uint8]
Part = Literal["all", "first_half", "second_half"]


def gallery_pairs(folder: Path, side: int, part: Part) -> tuple[Pixels, list[tuple[str, ...]]]:
    """Images (n, side, side, 3) and their captions from the shards in `folder`, one entry a captioned image.

    part: all of them or a half: ids are hashes, so the even ones are half of them, whatever else the gallery holds.
    An image that can't be decoded is left out.
    Raises CimError when fewer than two pairs are left.
    """
    manifest = read_manifest(folder)
    ids = manifest["id"].filter(manifest["captions"].list.len() > 0).to_list()
    wanted = {i for i in ids if part == "all" or (int(i, 16) % 2 == 0) == (part == "first_half")}
    images = np.empty((len(wanted), side, side, 3), dtype=np.uint8)
    captions: list[tuple[str, ...]] = []
    for tar in tqdm(shard_paths(folder), desc="reading pairs", unit="shard"):
        for sample in read_samples(tar):
            if sample.id in wanted and (pixels := _squashed(sample.image, side)) is not None:
                images[len(captions)] = pixels
                captions.append(sample.captions)
    if len(captions) < 2:
        raise CimError(
            f"{len(captions)} captioned images in {folder}",
            "at least two, better thousands, to fit an encoder to",
            "give the gallery captions, or load an encoder (kind: open_clip) instead of fitting one",
        )
    return images[: len(captions)], captions


def _squashed(image: bytes, side: int) -> Pixels | None:
    """Resized as the fitted model will do it (tower.PREPROCESS: squash, bicubic); None when it can't be decoded."""
    try:
        picture = decode_rgb(image)
    except MemoryError:
        raise
    except Exception:  # Pillow's decoders raise many kinds on broken bytes; embed counts and names such images
        return None
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture)
