"""Build what the reward searches: a FAISS index per retrieval space, and row-aligned image vectors of its items.

Embeddings are read a shard at a time. Nothing here imports torch or transformers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
import polars as pl
from tqdm import tqdm

from cim.atomic import done_facts, mark_done, replacing
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.index.meta import ROLES, IndexMeta, digest_ids
from cim.index.recall import measure_recall
from cim.index.source import EmbeddingSource
from cim.index.vectors import read_ids
from cim.layout import Layout

CODE = "cim.index"
TRAINING_ROWS = 200_000
"""At most this many vectors train a quantizer; more changes its centroids little and costs memory."""


def build_items(layout: Layout, splits: list[str], k: int) -> IndexMeta:
    """data/index/items: image vectors (n, d) float16 of the gallery in one memory map, and the id of each row.

    Skipped when done from the same embeddings. Raises CimError when embeddings are missing or hold fewer than k items.
    """
    source = EmbeddingSource.open(layout, "image", splits)
    ids, folder = source.ids(), layout.index("items")
    if len(np.unique(ids)) != len(ids):
        raise CimError(
            f"an id twice among {splits}", "each image in one split", "delete data/embeddings and run dvc repro embed"
        )
    _enough(len(ids), k)
    whole = fingerprint("items", code_of(CODE), source.built_from)
    if done_facts(folder, whole) is not None:
        return IndexMeta.read(folder)
    (folder / "meta.json").unlink(missing_ok=True)  # half-built, the folder cannot be opened
    with replacing(folder / "vectors.npy") as path:
        out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=(len(ids), source.dim))
        start = 0
        for vectors, _ in tqdm(source.files, desc="copy image vectors", unit="shard", leave=False):
            part = np.load(vectors, mmap_mode="r", allow_pickle=False)
            out[start : start + len(part)] = part
            start += len(part)
        out.flush()
        del out
    return _finish(folder, ids, _meta("items", "", ids, source, whole))


def build_space(layout: Layout, space: str, splits: list[str], factory: str, k: int) -> IndexMeta:
    """data/index/<space>: a FAISS index by inner product over the unit vectors that `space` searches.

    factory: a `faiss.index_factory` string. Captions of images without an image vector are left out and counted in
    the done marker. An index that is not exact has its recall@k measured into meta.json. Skipped when done from the
    same embeddings and factory. Needs data/index/items. Raises CimError for a factory that FAISS refuses.
    """
    source = EmbeddingSource.open(layout, ROLES[space], splits)
    folder, items = layout.index(space), IndexMeta.read(layout.index("items"))
    with _refusals(f"index.factory {factory!r}", f"a FAISS factory string for dim {source.dim}", "try Flat"):
        index = faiss.index_factory(source.dim, factory, faiss.METRIC_INNER_PRODUCT)
    exact = isinstance(index, faiss.IndexFlat)
    whole = fingerprint(space, code_of(CODE), factory, source.built_from, items.fingerprint, None if exact else k)
    if done_facts(folder, whole) is not None:
        return IndexMeta.read(folder)
    (folder / "meta.json").unlink(missing_ok=True)
    known = read_ids(layout.index("items") / "ids.parquet")
    if not index.is_trained:
        _train(index, factory, source, known)
    kept: list[npt.NDArray[np.bytes_]] = []
    bar = tqdm(source.blocks(known), total=len(source.files), desc=f"index {space}", unit="shard", leave=False)
    with _refusals(f"index.factory {factory!r}", "one that takes rows without ids", "leave IDMap out"):
        for vectors, ids in bar:
            index.add(vectors)
            kept.append(ids)
    row_ids = np.concatenate(kept)
    _enough(len(np.unique(row_ids)), k)
    recall = None if exact else measure_recall(index, lambda: (block for block, _ in source.blocks(known)), k)
    with replacing(folder / "index.faiss") as path:
        faiss.write_index(index, str(path))
    meta = _meta(space, factory, row_ids, source, whole, recall)
    return _finish(folder, row_ids, meta, skipped=len(source.ids()) - len(row_ids))


def _enough(items: int, k: int) -> None:
    if items < k:
        raise CimError(f"{items} gallery items", f"at least k = {k}", "add gallery images or lower tune.reward.k")


@contextmanager
def _refusals(found: str, expected: str, remedy: str) -> Iterator[None]:
    """FAISS's own errors as CimError, with the line that gives its reason."""
    try:
        yield
    except RuntimeError as error:
        raise CimError(f"{found} ({str(error).splitlines()[-1]})", expected, remedy) from error


def _train(index: Any, factory: str, source: EmbeddingSource, known: npt.NDArray[Any]) -> None:
    step = max(1, -(-len(source.ids()) // TRAINING_ROWS))  # every step-th row
    sample = np.concatenate([vectors[::step] for vectors, _ in source.blocks(known)])
    found = f"index.factory {factory!r} and {len(sample)} vectors"
    with _refusals(found, "enough vectors to train it", "use fewer lists or bits, or Flat"):
        index.train(sample)


def _meta(
    part: str,
    factory: str,
    ids: npt.NDArray[Any],
    source: EmbeddingSource,
    whole: str,
    recall: dict[str, float] | None = None,
) -> IndexMeta:
    return IndexMeta(
        part=part,
        metric="inner_product",
        factory=factory,
        rows=len(ids),
        items=len(np.unique(ids)),
        dim=source.dim,
        encoder=source.encoder,
        built_from=source.built_from,
        ids=digest_ids(ids),
        fingerprint=whole,
        recall=recall,
    )


def _finish(folder: Path, ids: npt.NDArray[np.bytes_], meta: IndexMeta, **facts: int) -> IndexMeta:
    """ids.parquet, meta.json and last the done marker."""
    with replacing(folder / "ids.parquet") as path:
        pl.DataFrame({"id": [name.decode() for name in ids]}).write_parquet(path)
    meta.write(folder)
    mark_done(folder, meta.fingerprint, rows=meta.rows, items=meta.items, **facts)
    return meta
