"""What a frozen vision tower makes of the train images, in one file that a training maps: more than memory may hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from tqdm import tqdm

from cim.images.decode import decode_rgb
from cim.prefetch import prefetch
from cim.shards.read import ImageLookup
from cim.trunks.frozen import KEPT

AT_ONCE = 16


@dataclass(frozen=True)
class Features:
    """numbers: (n, s, c) bits, of n images and s image tokens, mapped. dtype: what they are bits of, 2 bytes each."""

    numbers: Any
    dtype: torch.dtype

    @classmethod
    def open(cls, file: Path, tower: Any) -> Self:
        """What `write_features` left for this tower."""
        return cls(np.load(file, mmap_mode="r"), KEPT[tower.timm_model.precision])

    def __getitem__(self, places: Sequence[int]) -> torch.Tensor:
        """(b, s, c) float32 of the images at b places."""
        return torch.from_numpy(self.numbers[list(places)]).view(self.dtype).float()


def write_features(model: Any, processor: Any, ids: Sequence[str], images: ImageLookup, file: Path) -> None:
    """Ask the vision tower of `model`, whose trunk is frozen, for each of n images, in the order of `ids`."""
    tower = model.model.vision_tower
    found: Any = None

    def prepared(some: Sequence[str]) -> Any:
        pictures = [decode_rgb(images[one]) for one in some]
        return processor.image_processor(images=pictures, return_tensors="pt")["pixel_values"]

    parts = [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]
    batches = tqdm(prefetch(prepared, parts, threads=1), "images to features", len(parts), unit="batch")
    for number, pixels in enumerate(batches):
        made = tower(pixels.to(model.device)).last_hidden_state.flatten(2).transpose(1, 2)
        kept = made.to("cpu", KEPT[tower.timm_model.precision]).contiguous().view(torch.int16).numpy()
        if found is None:
            found = np.lib.format.open_memmap(file, "w+", np.int16, (len(ids), *kept.shape[1:]))
        found[number * AT_ONCE : number * AT_ONCE + len(kept)] = kept
    found.flush()
