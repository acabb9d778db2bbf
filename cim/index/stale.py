"""Refusals of an index whose files, items or params are not the ones it was built from or with."""

import hashlib
from pathlib import Path

import numpy as np

from cim.errors import CimError
from cim.index.meta import REMEDY, IndexMeta
from cim.params.retrieval import Index

FORCE = "dvc repro --force index"
PROBES, PROBE_BYTES = 64, 65536
"""Places and bytes of a large file that its digest looks at: 4 MiB instead of gigabytes each time it is opened."""


def digest_file(path: Path) -> str:
    """16 hex digits of a file's size and bytes: all of a small file, evenly spread places of a large one.

    Tells builds apart and finds files cut short; the done marker, checked when building, covers every byte.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start in np.linspace(0, max(0, size - PROBE_BYTES), PROBES, dtype=np.int64).tolist():
            file.seek(start)
            digest.update(file.read(PROBE_BYTES))
    return digest.hexdigest()[:16]


def check_files(folder: Path, meta: IndexMeta) -> None:
    """Refuse vectors or an index file of another build, also one of the same size."""
    for name, built in meta.files.items():
        path = folder / name
        found = digest_file(path) if path.is_file() else "nothing"
        if found != built:
            raise CimError(f"{path} with digest {found}", f"{built}, as built", FORCE)


def check_items(meta: IndexMeta, items: IndexMeta) -> None:
    """Refuse an index built beside other items than those present: it would retrieve ids of another gallery."""
    if meta.items_from != items.fingerprint:
        found = f"index {meta.part} built beside items {meta.items_from or 'unknown'}"
        raise CimError(found, f"{items.fingerprint}, as the items present", REMEDY)


def check_params(meta: IndexMeta, params: Index) -> None:
    """Refuse an index built by another factory, or measured with other knobs, than `params` say."""
    if meta.asked != params.factory:
        raise CimError(f"index {meta.part} built with factory {meta.asked!r}", f"{params.factory!r}", REMEDY)
    wanted = {"nprobe": params.nprobe, "efSearch": params.ef_search, "quantizer_efSearch": params.ef_search}
    measured = {**meta.knobs, **({} if meta.exact else {"candidates": meta.candidates})}
    asked = {name: wanted.get(name, params.candidates) for name in measured}
    if measured != asked:
        raise CimError(f"index {meta.part} measured with {measured}", f"{asked}", REMEDY)
