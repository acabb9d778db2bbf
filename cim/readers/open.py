"""From a source's parameters to its parts, in an order that does not change while the data does not."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cim.errors import CimError
from cim.params.sources import (
    CocoSource,
    FolderSource,
    HuggingFaceSource,
    ParquetSource,
    ScenesSource,
    SourceBase,
    WebDatasetSource,
)
from cim.readers.address import is_remote, local_address, public, short_names, source_name
from cim.readers.base import Part, Source
from cim.readers.files import distinct, files_at
from cim.readers.remote import RemoteTar
from cim.readers.webdataset import TarPart, sample_count


def open_source(params: SourceBase, size: int) -> Source:
    """The source that `params` describe: a tar is a part, everything else is cut into parts of `size` items.

    Reads names, row counts and lists of captions, no image. Raises CimError where nothing is at its path, or what is
    there can't be read as what it is said to be.
    """
    return replace(_opened(params, size), provenance=params.provenance)


def _opened(params: SourceBase, size: int) -> Source:
    # Imported here: each kind brings its own libraries, and a run uses few kinds.
    match params:
        case ScenesSource():
            from cim.readers.scenes import open_scenes

            return open_scenes(params, size)
        case FolderSource():
            from cim.readers.folder import open_folder

            return open_folder(params, size)
        case CocoSource():
            from cim.readers.coco import open_coco

            return open_coco(params, size)
        case ParquetSource():
            from cim.readers.columns import Columns
            from cim.readers.table import table_parts

            columns = Columns(params.image, params.caption)
            parts = table_parts(distinct(files_at(params.path)), columns, size)
            return Source(source_name("parquet", params.path), parts)
        case HuggingFaceSource():
            from cim.readers.columns import Columns
            from cim.readers.huggingface import dataset_files
            from cim.readers.table import table_parts

            folder = os.path.expanduser(local_address(params.path))
            columns = Columns(params.image, params.caption, inside=folder)
            parts = table_parts(dataset_files(folder, params.split), columns, size)
            return Source(source_name("huggingface", folder), parts)
        case WebDatasetSource():
            paths = [params.path] if isinstance(params.path, str) else params.path
            return Source(source_name("webdataset", paths[0] if paths else ""), tuple(_tars(paths)))
        case _:
            raise AssertionError(f"unknown source {params}")


def open_sources(params: Sequence[SourceBase], size: int) -> list[Source]:
    """All sources in their order, with distinct names (`#2` after the second of a name). Raises CimError."""
    seen, named = Counter[str](), []
    for source in (open_source(one, size) for one in params):
        seen[source.name] += 1
        nth = seen[source.name]
        named.append(replace(source, name=f"{source.name}#{nth}") if nth > 1 else source)
    return named


def numbered(source: Source) -> dict[str, Part]:
    """Output shard (`00000` ... `99999`, `100000` ...) -> what it is made from. Raises CimError for no part.

    Five digits as img2dataset's, more only where a number needs them: a corpus that grows keeps its shards' names.
    """
    if not source.parts:
        raise CimError("no image in recaption.corpus", "at least one", "mend recaption.corpus.path")
    return {f"{number:05d}": part for number, part in enumerate(source.parts)}


def _tars(paths: Sequence[str]) -> Iterator[Part]:
    """Every tar once, in the order of first mention: entries of a list may overlap."""
    files = distinct(dict.fromkeys(one for path in paths for one in files_at(path)))
    local = [one for one in files if not is_remote(one)]
    names, seen = dict(zip(local, short_names(local), strict=True)), Counter[str]()
    for one in files:
        if is_remote(one):
            seen[public(one)] += 1
            yield RemoteTar(one, seen[public(one)])
        else:
            yield TarPart(Path(one), names[one], sample_count(Path(one)))
