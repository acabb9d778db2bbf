"""From a source's parameters to the source."""

from collections import Counter
from collections.abc import Sequence
from typing import assert_never

from cim.params.shard import (
    CocoSource,
    FolderSource,
    ParquetSource,
    ScenesSource,
    Source,
    WebDatasetSource,
)
from cim.sources.base import ImageSource


def open_source(params: Source) -> ImageSource:
    """The source that `params` describe. Raises CimError when nothing is at its path; reads no image."""
    # Imported here: each kind brings its own libraries, and a run uses few kinds.
    match params:
        case ScenesSource():
            from cim.sources import scenes

            return scenes.ScenesSource(params)
        case FolderSource():
            from cim.sources import folder

            return folder.FolderSource(params)
        case CocoSource():
            from cim.sources import coco

            return coco.CocoSource(params)
        case ParquetSource():
            from cim.sources import parquet

            return parquet.ParquetSource(params)
        case WebDatasetSource():
            from cim.sources import webdataset

            return webdataset.WebDatasetSource(params)
        case _:
            assert_never(params)


def open_sources(params: Sequence[Source]) -> list[ImageSource]:
    """All sources in their order, with distinct names (`#2` after the second of a name). Raises CimError."""
    opened = [open_source(one) for one in params]
    seen: Counter[str] = Counter()
    for source in opened:
        seen[source.name] += 1
        if seen[source.name] > 1:
            source.name = f"{source.name}#{seen[source.name]}"
    return opened
