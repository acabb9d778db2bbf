"""One shard to caption: what it is made from, where its files go, whether they are there."""

from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from cim.atomic import done_facts
from cim.captions.lineage import CODE, Lineage
from cim.captions.write import captions_path, rejects_path
from cim.corpus.part import Part
from cim.fingerprint import code_of, fingerprint
from cim.shards.quarantine import Limits


@dataclass(frozen=True)
class AnySize:
    """Limits of images that were checked before, up to where Pillow itself refuses."""

    min_side: int = 1
    max_pixels: int = 178_956_970
    max_aspect: float = 1e9


@dataclass(frozen=True)
class ShardJob:
    """One part of a corpus to caption into `folder`, as `<stem>.parquet`, `rejects/<stem>.parquet`, `<stem>.tar`.

    number: of the shard, the beginning of its samples' keys. tar: also write the images with their new captions.
    window: images the engine plans its batches over, several batches so that sorting by length pays.
    shortest: captions of fewer characters are rejects; 0 keeps blank ones, as a comparison of captioners must.
    """

    part: Part
    folder: Path
    stem: str
    number: int
    lineage: Lineage
    tar: bool = False
    window: int = 512
    limits: Limits = AnySize()
    shortest: int = 0

    def __str__(self) -> str:
        return self.part.name

    @property
    def table(self) -> Path:
        """The captions table; its done marker stands for all files of the shard."""
        return captions_path(self.folder, self.stem)

    @property
    def rejects(self) -> Path:
        return rejects_path(self.folder, self.stem)

    @property
    def pairs(self) -> Path:
        return self.folder / f"{self.stem}.tar"

    @property
    def journal(self) -> Path:
        """Captions and rejects of a shard that is not committed yet."""
        return self.folder / f".{self.stem}.journal"

    @property
    def lock(self) -> Path:
        """Held by whoever works on the shard."""
        return self.folder / f".{self.stem}.lock"

    def fingerprint(self) -> str:
        """Of what decides the output: code, content and place in the corpus, limits, model, prompt, decoding."""
        return fingerprint("caption", self.settings(), self.part.name, self.part.identity(), self.number)

    def settings(self) -> dict[str, Any]:
        """What decides the output beside the part itself, JSON-able: the same for all shards of a run."""
        limits = [self.limits.min_side, self.limits.max_pixels, self.limits.max_aspect, self.shortest]
        return {"code": code_of(*CODE), "limits": limits, "tar": self.tar, **self.lineage.values()}

    def done(self, made_from: str | None = None) -> dict[str, Any] | None:
        """The facts of an earlier run if all files are there and made from exactly this, else None."""
        if not self.rejects.exists():
            return None
        facts = done_facts(self.table, made_from or self.fingerprint())
        if facts is None or not self.tar:
            return facts
        return facts if self.pairs.exists() and self.pairs.stat().st_size == facts.get("tar_bytes") else None

    def copy(self, made_from: str) -> Path:
        """Where a remote part is kept while it is worked on, also by the run after one that was killed."""
        return self.folder / f".{self.stem}.{made_from}.source"

    def sweep(self, *kept: Path) -> None:
        """Delete what killed runs of this shard left, but for `kept`. Only for the holder of its lock."""
        found = [p for at in (self.folder, self.rejects.parent) for p in at.glob(f".{escape(self.stem)}.*")]
        for path in sorted(set(found) - {self.lock, *kept}):
            path.unlink()
