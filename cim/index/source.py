"""The embeddings an index is built from, read a shard at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.errors import CimError
from cim.index.meta import EmbeddingMeta
from cim.index.vectors import REMAKE, read_ids
from cim.layout import Layout


@dataclass(frozen=True)
class EmbeddingSource:
    """Vectors of one role (text, image) over some splits, all by one encoder.

    files: (`.npy`, `.parquet`) of every shard, in the order of the splits and of shard names.
    built_from: fingerprint of each set by "role/split". gallery: hash of the shards of each split.
    """

    encoder: str
    dim: int
    built_from: dict[str, str]
    files: list[tuple[Path, Path]]
    gallery: dict[str, str]

    @classmethod
    def open(cls, layout: Layout, role: str, splits: list[str]) -> "EmbeddingSource":
        """Raises CimError when a set is missing, all are empty, or they come from different encoders."""
        sets = [EmbeddingMeta.read(layout.embeddings(role, split)) for split in splits]
        if len({(one.encoder, one.dim) for one in sets}) > 1:
            encoders = ", ".join(f"{one.name} by {one.encoder} (dim {one.dim})" for one in sets)
            raise CimError(f"embeddings of different encoders: {encoders}", "one encoder", "dvc repro embed")
        # A dot begins what somebody writes just now.
        found = [file for split in splits for file in sorted(layout.embeddings(role, split).glob("*.npy"))]
        files = [file for file in found if not file.name.startswith(".")]
        if not files:
            raise CimError(f"no vectors in data/embeddings/{role} for {splits}", "a .npy a shard", "dvc repro embed")
        pairs = [(file, file.with_suffix(".parquet")) for file in files]
        built_from = {one.name: one.fingerprint for one in sets}
        gallery = {split: one.content for split, one in zip(splits, sets, strict=True)}
        return cls(sets[0].encoder, sets[0].dim, built_from, pairs, gallery)

    def ids(self) -> npt.NDArray[np.bytes_]:
        """(n,) id of every row."""
        return np.concatenate([read_ids(parquet) for _, parquet in self.files])

    def parts(self, known: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.float16]]:
        """Per shard: (m, d) vectors as they are on disk, of the rows that `known` (n,) marks.

        Raises CimError for a file cut short, or of another length than its ids.
        """
        start = 0
        for path, parquet in self.files:
            rows = int(pl.scan_parquet(parquet).select(pl.len()).collect().item())
            try:
                vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            except ValueError as error:
                raise CimError(f"{path}: {error}", "a whole file of vectors", REMAKE) from error
            if vectors.shape != (rows, self.dim):
                raise CimError(f"{path} of shape {vectors.shape} beside {rows} ids", f"({rows}, {self.dim})", REMAKE)
            yield vectors[known[start : start + rows]]
            start += rows
