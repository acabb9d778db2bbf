"""Shards back to samples: one after the other, or any image by its id."""

import json
import tarfile
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path

import polars as pl

from cim.errors import CimError
from cim.records import Sample
from cim.shards.places import image_place, not_ours, read_place, sample_places

IMAGE_SUFFIXES = (".jpg", ".png", ".webp", ".gif")


def shard_paths(folder: Path) -> list[Path]:
    """The tars of one split, sorted. Raises CimError when there is none."""
    # A dot begins the temporary files of a killed run.
    paths = sorted(path for path in folder.glob("*.tar") if not path.name.startswith("."))
    if not paths:
        raise CimError(f"no shard in {folder}", "one or more .tar files", "run the shard stage first")
    return paths


def read_samples(tar: Path) -> Iterator[Sample]:
    """The samples of one of our shards, ascending by id; one image in memory at a time. Raises CimError."""
    try:
        with tarfile.open(tar, "r:") as opened:
            for key, members in groupby(opened, key=lambda member: member.name.partition(".")[0]):
                yield _sample(key, {m.name.partition(".")[2]: _content(opened, m) for m in members})
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise not_ours(tar, error) from error


def read_captions(tar: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(id, captions) of every sample of one of our shards, ascending by id; images are not read. Raises CimError."""
    try:
        with tar.open("rb") as opened:
            for key, places in sample_places(tar):
                image_place(tar, places)
                facts = json.loads(read_place(opened.fileno(), places["json"]))
                yield key, tuple(facts["captions"])
    except (EOFError, KeyError, ValueError) as error:
        raise not_ours(tar, error) from error


def read_manifest(folder: Path) -> pl.DataFrame:
    """One row a sample of one split: id, shard, captions, source, width, height, suffix, extra (JSON text).

    Sorted by shard, then id: the order in which `read_samples` gives them. Raises CimError when it is not there.
    """
    path = folder / "manifest.parquet"
    if not path.is_file():
        raise CimError(f"no {path}", "a manifest, which sharding writes last", "run the shard stage to its end")
    return pl.read_parquet(path)


class ImageLookup:
    """The image bytes of one split, or of several, by sample id: random access without unpacking.

    Holds an offset and a size a sample (about 200 bytes each), never an image. Safe to pickle to worker processes.
    """

    def __init__(self, *folders: Path) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}
        for path in chain.from_iterable(map(shard_paths, folders)):
            with tarfile.open(path, "r:") as tar:
                for member in tar:
                    key, dot, suffix = member.name.partition(".")
                    if dot + suffix in IMAGE_SUFFIXES:
                        self._places[key] = (path, member.offset_data, member.size)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, sample_id: str) -> bytes:
        """Original image bytes. Raises CimError for an id that no shard holds."""
        if sample_id not in self._places:
            raise CimError(f"no image with id {sample_id}", "an id of the manifest", "run the shard stage again")
        path, offset, size = self._places[sample_id]
        with path.open("rb") as handle:
            handle.seek(offset)
            return handle.read(size)


def _sample(key: str, parts: dict[str, bytes]) -> Sample:
    facts = json.loads(parts.pop("json"))
    parts.pop("txt", None)
    ((suffix, image),) = parts.items()  # ValueError unless exactly one image is left
    return Sample(
        id=key, image=image, suffix=suffix, captions=tuple(facts["captions"]), source=facts["source"],
        width=facts["width"], height=facts["height"], extra=facts["extra"],
    )  # fmt: skip


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = tar.extractfile(member)
    if handle is None:
        raise ValueError(f"{member.name} is not a regular file")
    return handle.read()
