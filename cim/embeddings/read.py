"""Vectors of one split back from disk."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from cim.encoders.base import Vectors
from cim.errors import CimError


@dataclass(frozen=True)
class Embeddings:
    """vectors: (n, d) float32 unit vectors. rows: n rows with id, and caption where the role is text."""

    vectors: Vectors
    rows: pl.DataFrame


def read_embeddings(folder: Path) -> Embeddings:
    """All vectors of data/embeddings/<role>/<split>, in shard order. Raises CimError when they are not complete.

    They are normalised once more: float16 leaves lengths up to 1e-3 off.
    """
    if not (folder / "meta.json").is_file():  # written last
        raise CimError(f"no meta.json in {folder}", "embeddings of a whole split", "dvc repro embed")
    files = sorted(folder.glob("*.npy"))
    vectors = np.concatenate([np.load(file, allow_pickle=False) for file in files]).astype(np.float32)
    rows = pl.concat([pl.read_parquet(file.with_suffix(".parquet")) for file in files])
    if len(rows) != len(vectors):
        raise CimError(
            f"{len(vectors)} vectors for {len(rows)} rows in {folder}",
            "one a row",
            "delete data/embeddings and run dvc repro embed",
        )
    return Embeddings(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), rows)
