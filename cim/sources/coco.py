"""COCO captions: a JSON with images and annotations, and the folder its file names are in."""

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from cim.errors import CimError
from cim.params.shard import CocoSource as CocoParams
from cim.records import Candidate
from cim.sources.base import bytes_of, from_locator, read_image, source_name, to_locator
from cim.sources.pairs import captions, each, names, pair


class CocoSource:
    """Images are those the JSON lists, in the order of their ids; other files of the folder are left out."""

    def __init__(self, params: CocoParams) -> None:
        self.name = source_name("coco", params.path)
        self._json, self._root = Path(params.path).expanduser(), Path(params.images).expanduser()
        if not self._json.is_file():
            raise CimError(f"no file at {self._json}", "a COCO captions JSON", "mend path in shard.sources")
        if not self._root.is_dir():
            raise CimError(f"no folder at {self._root}", "the images of the JSON", "mend images in shard.sources")

    def expected(self) -> int | None:
        return self._pairs.height

    def scan(self) -> Iterator[Candidate]:
        for key, locator, found in each(self._pairs):
            if locator is None:
                yield Candidate(None, found, f"image_id {key.lstrip()}")
                continue
            image, problem = None, ""
            if self._inside(locator):
                image, problem = read_image(self._root / from_locator(locator))
            yield Candidate(image, found, locator, problem=problem)

    def fetch(self, locator: str) -> bytes:
        return (self._root / from_locator(locator)).read_bytes()

    def _inside(self, locator: str) -> bool:
        """Whether a name from the JSON stays in the image folder."""
        parts = Path(from_locator(locator)).parts
        return bool(parts) and ".." not in parts and not Path(*parts).is_absolute()

    @cached_property
    def _pairs(self) -> pl.DataFrame:
        try:
            content = json.loads(self._json.read_bytes().decode("utf-8", "surrogateescape"))
            images = [(_key(one["id"]), to_locator(one["file_name"])) for one in content["images"]]
            rows = [(_key(one["image_id"]), bytes_of(str(one["caption"] or ""))) for one in content["annotations"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CimError(
                f"{self._json} is not COCO captions ({type(error).__name__}: {error})",
                "images with id, file_name and annotations with image_id, caption",
                "give the captions JSON, not the instances one",
            ) from error
        return pair(names(images), captions(rows))


def _key(image_id: Any) -> str:
    return f"{image_id:>20}" if isinstance(image_id, int) else to_locator(str(image_id))  # padded: sorts as a number
