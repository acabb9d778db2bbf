"""The gallery as training pairs: pictures, or pixels in memory, small, and captions."""

from collections.abc import Iterator
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

    As `gallery_pictures` gives them. Raises CimError when fewer than two pairs are left.
    """
    images = np.empty((len(captioned_ids(folder, part)), side, side, 3), dtype=np.uint8)
    captions: list[tuple[str, ...]] = []
    for picture, said in gallery_pictures(folder, part):
        images[len(captions)] = _squashed(picture, side)
        captions.append(said)
    check_enough(len(captions), folder)
    return images[: len(captions)], captions


def captioned_ids(folder: Path, part: Part) -> set[str]:
    """Images with captions of the shards in `folder`, all or half of them.

    Ids are hashes, so the even ones are half of them, whatever else the gallery holds.
    """
    manifest = read_manifest(folder)
    ids = manifest["id"].filter(manifest["captions"].list.len() > 0).to_list()
    return {i for i in ids if part == "all" or (int(i, 16) % 2 == 0) == (part == "first_half")}


def gallery_captions(folder: Path, part: Part) -> list[str]:
    """All captions of those images, in the order of the manifest."""
    manifest, wanted = read_manifest(folder), captioned_ids(folder, part)
    pairs = zip(manifest["id"], manifest["captions"].to_list(), strict=True)
    return [caption for name, several in pairs if name in wanted for caption in several]


def gallery_pictures(folder: Path, part: Part) -> Iterator[tuple[Image.Image, tuple[str, ...]]]:
    """The captioned images of the shards in `folder`, one at a time; one that can't be decoded is left out."""
    wanted = captioned_ids(folder, part)
    for tar in tqdm(shard_paths(folder), desc="reading pairs", unit="shard"):
        for sample in read_samples(tar):
            if sample.id in wanted and (picture := _decoded(sample.image)) is not None:
                yield picture, sample.captions


def check_enough(pairs: int, folder: Path) -> None:
    """Raise CimError for less than two images with captions: the others of a batch are what each is told from."""
    if pairs < 2:
        raise CimError(
            f"{pairs} captioned images in {folder}",
            "at least two, better thousands, to fit an encoder to",
            "give the gallery captions, or load an encoder (kind: open_clip) instead of fitting one",
        )


def _decoded(image: bytes) -> Image.Image | None:
    try:
        return decode_rgb(image)
    except MemoryError:
        raise
    except Exception:  # Pillow's decoders raise many kinds on broken bytes; embed counts and names such images
        return None


def _squashed(picture: Image.Image, side: int) -> Pixels:
    """Resized as the fitted model will do it (tower.PREPROCESS: squash, bicubic)."""
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(picture)
