"""Where every artefact lives under the data folder: one place, same names as the stages."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Paths below `root`. Nothing is created here."""

    root: Path = Path("data")

    def shards(self, split: str) -> Path:
        """`<split>-000000.tar` ... and manifest.parquet of one split."""
        return self.root / "shards" / split

    @property
    def rejects(self) -> Path:
        """Quarantined images and captions, all sources: source, reason, detail."""
        return self.root / "shards" / "rejects.parquet"

    @property
    def shard_summary(self) -> Path:
        """summary.json: images and captions counted, by source and by split."""
        return self.root / "shards" / "summary.json"

    @property
    def shard_plan(self) -> Path:
        """What each shard will hold; there only while sharding runs."""
        return self.root / "shards" / ".plan"

    @property
    def shard_copies(self) -> Path:
        """Copies of remote tars; there only while sharding runs."""
        return self.root / "shards" / ".copies"

    def model(self, role: str) -> Path:
        """A model folder; role is text, image, heldout or captioner."""
        return self.root / "models" / role

    @property
    def trunk_outputs(self) -> Path:
        """What frozen trunks made of pictures, for all stages: kept to be found again, nobody's output or input."""
        return self.root / "trunk_outputs"

    def embeddings(self, role: str, split: str) -> Path:
        """Vectors of one encoder (text, image, heldout) for one split, a file a shard."""
        return self.root / "embeddings" / role / split

    def index(self, part: str) -> Path:
        """One index (caption_text, clip) or the row-aligned image vectors (items)."""
        return self.root / "index" / part

    @property
    def tuned(self) -> Path:
        """The tuned captioner's folder; its curves and checkpoints lie beside it."""
        return self.root / "tuned" / "model"

    @property
    def trained(self) -> Path:
        """The best weights of the finished training, its record in the marker: what `tuned` is written from."""
        return self.root / "tuned" / "training" / "best"

    def captions(self, captioner: str, split: str) -> Path:
        """Captions by one captioner (base, tuned) for one split, a Parquet (and tar) a shard."""
        return self.root / "captions" / captioner / split

    @property
    def report(self) -> Path:
        """metrics.json, plot data and report.html."""
        return self.root / "report"
