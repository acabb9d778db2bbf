"""Pictures made as small as a captioner sees them, before they wait for it: the same tensors, less memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

PROBES = ((301, 223), (190, 411))  # width and height of pictures that it is tried on, larger than PROBED pixels
PROBED = 128 * 128


@dataclass(frozen=True)
class Shrink:
    """A `Prepare`: what the image processor's own resizing makes of a picture, where a second resizing leaves it so.

    image_processor: of Qwen2-VL and its kin, which scale an image to about its own shape. size: theirs.
    """

    image_processor: Any
    size: Any

    def __call__(self, pixels: Image.Image, encoded: bytes) -> Image.Image:
        """The picture, or a smaller one from which the processor makes the same tensors."""
        import torch

        tensor = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)[None]
        try:
            smaller = self._resized(tensor)
            if smaller.numel() >= tensor.numel() or self._resized(smaller).shape != smaller.shape:
                return pixels
        except ValueError:  # too thin: the processor is to say so
            return pixels
        return Image.fromarray(smaller[0].permute(1, 2, 0).contiguous().numpy())

    def _resized(self, tensor: Any) -> Any:
        own = self.image_processor
        return own.resize(tensor, size=self.size, resample=own.resample, factor=own.patch_size * own.merge_size)


def shrink_for(processor: Any) -> Shrink | None:
    """For a captioner's processor; None where it is of another kind, or the tensors of two probes differ."""
    own = processor.image_processor
    size: Any = getattr(own, "size", None)
    if not all(hasattr(own, name) for name in ("patch_size", "merge_size")) or not getattr(size, "longest_edge", None):
        return None
    small = type(size)(shortest_edge=min(size.shortest_edge, PROBED // 4), longest_edge=PROBED)
    try:
        same = all(_same(own, Shrink(own, small), _noise(width, height)) for width, height in PROBES)
    except (TypeError, AttributeError, KeyError):  # of another kind, though it looks alike
        return None
    return Shrink(own, size) if same else None


def _same(image_processor: Any, shrink: Shrink, picture: Image.Image) -> bool:
    """Whether picture and shrunk picture, which must be smaller, are the same to the processor."""
    smaller = shrink(picture, b"")
    size = {"shortest_edge": shrink.size.shortest_edge, "longest_edge": shrink.size.longest_edge}
    one, other = (image_processor(images=[each], size=size, return_tensors="np") for each in (picture, smaller))
    equal = all(np.array_equal(one[name], other[name]) for name in one)
    return smaller.width * smaller.height < picture.width * picture.height and equal


def _noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))
