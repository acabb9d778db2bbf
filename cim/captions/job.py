"""One shard to caption: what it is made from, where its files go, whether they are there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import done_facts, marker_of
from cim.captions.files import ShardFiles
from cim.captions.journal import begun_from
from cim.captions.lineage import ENTRIES, Lineage
from cim.fingerprint import code_of, fingerprint
from cim.images.checks import Animated, Limits
from cim.params.provenance import PROVENANCE, ProvenanceColumns


@dataclass(frozen=True)
class AnySize:
    """Limits of images that were checked before, up to where Pillow itself refuses."""

    min_side: int = 1
    max_pixels: int = 178_956_970
    max_aspect: float = 1e9
    animated: Animated = "first_frame"


@dataclass(frozen=True)
class ShardJob(ShardFiles):
    """One part of a corpus to caption into `folder`, as `<stem>.parquet`, `rejects/<stem>.parquet`, `<stem>.tar`.

    number: of the shard, the beginning of its samples' keys. tar: also write the images with their new captions.
    window: images the engine plans its batches over, several batches so that sorting by length pays.
    shortest: captions of fewer characters are rejects; 0 keeps blank ones, as a comparison of captioners must.
    asking: fill the {names} of the prompt from each sample's own fields. provenance: the fields that say whose an image
    is, for the tar.
    plan: of the run, where the folder's card names it (see `cim.captions.output`). hash_caches: folder of
    files that save reading the part again, see `cim.readers.hash_cache`; not in `folder`, which holds no times.
    """

    number: int
    lineage: Lineage
    tar: bool = False
    window: int = 512
    limits: Limits = AnySize()
    shortest: int = 0
    asking: bool = False
    provenance: ProvenanceColumns = PROVENANCE
    plan: str = ""
    hash_caches: Path | None = None

    @property
    def journal(self) -> Path:
        """Captions and rejects of a shard that is not committed yet."""
        return self.folder / f".{self.stem}.journal"

    @property
    def hash_cache(self) -> Path | None:
        return self.hash_caches / f"{self.stem}.json" if self.hash_caches else None

    @property
    def outer_lock(self) -> Path:
        """The lock held until the shard is where it belongs: here its own, with a store one around it."""
        return self.lock

    def fingerprint(self, identity: str | None = None) -> str:
        """Of what decides the output: code, content and place in the corpus, limits, model, prompt, decoding.

        identity: of the part, where it is known already.
        """
        content = self.part.identity() if identity is None else identity
        return fingerprint("caption", self.settings(), self.part.name, content, self.number)

    def settings(self) -> dict[str, Any]:
        """What decides the output beside the part itself, JSON-able: the same for all shards of a run."""
        sizes = [self.limits.min_side, self.limits.max_pixels, self.limits.max_aspect]
        limits = [*sizes, self.limits.animated, self.shortest]
        code = code_of(*ENTRIES, type(self.part).__module__)  # and how such a part is read
        other: dict[str, Any] = {"asking": True} if self.asking else {}
        if self.provenance != PROVENANCE:
            other |= {"provenance": self.provenance.model_dump(mode="json")}
        return {"code": code, "limits": limits, "tar": self.tar, **other, **self.lineage.values()}

    def marked(self) -> bool:
        """Whether some run has finished it, made from whatever."""
        return marker_of(self.table).exists()

    def done(self, made_from: str | None = None) -> dict[str, Any] | None:
        """The facts of an earlier run if all files are there and made from exactly this, else None."""
        if not self.rejects.exists():
            return None
        facts = done_facts(self.table, made_from or self.fingerprint())
        return None if facts is not None and self.tar and not self.has_pairs(facts) else facts

    def copy(self, made_from: str) -> Path:
        """Where a remote part is kept while it is worked on, also by the run after one that was killed."""
        return self.folder / f".{self.stem}.{made_from}.source"

    def discard(self) -> None:
        """Delete journal and copy of the unfinished shard, whatever it was made from. For the holder of its lock.

        Lists no folder: with a hundred thousand shards in it that would cost more than a shard. The copy goes first:
        the journal names it.
        """
        if begun := begun_from(self.journal):
            self.copy(begun).unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Delete the temporary files of a worker that was killed at this shard, but for what the next one goes on from.

        For the holder of its lock. Lists the folder, so only for where somebody was killed.
        """
        self.delete_temporary({self.journal, self.copy(begun_from(self.journal))})
