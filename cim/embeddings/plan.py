"""What is to be embedded by which encoder, a job a shard. Needs no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from shutil import rmtree
from typing import Any

from cim.atomic import done_facts, marker_of
from cim.encoders.card import EncoderCard
from cim.fingerprint import code_of, fingerprint, hash_path
from cim.layout import Layout
from cim.lock import file_lock
from cim.prefetch import prefetch
from cim.shards.read import shard_paths

ENTRIES = ("cim.embeddings.share", "cim.encoders.load")  # the shards, and their encoder
TEXT, IMAGE, HELDOUT = "text", "image", "heldout"
META = "meta"  # the name, without its suffix, of what sums up a folder


@dataclass(frozen=True)
class EmbedJob:
    """One shard by one encoder. role: text (captions), image or heldout (images). folder: embeddings of the split.

    content: hash of the shard's bytes, taken once for all roles. encoder: fingerprint of the weights in `model`.
    """

    role: str
    shard: Path
    content: str
    folder: Path
    model: Path
    encoder: str

    def __str__(self) -> str:
        return f"{self.shard.name} ({self.role})"

    @property
    def vectors(self) -> Path:
        """The .npy file; its done marker stands for all files of the shard."""
        return self.folder / f"{self.shard.stem}.npy"

    @property
    def rows(self) -> Path:
        """The Parquet file that says what each vector is of."""
        return self.vectors.with_suffix(".parquet")

    @property
    def rejects(self) -> Path:
        """What could not be embedded, and why; there only if there is any."""
        return self.folder / "rejects" / f"{self.shard.stem}.parquet"

    @property
    def lock(self) -> Path:
        """Held by whoever works on the shard."""
        return lock_of(self.folder, self.shard.stem)

    def fingerprint(self) -> str:
        """Of what decides the vectors: code, shard bytes, weights, captions or images. Not of the batch size."""
        return fingerprint("embed", code_of(*ENTRIES), self.role == TEXT, self.content, self.encoder)

    def done(self) -> dict[str, Any] | None:
        """The facts of an earlier run if its files are there and made from exactly this, else None."""
        return done_facts(self.vectors, self.fingerprint()) if self.rows.exists() else None


@dataclass(frozen=True)
class JobGroup:
    """Shards that one worker goes through with one encoder, those left out that another worker is at."""

    jobs: tuple[EmbedJob, ...]

    def __str__(self) -> str:
        first, *others = self.jobs
        return f"{first} to {others[-1]}" if others else str(first)


def wanted_splits(retrieved: Sequence[str], judged: Sequence[str] = ("eval",)) -> dict[str, list[str]]:
    """Splits to embed by role. retrieved: those whose images may be retrieved (index.splits). judged: those that the
    held-out encoder sees (embed.heldout_splits)."""
    looked_up = ["train", "validation", "eval"]  # source images of the reward
    return {
        TEXT: list(retrieved),
        IMAGE: [*retrieved, *(split for split in looked_up if split not in retrieved)],
        HELDOUT: list(dict.fromkeys(judged)),
    }


def plan_embeddings(
    layout: Layout, wanted: Mapping[str, Sequence[str]], threads: int = 0
) -> dict[tuple[str, str], list[EmbedJob]]:
    """Jobs by (role, split), the jobs of one role together. wanted: splits by role, all of `wanted_splits` or some
    roles of it. threads: that hash shards. Raises CimError for a missing model or split."""
    encoders = {role: EncoderCard.read(layout.model(role)).fingerprint for role in wanted}
    shards = {split: shard_paths(layout.shards(split)) for splits in wanted.values() for split in splits}
    every = [shard for paths in shards.values() for shard in paths]
    content = dict(zip(every, prefetch(hash_path, every, threads), strict=True))
    plan = {}
    for role, splits in wanted.items():
        model, encoder = layout.model(role), encoders[role]
        for split in splits:
            folder = layout.embeddings(role, split)
            plan[role, split] = [EmbedJob(role, s, content[s], folder, model, encoder) for s in shards[split]]
    return plan


def prune(layout: Layout, plan: Mapping[tuple[str, str], Sequence[EmbedJob]]) -> None:
    """Remove what an older plan left behind in the folders of the plan's roles, temporary files included: readers take
    whatever lies in a folder. What others work on now stays theirs: files that the plan wants while they are locked,
    and roles that it does not have.
    """
    jobs = [job for some in plan.values() for job in some]
    kept = {path for job in jobs for path in (job.vectors, job.rows, job.rejects, marker_of(job.vectors))}
    kept |= {layout.embeddings(role, split) / "meta.json" for role, split in plan}
    wanted = {(job.folder, job.shard.stem) for job in jobs} | {(job.folder, META) for job in jobs}
    unfinished = set[tuple[Path, str]]()
    roots = sorted({layout.root / "embeddings" / role for role, _ in plan})
    for folder in (path for root in roots if root.is_dir() for path in root.iterdir()):
        if (folder.parent.name, folder.name) not in plan:
            rmtree(folder) if folder.is_dir() else folder.unlink()
            continue
        for path in folder.rglob("*"):
            owner = (folder, path.name[1:].partition(".")[0])
            if path.name.startswith(".") and owner in wanted:
                unfinished.add(owner)
            elif path.is_file() and path not in kept:
                path.unlink(missing_ok=True)
    for owner in unfinished:
        with file_lock(lock_of(*owner)) as mine:
            if mine is not None:
                sweep(*owner)


def lock_of(folder: Path, name: str) -> Path:
    """The lock of what is written into `folder` under that name."""
    return folder / f".{name}.lock"


def sweep(folder: Path, name: str) -> None:
    """Delete the temporary files of a worker that was killed. For the holder of the lock."""
    for place in (folder, folder / "rejects"):
        for path in place.glob(f".{escape(name)}.*"):
            if path != lock_of(folder, name):
                path.unlink(missing_ok=True)
