"""The files of one shard in an output folder, and what a worker that was killed at it leaves there."""

from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from cim.captions.write import captions_path, rejects_path
from cim.readers.base import Part


@dataclass(frozen=True)
class ShardFiles:
    """The part of a corpus that becomes `<stem>.parquet`, `rejects/<stem>.parquet` and `<stem>.tar` in `folder`."""

    part: Part
    folder: Path
    stem: str

    def __str__(self) -> str:
        return self.part.name

    @property
    def table(self) -> Path:
        """A row a text; its done marker stands for all files of the shard."""
        return captions_path(self.folder, self.stem)

    @property
    def rejects(self) -> Path:
        return rejects_path(self.folder, self.stem)

    @property
    def pairs(self) -> Path:
        return self.folder / f"{self.stem}.tar"

    @property
    def lock(self) -> Path:
        """Held by whoever works on the shard."""
        return self.folder / f".{self.stem}.lock"

    def has_pairs(self, facts: Mapping[str, Any]) -> bool:
        """Whether the tar is there, as long as `facts` say."""
        return self.pairs.exists() and self.pairs.stat().st_size == facts.get("tar_bytes")

    def delete_temporary(self, kept: set[Path]) -> None:
        """Delete the shard's temporary files but for `kept` and the lock, whose holder alone may. Lists the folder."""
        stem = escape(self.stem)
        for place in (self.folder, self.rejects.parent):
            found = {*place.glob(f".{stem}.*"), *place.glob(f"..{stem}.*")}  # two dots: of a copy that is not whole
            for path in found - kept - {self.lock}:
                path.unlink()
