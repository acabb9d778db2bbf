"""Images by id, read from where they lie in the tars: random access without unpacking."""

import tarfile
from pathlib import Path

from cim.errors import CimError
from cim.shards.read import shard_paths

IMAGE_SUFFIXES = (".jpg", ".png", ".webp")


class ImageLookup:
    """The image bytes of one split by sample id.

    Holds an offset and a size a sample (about 200 bytes each), never an image. Safe to pickle to worker processes.
    """

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, tuple[Path, int, int]] = {}
        for path in shard_paths(folder):
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
