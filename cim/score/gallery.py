"""Captions and pictures of what was retrieved, and pictures of the sources, from the shards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.records import SPLITS
from cim.report.pictures import Size, first_captions, thumbnails


@dataclass(frozen=True)
class Gallery:
    """The shards of the splits that an index was built from."""

    layout: Layout
    splits: tuple[str, ...]

    @classmethod
    def open(cls, layout: Layout) -> "Gallery":
        """Raises CimError when there is no index."""
        built_from = IndexMeta.read(layout.index("items")).built_from
        return cls(layout, tuple(name.partition("/")[2] for name in built_from))

    def captions(self, ids: Collection[str]) -> dict[str, str]:
        """The first caption of each of `ids` that has one."""
        return _joined([first_captions(self.layout.shards(split), ids) for split in self.splits])

    def pictures(self, ids: Collection[str], size: Size) -> dict[str, str]:
        """data: URIs of gallery pictures, as large as `size` allows."""
        return _joined([thumbnails(self.layout.shards(split), ids, size) for split in self.splits])

    def sources(self, ids: Collection[str], size: Size) -> dict[str, str]:
        """data: URIs of the pictures of `ids`, whichever split holds them."""
        there = [folder for split in SPLITS if (folder := self.layout.shards(split)).is_dir()]
        return _joined([thumbnails(folder, ids, size) for folder in there])


def _joined(parts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {name: text for part in parts for name, text in part.items()}
