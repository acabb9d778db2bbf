"""Captions of one shard as Parquet, the rejects beside them, and leftovers swept away."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import polars as pl

from cim.atomic import replacing
from cim.captions.lineage import Lineage
from cim.records import Caption, Reject

CAPTIONS = pl.Schema(
    {
        "id": pl.String,
        "caption": pl.String,
        "finish_reason": pl.String,
        "tokens": pl.Int64,
        "seed": pl.Int64,
        "prompt_hash": pl.String,
        "model_fingerprint": pl.String,
        "decoding": pl.String,
    }
)
_OURS = (".parquet", ".tar", ".json")
REJECTS = pl.Schema({"id": pl.String, "shard": pl.String, "reason": pl.String, "detail": pl.String})


def captions_path(folder: Path, shard: Path) -> Path:
    """The captions table of `shard`: `<stem>.parquet` in `folder`."""
    return folder / f"{shard.stem}.parquet"


def rejects_path(folder: Path, shard: Path) -> Path:
    """The rejects of `shard`: `rejects/<stem>.parquet` in `folder`, so that `*.parquet` means captions."""
    return folder / "rejects" / f"{shard.stem}.parquet"


def write_captions(path: Path, captions: Iterable[Caption], lineage: Lineage) -> None:
    """Replace the table at `path`, one row a caption in the order given, atomically."""
    shared = lineage.columns()
    rows = [
        {"id": c.id, "caption": c.caption, "finish_reason": c.finish_reason, "tokens": c.tokens, **shared}
        for c in captions
    ]
    with replacing(path) as temporary:
        pl.DataFrame(rows, schema=CAPTIONS).write_parquet(temporary)


def write_rejects(path: Path, shard: str, rejects: Sequence[Reject]) -> None:
    """Replace the table at `path` by one row a sample that got no caption; `source` of a reject is its id."""
    rows = [{"id": r.source, "shard": shard, "reason": r.reason, "detail": r.detail} for r in rejects]
    with replacing(path) as temporary:
        pl.DataFrame(rows, schema=REJECTS).write_parquet(temporary)


def prune(folder: Path, shards: Iterable[Path]) -> list[Path]:
    """Delete from `folder` what belongs to none of `shards` (an earlier run had others); the paths deleted.

    Temporary files of killed runs go too. Only kinds of files that this stage writes are touched.
    Call it while nobody writes to `folder`.
    """
    kept = {shard.stem for shard in shards}
    ours = (path for place in (folder, folder / "rejects") for path in place.glob("*") if path.suffix in _OURS)
    stale = sorted(path for path in ours if path.name.split(".")[0] not in kept)  # temporaries start with a dot
    for path in stale:
        path.unlink()
    return stale
