"""Build what the reward searches: a FAISS index per retrieval space, and row-aligned image vectors of its items.

Embeddings are read a shard at a time. Nothing here imports torch or transformers.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from tqdm import tqdm

from cim.atomic import done_facts, mark_done, replacing
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.index.approximate import Draft
from cim.index.load import FILE
from cim.index.memory import check_memory
from cim.index.meta import AT_ONCE, ROLES, IndexMeta, digest_ids
from cim.index.presets import FLAT, expand, knobs_of, make, remedy
from cim.index.recall import check_recall, held_out
from cim.index.rows import NORMS, VECTORS, RowWriter, UnitRows
from cim.index.source import EmbeddingSource
from cim.index.stale import digest_file
from cim.index.vectors import read_ids
from cim.layout import Layout
from cim.params.retrieval import Index

Ids = npt.NDArray[np.bytes_]
Rows = npt.NDArray[np.int64]
NONE: Rows = np.empty(0, dtype=np.int64)


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
    whole = fingerprint("items", code_of(__name__), source.built_from)
    if done_facts(folder, whole) is not None:
        return IndexMeta.read(folder)
    (folder / "meta.json").unlink(missing_ok=True)  # half-built, the folder cannot be opened
    _write_rows(folder, source, np.ones(len(ids), dtype=bool), NONE, "copy image vectors")
    return _finish(folder, ids, _meta("items", ids, source, whole))


def build_space(layout: Layout, space: str, params: Index, k: int, depth: int | None = None) -> IndexMeta:
    """data/index/<space>: the unit vectors that `space` searches by inner product, and unless exact a FAISS index.

    params.factory: a preset or a `faiss.index_factory` string (see `expand`). Captions of images without an image
    vector are left out and counted in the done marker. depth: how deep it is searched for k items, k by default (see
    `cim.index.depth.searched`); an index that is not exact has its recall@depth measured into meta.json.
    Skipped when done from the same embeddings, factory and knobs. Needs data/index/items. Raises CimError for a
    factory that FAISS refuses, an approximate one for fewer rows than `held_out` takes, more memory than there is, or
    recall below params.min_recall.
    """
    source = EmbeddingSource.open(layout, ROLES[space], list(params.splits))
    folder, items = layout.index(space), IndexMeta.read(layout.index("items"))
    all_ids = source.ids()
    known = np.isin(all_ids, read_ids(layout.index("items") / "ids.parquet"))
    ids = all_ids[known]
    _enough(len(np.unique(ids)), k)
    depth = k if depth is None else depth
    wanted = expand(params.factory, len(ids), source.dim)
    index = None if wanted == FLAT else make(wanted, source.dim)
    knobs = {} if index is None else knobs_of(index, params)
    measured = None if index is None else [depth, knobs, params.candidates]
    whole = fingerprint(
        space, code_of(__name__), wanted, params.factory, source.built_from, items.fingerprint, measured
    )
    if done_facts(folder, whole) is not None:
        built = IndexMeta.read(folder)
        check_recall(built, params.min_recall, depth, remedy(built))
        return built
    (folder / "meta.json").unlink(missing_ok=True)
    check_memory(f"{space} ({wanted})", index, len(ids), source.dim)
    aside = NONE if index is None else held_out(len(ids))
    order = _write_rows(folder, source, known, aside, f"copy vectors of {space}")
    facts: dict[str, Any] = {"factory": wanted, "asked": params.factory, "items_from": items.fingerprint}
    if index is None:
        (folder / FILE).unlink(missing_ok=True)  # of an earlier factory
        meta = _meta(space, ids[order], source, whole, **facts)
    else:
        meta = _meta(space, ids[order], source, whole, **facts, knobs=knobs, candidates=params.candidates)
        draft = Draft(index, UnitRows.open(folder), ids[order], meta)
        meta = draft.measured(len(ids) - len(aside), depth, params)
        draft.write(folder / FILE)
    return _finish(folder, ids[order], meta, skipped=int((~known).sum()))


def _enough(items: int, k: int) -> None:
    if items < k:
        raise CimError(f"{items} gallery items", f"at least k = {k}", "add gallery images or lower tune.reward.k")


def _write_rows(
    folder: Path, source: EmbeddingSource, known: npt.NDArray[np.bool_], aside: Rows, description: str
) -> Rows:
    """vectors.npy of the `known` rows of `source`, those `aside` (row numbers among them) last; their order."""
    count = int(known.sum())
    held = np.zeros(count, dtype=bool)
    held[aside] = True
    ends = [0, count - len(aside)]  # where the next row goes: of those kept, of those held out
    read = 0
    with RowWriter(folder, count, source.dim) as writer:
        for vectors in tqdm(source.parts(known), desc=description, total=len(source.files), unit="shard", leave=False):
            here = held[read : read + len(vectors)]
            for late, some in enumerate((vectors[~here], vectors[here])):
                writer.put(ends[late], some)
                ends[late] += len(some)
            read += len(vectors)
    return np.concatenate([np.flatnonzero(~held), np.flatnonzero(held)])


def _meta(part: str, ids: Ids, source: EmbeddingSource, whole: str, **facts: Any) -> IndexMeta:
    return IndexMeta(
        part=part,
        metric="inner_product",
        factory=facts.pop("factory", ""),
        rows=len(ids),
        items=len(np.unique(ids)),
        dim=source.dim,
        encoder=source.encoder,
        built_from=source.built_from,
        ids=digest_ids(ids),
        fingerprint=whole,
        gallery=source.gallery,
        **facts,
    )


def _strings(ids: Ids) -> list[str]:
    return [name.decode() for name in ids]


def _finish(folder: Path, ids: Ids, meta: IndexMeta, **facts: int) -> IndexMeta:
    """ids.parquet, meta.json with the digests of the other files, and last the done marker."""
    with replacing(folder / "ids.parquet") as path:
        parts = [pl.Series("id", _strings(ids[at : at + AT_ONCE])) for at in range(0, max(1, len(ids)), AT_ONCE)]
        pl.DataFrame({"id": pl.concat(parts, rechunk=True)}).write_parquet(path)
    files = {name: digest_file(folder / name) for name in (VECTORS, NORMS, FILE) if (folder / name).exists()}
    meta = replace(meta, files=files)
    meta.write(folder)
    mark_done(folder, meta.fingerprint, rows=meta.rows, items=meta.items, **facts)
    return meta
