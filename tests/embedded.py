"""Embeddings on disk in the layout of the embed stage, small enough to check by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cim.atomic import write_json
from cim.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def embed(layout: Layout) -> Callable[..., None]:
    """embed(role, split, shards, encoder): shards are (ids, (n, d) vectors), made unit length here."""

    def write(role, split, shards, encoder="encoder-1"):
        folder = layout.embeddings(role, split)
        folder.mkdir(parents=True, exist_ok=True)
        for number, (ids, vectors) in enumerate(shards):
            stem = f"{split}-{number:06d}"
            unit = np.asarray(vectors) / np.linalg.norm(vectors, axis=1, keepdims=True)
            np.save(folder / f"{stem}.npy", unit.astype(np.float16))
            pl.DataFrame({"id": list(ids)}).write_parquet(folder / f"{stem}.parquet")
        whole = f"{encoder} {[(list(ids), np.asarray(v).tolist()) for ids, v in shards]}"
        dim = int(np.asarray(shards[0][1]).shape[1])
        write_json(folder / "meta.json", {"encoder_fingerprint": encoder, "dim": dim, "fingerprint": whole})

    return write


@pytest.fixture
def few_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four queries are enough to say that an approximate index is good: galleries of tests are small."""
    monkeypatch.setattr("cim.index.recall.QUERIES", 4)
