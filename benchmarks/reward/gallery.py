"""A gallery of drawn vectors in the layout that the embed stage makes, for the index stage's own code to build on."""

import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from tqdm import tqdm

from benchmarks.reward.synthetic_embeddings import CaptionProcess, Vectors
from cim.atomic import write_json
from cim.layout import Layout

SHARD = 50_000
"""Rows a file."""

SPLIT = "gallery"
ENCODER = "drawn"
"""The encoder fingerprint that the vectors claim."""


@dataclass(frozen=True)
class Queries:
    """Captions not in the gallery and the images they are scored for, which are: captions, vectors (b, d), sources."""

    captions: list[str]
    vectors: Vectors
    sources: list[str]

    def first(self, count: int) -> "Queries":
        """The first `count` of them."""
        return Queries(self.captions[:count], self.vectors[:count], self.sources[:count])


def write_gallery(layout: Layout, process: CaptionProcess, rows: int, queries: int, seed: int) -> Queries:
    """Write `rows` drawn vectors as float16 under data/embeddings; queries are drawn with them, then held out.

    The gallery's caption and image vectors are the same files: no image's vector need be like its caption's to time a
    look-up. Holds one cluster of vectors in memory.
    """
    folder = layout.embeddings("text", SPLIT)
    folder.mkdir(parents=True)
    dim = process.centres.shape[1]
    starts = range(0, rows, SHARD)
    files = [folder / f"{SPLIT}-{number:06d}.npy" for number in range(len(starts))]
    parts = [
        np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(min(SHARD, rows - start), dim))
        for file, start in zip(files, starts, strict=True)
    ]
    held_out = np.empty((queries, dim), dtype=np.float32)
    places = np.random.default_rng(seed).permutation(rows + queries)  # clusters lie scattered, as captions do
    begun = 0
    drawing = tqdm(total=rows + queries, desc="draw vectors", unit="row")
    for block in process.blocks(rows + queries, seed):
        drawing.update(len(block))
        here = places[begun : begun + len(block)]
        begun += len(block)
        for part, start in zip(parts, starts, strict=True):
            mine = (here >= start) & (here < start + len(part))
            part[here[mine] - start] = block[mine]
        held_out[here[here >= rows] - rows] = block[here >= rows]
    drawing.close()
    ids = np.array([sample_id(row) for row in range(rows)])
    for file, part, start in zip(files, parts, starts, strict=True):
        part.flush()
        pl.DataFrame({"id": ids[start : start + len(part)].tolist()}).write_parquet(file.with_suffix(".parquet"))
    _meta(folder, dim, f"{rows} of {process.dimension} {seed}")
    _link(folder, layout.embeddings("image", SPLIT))
    sources: npt.NDArray[np.str_] = np.random.default_rng(seed + 1).choice(ids, queries)
    return Queries([f"caption {number}" for number in range(queries)], held_out, sources.tolist())


def write_captions(file: Path, captions: list[str], rows: int, seed: int) -> None:
    """`rows` captions as long as real ones, each the words of one of `captions` in an order of its own."""
    rng = random.Random(seed)
    words = [caption.split() for caption in captions]
    said = [" ".join(rng.sample(one, len(one))) for one in (words[row % len(words)] for row in range(rows))]
    pl.DataFrame({"id": [sample_id(row) for row in range(rows)], "caption": said}).write_parquet(file)


def sample_id(row: int) -> str:
    """16 hex digits, different for every row, in no order."""
    return f"{row * 0x9E3779B97F4A7C15 % 2**64:016x}"  # an odd factor permutes the numbers below 2^64


def _meta(folder: Path, dim: int, fingerprint: str) -> None:
    write_json(folder / "meta.json", {"encoder_fingerprint": ENCODER, "dim": dim, "fingerprint": fingerprint})


def _link(folder: Path, to: Path) -> None:
    to.mkdir(parents=True)
    for file in folder.iterdir():
        os.link(file, to / file.name)
