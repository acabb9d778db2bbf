"""Each picture of a rollout is decoded once and preprocessed once, however many captions are sampled of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from PIL.Image import Image
from torch.nn.functional import pad
from transformers import BatchFeature

from cim.images.decode import decode_rgb
from cim.shards.read import ImageLookup


@dataclass(frozen=True)
class Unread:
    """A picture that is not decoded yet: what a row carries through samplers and loaders, which repeat it."""

    id: str
    images: ImageLookup


def read_once(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows with their `image` decoded: rows of one id share one picture."""
    rows = list(rows)
    unread = {row["image"].id: row["image"] for row in rows}
    pictures = {name: decode_rgb(one.images[name]) for name, one in unread.items()}
    return [{**row, "image": pictures[row["image"].id]} for row in rows]


class ProcessedOnce:
    """An image processor that remembers: asked again for a picture, the same object, it gives what it found before.

    For lists with one picture a sample, whose tensors lie side by side along the first axis and are padded with zeros
    at the end of the others, as in all models that TRL trains. Once a run for pictures that need padding and once for
    others, two of them are processed together as well; where that gives something else than side by side, and for any
    other form of question, the processor is asked as if this were not there.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._found: dict[tuple[Any, ...], tuple[Any, dict[str, Any]]] = {}
        self._agrees: dict[bool, bool] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, images: Any, *args: Any, **kwargs: Any) -> Any:
        """What the processor gives, as torch tensors where it is asked for none in particular."""
        if args or kwargs.get("return_tensors") not in (None, "pt") or not _one_each(images):
            return self._processor(images, *args, **kwargs)
        asked = {**kwargs, "return_tensors": "pt"}
        found = [self._of(sample, asked) for sample in images]
        if not self._agree(images, found, asked):
            return self._processor(images, **kwargs)
        return BatchFeature(side_by_side(found))

    @contextmanager
    def standing_in(self, owner: Any) -> Iterator[None]:
        """Take the place of `owner.image_processor` for a while; forget all pictures at its end."""
        owner.image_processor = self
        try:
            yield
        finally:
            owner.image_processor = self._processor
            self._found.clear()

    def _of(self, sample: Any, asked: dict[str, Any]) -> dict[str, Any]:
        picture = _picture(sample)
        key = (id(picture), sample is picture, repr(sorted(asked.items())))
        if key not in self._found:  # the picture is kept as well: no other may take its id
            self._found[key] = picture, dict(self._processor([sample], **asked))
        return self._found[key][1]

    def _agree(self, images: Sequence[Any], found: list[dict[str, Any]], asked: dict[str, Any]) -> bool:
        """Whether side by side is what the processor makes of several, tried on the first and one unlike it."""
        if not _separable(found):
            return False
        if len(found) == 1:
            return True
        first, rest = found[0], range(1, len(found))
        padded = [n for n in rest if _shapes(found[n]) != _shapes(first)]
        other = (padded or [n for n in rest if found[n] is not first] or rest)[0]
        if bool(padded) not in self._agrees:
            together = dict(self._processor([images[0], images[other]], **asked))
            apart = side_by_side([first, found[other]])
            self._agrees[bool(padded)] = apart.keys() == together.keys() and all(
                _same(apart[name], value) for name, value in together.items()
            )
        return self._agrees[bool(padded)]


def side_by_side(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One answer of several: tensors along the first axis, zeros at the end of shorter other axes; lists in a row."""
    together: dict[str, Any] = {}
    for name, first in found[0].items():
        values = [one[name] for one in found]
        if not isinstance(first, torch.Tensor):
            together[name] = [item for value in values for item in value]
            continue
        most = [max(sizes) for sizes in zip(*(value.shape[1:] for value in values), strict=True)]
        together[name] = torch.cat([_grown(value, most) for value in values])
    return together


def _grown(value: torch.Tensor, most: Sequence[int]) -> torch.Tensor:
    lacking = [size - found for size, found in zip(most, value.shape[1:], strict=True)]
    return pad(value, [one for size in reversed(lacking) for one in (0, size)]) if any(lacking) else value


def _separable(found: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all of them are lists, or tensors with a first axis, by the same names and in the same dimensions."""
    kinds = [
        {
            name: value.ndim if isinstance(value, torch.Tensor) else -isinstance(value, list)
            for name, value in one.items()
        }
        for one in found
    ]
    return all(kinds[0].values()) and all(one == kinds[0] for one in kinds)


def _one_each(images: Any) -> bool:
    if not isinstance(images, (list, tuple)) or not images:
        return False
    return all(isinstance(_picture(sample), Image) for sample in images)


def _picture(sample: Any) -> Any:
    return sample[0] if isinstance(sample, (list, tuple)) and len(sample) == 1 else sample


def _shapes(found: Mapping[str, Any]) -> list[torch.Size]:
    return [value.shape[1:] for value in found.values() if isinstance(value, torch.Tensor)]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and bool(torch.allclose(one.float(), other.float(), atol=1e-5))
    return bool(one == other)
