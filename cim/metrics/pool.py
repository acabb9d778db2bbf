"""Images that a caption is looked for among: the eval images, and those of other splits block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cim.index.vectors import VectorStore
from cim.layout import Layout
from cim.retrieval import TIE, closer

FloatArray = npt.NDArray[np.float32]
BLOCK = 4_096  # images held at once


@dataclass(frozen=True)
class Pool:
    """Image vectors of two encoders by sample id.

    judge: by the held-out encoder, of the eval split. further: the same of other splits, a store a split.
    miner: by the reward's encoder, of all splits; says which images are alike, so that the judge does not.
    """

    judge: VectorStore
    further: tuple[VectorStore, ...]
    miner: VectorStore

    @classmethod
    def open(cls, layout: Layout) -> "Pool":
        """What lies in data/embeddings. Splits without meta.json are not finished and take no part."""
        root = layout.root / "embeddings"
        done = sorted(meta.parent.name for meta in (root / "heldout").glob("*/meta.json"))
        further = [_store(layout, "heldout", [split]) for split in done if split != "eval"]
        return cls(_store(layout, "heldout", ["eval"]), tuple(further), _store(layout, "image", ["*"]))

    def blocks(self) -> Iterator[tuple[VectorStore, list[str]]]:
        """Ids of the further images, BLOCK at most, with the store that has their vectors."""
        for store in self.further:
            for start in range(0, len(store), BLOCK):
                yield store, [name.decode() for name in store.ids[start : start + BLOCK].tolist()]


def count_closer(captions: FloatArray, own: FloatArray, pool: Pool) -> npt.NDArray[np.int64]:
    """(n,) how many further images are as close to each caption as its own or closer. captions, own: (n, d)."""
    found = np.zeros(len(captions), dtype=np.int64)
    for store, ids in pool.blocks():
        found += closer(captions, own, store.get(ids))
    return found


def hard_negatives(ids: list[str], pool: Pool, most: int) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """For n eval images with both vectors, the `most` images most like each, nearest first, by the reward's encoder.

    Returns the judge's vectors of those (n, most, d) and how many there are (n,); rows beyond are zero.
    """
    best = np.full((len(ids), most), -np.inf, dtype=np.float32)
    vectors = np.zeros((len(ids), most, pool.judge.dim), dtype=np.float32)
    own = pool.miner.get(ids)
    for store, block in [(pool.judge, ids), *pool.blocks()]:
        members = [name for name, known in zip(block, pool.miner.has(block), strict=True) if known]
        if not members or not ids:
            continue
        scores = own @ pool.miner.get(members).T
        if store is pool.judge:
            np.fill_diagonal(scores, -np.inf)  # not its own neighbour; members are ids
        count = min(most, len(members))
        nearest = np.argpartition(scores, len(members) - count, axis=1)[:, len(members) - count :]
        theirs = store.get([members[i] for i in nearest.ravel()]).reshape(len(ids), count, pool.judge.dim)
        merged = np.concatenate([best, np.take_along_axis(scores, nearest, axis=1)], axis=1)
        order = np.argsort(-merged, axis=1, kind="stable")[:, :most]
        best = np.take_along_axis(merged, order, axis=1)
        vectors = np.take_along_axis(np.concatenate([vectors, theirs], axis=1), order[..., None], axis=1)
    return vectors, np.asarray(np.isfinite(best).sum(axis=1))


def first_in_bag(captions: FloatArray, own: FloatArray, others: FloatArray) -> npt.NDArray[np.bool_]:
    """(n,) is the own image (n, d) clearly closer to the caption (n, d) than all others of its bag, (n, m, d)."""
    mine = np.einsum("nd,nd->n", captions, own)
    theirs = np.einsum("nd,nmd->nm", captions, others)
    return np.asarray((theirs < mine[:, None] - TIE).all(axis=1))


def _store(layout: Layout, role: str, splits: list[str]) -> VectorStore:
    root = layout.root / "embeddings" / role
    files = sorted(file for split in splits for file in root.glob(f"{split}/*.npy"))
    return VectorStore([(file, file.with_suffix(".parquet")) for file in files])
