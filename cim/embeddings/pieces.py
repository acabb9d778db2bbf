"""A shard in pieces: read, decoded and made ready for the encoder ahead of their use, by threads or processes."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from cim.embeddings.plan import TEXT, EmbedJob
from cim.images.checks import Reason, first_line
from cim.images.decode import as_seen, open_image
from cim.records import Reject
from cim.shards.places import Place, image_place, read_place, sample_places
from cim.shards.read import read_captions

IMAGES = 16  # of a piece: few enough that workers share a shard evenly, enough that handing over costs little
Rows = dict[str, list[str]]
One = TypeVar("One")


@dataclass(frozen=True)
class Piece:
    """Samples of one shard that are next to each other. number: of the shard. last: nothing of it comes after.

    places: where images of `shard` lie, by id; texts: captions with the id of their image. error: why there are none.
    """

    number: int
    shard: Path
    last: bool = False
    places: Sequence[tuple[str, Place]] = ()
    texts: Sequence[tuple[str, str]] = ()
    error: Exception | None = None


@dataclass(frozen=True)
class Prepared:
    """A piece as the encoder takes it. rows: columns that say what each of `inputs` is; inputs: (n, ...)."""

    number: int
    last: bool
    rows: Rows = field(default_factory=dict)
    inputs: npt.NDArray[Any] | None = None
    rejects: Sequence[Reject] = ()
    error: Exception | None = None


def pieces_of(job: EmbedJob, number: int, batch_size: int) -> Iterator[Piece]:
    """The pieces of a shard, one at least; captions in whole batches. The last says what could not be read."""
    try:
        if job.role == TEXT:
            texts = ((key, caption) for key, captions in read_captions(job.shard) for caption in captions)
            for some, last in _in_groups(texts, batch_size):
                yield Piece(number, job.shard, last, texts=some)
        else:
            places = ((key, image_place(job.shard, found)) for key, found in sample_places(job.shard))
            for images, last in _in_groups(places, min(IMAGES, batch_size)):
                yield Piece(number, job.shard, last, places=images)
    except Exception as error:  # whatever the file system or the tar has: it is this shard's alone
        yield Piece(number, job.shard, True, error=error)


@dataclass(frozen=True)
class Prepare:
    """Pieces as the encoder takes them; can be sent to another process. image: makes a picture ready, of an encoder."""

    image: Callable[[Image], npt.NDArray[np.uint8]] | None = None

    def __call__(self, piece: Piece) -> Prepared:
        number, last = piece.number, piece.last
        if piece.error is not None:
            return Prepared(number, last, error=piece.error)
        if self.image is None:
            ids, captions = map(list, zip(*piece.texts, strict=True)) if piece.texts else ([], [])
            return Prepared(number, last, {"id": ids, "caption": captions}, np.array(captions, dtype=object))
        try:
            return self._images(piece, self.image)
        except Exception as error:  # as above
            return Prepared(number, last, error=error)

    def _images(self, piece: Piece, ready: Callable[[Image], npt.NDArray[np.uint8]]) -> Prepared:
        """One decoded picture in memory at a time, whatever its size; undecodable ones are rejects."""
        ids, found, rejects = list[str](), list[npt.NDArray[np.uint8]](), list[Reject]()
        with piece.shard.open("rb") as opened:
            if hasattr(os, "posix_fadvise") and piece.places:
                (_, (first, _)), (_, (start, size)) = piece.places[0], piece.places[-1]
                os.posix_fadvise(opened.fileno(), first, start + size - first, os.POSIX_FADV_WILLNEED)
            for key, place in piece.places:
                content = read_place(opened.fileno(), place)
                try:
                    with open_image(content) as picture:
                        pixels = ready(as_seen(picture))
                except MemoryError:
                    raise
                except Exception as error:  # Pillow's decoders raise many kinds on broken bytes, all meaning this
                    rejects.append(Reject(key, Reason.CORRUPT.value, first_line(error)))
                    continue
                ids.append(key)
                found.append(pixels)
        return Prepared(piece.number, piece.last, {"id": ids}, np.stack(found) if found else None, rejects)


def _in_groups(items: Iterable[One], size: int) -> Iterator[tuple[list[One], bool]]:
    """Groups of `size` items, and whether each is the last; one empty group for no items."""
    group: list[One] = []
    for item in items:
        if len(group) == size:
            yield group, False
            group = []
        group.append(item)
    yield group, True
