"""Captions of one shard as Parquet, the rejects beside them, and leftovers swept away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import write_parquet
from cim.captions.lineage import Lineage
from cim.captions.tar import sample_key
from cim.records import Caption, Reject

_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "key": pl.String,
    "id": pl.String,
    "caption": pl.String,
    "alt_text": pl.String,
    "candidates": pl.List(pl.String()),
    "scores": pl.List(pl.Float64()),
    "cim_score": pl.Float64,
    "finish_reason": pl.String,
    "cut": pl.Boolean,
    "tokens": pl.Int64,
    "tokens_in": pl.Int64,
    "seed": pl.Int64,
    "prompt": pl.String,
    "prompt_hash": pl.String,
    "model_fingerprint": pl.String,
    "decoding": pl.String,
    "pipeline_version": pl.String,
    "source_key": pl.String,
    "source_shard": pl.String,
    "source_sha256": pl.String,
    "suffix": pl.String,
    "width": pl.Int64,
    "height": pl.Int64,
}
CAPTIONS = pl.Schema(_COLUMNS)
REJECTS = pl.Schema({"id": pl.String, "shard": pl.String, "reason": pl.String, "detail": pl.String})
_OURS = (".parquet", ".tar", ".json", ".journal", ".lock", ".source")


@dataclass(frozen=True)
class Origin:
    """The input shard of some captions: its number in the corpus, its name, the SHA-256 of its content."""

    number: int = 0
    shard: str = ""
    sha256: str = ""


def captions_path(folder: Path, stem: str) -> Path:
    """The captions table of the shard `stem`: `<stem>.parquet` in `folder`."""
    return folder / f"{stem}.parquet"


def rejects_path(folder: Path, stem: str) -> Path:
    """The rejects of the shard `stem`: `rejects/<stem>.parquet` in `folder`, so that `*.parquet` means captions."""
    return folder / "rejects" / f"{stem}.parquet"


def caption_row(caption: Caption, lineage: Lineage, origin: Origin) -> dict[str, Any]:
    """The columns of `CAPTIONS` for one caption. cim_score: the chosen text's, None where it has none."""
    scores, tried = list(caption.scores), list(caption.candidates)
    chosen = tried.index(caption.caption) if caption.caption in tried else None
    return {
        "key": sample_key(origin.number, caption.at),
        "id": caption.id,
        "caption": caption.caption,
        "alt_text": caption.alt_text,
        "candidates": tried,
        "scores": scores,
        "cim_score": scores[chosen] if chosen is not None and scores else None,
        "finish_reason": caption.finish_reason,
        "cut": caption.cut,
        "tokens": caption.tokens,
        "tokens_in": caption.tokens_in,
        "source_key": caption.source_key,
        "source_shard": origin.shard,
        "source_sha256": origin.sha256,
        "suffix": caption.suffix,
        "width": caption.width,
        "height": caption.height,
        **lineage.columns(),
    }


def write_captions(path: Path, captions: Iterable[Caption], lineage: Lineage, origin: Origin | None = None) -> None:
    """Replace the table at `path`, one row a caption in the order given, atomically. origin: of all of them."""
    rows = [caption_row(caption, lineage, origin or Origin()) for caption in captions]
    write_parquet(path, pl.DataFrame(rows, schema=CAPTIONS))


def write_rejects(path: Path, shard: str, rejects: Sequence[Reject]) -> None:
    """Replace the table at `path` by one row a sample that got no caption; `source` of a reject is its id."""
    rows = [{"id": r.source, "shard": shard, "reason": r.reason, "detail": r.detail} for r in rejects]
    write_parquet(path, pl.DataFrame(rows, schema=REJECTS))


def prune(folder: Path, stems: Iterable[str]) -> list[Path]:
    """Delete from `folder` what belongs to none of the shards `stems` (an earlier run had others); the paths deleted.

    The summary goes as well: it says that all is done, and a run begins here.
    Only kinds of files that captioning writes are touched. What lies under the name of a shard that is kept, its
    temporary files too, is left to whoever holds that shard's lock.
    """
    kept = set(stems)
    ours = (path for place in (folder, folder / "rejects") for path in place.glob("*") if path.suffix in _OURS)
    stale = sorted(
        path
        for path in ours
        if path.name.lstrip(".").split(".")[0] not in kept | {"summary", "recaption", "remix", "refine"}
    )
    stale += [folder / "summary.json"] if (folder / "summary.json").exists() else []
    for path in stale:
        path.unlink(missing_ok=True)  # another worker, that begins as well
    return stale
