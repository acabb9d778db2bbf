"""What an index says of itself, what embeddings say of themselves, and the refusal of those that do not fit."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.atomic import read_json, write_json
from cim.errors import CimError

REMEDY = "dvc repro index"
AT_ONCE = 100_000  # ids that are Python objects at the same time

ROLES = {"caption_text": "text", "clip": "image"}
"""Which embeddings each retrieval space searches; also the model folder whose text side makes its queries."""


@dataclass(frozen=True)
class IndexMeta:
    """meta.json of one part of the index.

    part: caption_text, clip, or items (image vectors without an index; factory "").
    rows, items: vectors and distinct gallery items; dim: d.
    encoder: fingerprint of the weights the vectors came from. built_from: fingerprint of the embeddings by
    "role/split". ids: digest of the row order. recall: recall@k against exact search, None for exact factories.
    fingerprint: what the build was made from as a whole. asked: index.factory as given, a preset or factory itself.
    knobs, candidates: how recall was measured and how it must be searched, by FAISS's names.
    items_from: fingerprint of the items part. files: digest of each file of vectors. gallery: hash of the shards that
    were embedded, by split.
    """

    part: str
    metric: str
    factory: str
    rows: int
    items: int
    dim: int
    encoder: str
    built_from: dict[str, str]
    ids: str
    fingerprint: str
    recall: dict[str, float] | None = None
    asked: str = ""
    knobs: dict[str, int] = field(default_factory=dict)
    candidates: int = 0
    items_from: str = ""
    files: dict[str, str] = field(default_factory=dict)
    gallery: dict[str, str] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether every row is looked at; otherwise an index proposes `candidates` rows."""
        return self.candidates == 0

    @classmethod
    def read(cls, folder: Path) -> "IndexMeta":
        """meta.json in `folder`. Raises CimError when there is none or it is of another version."""
        try:
            return cls(**read_json(folder / "meta.json"))
        except (FileNotFoundError, json.JSONDecodeError, TypeError) as error:
            raise CimError(f"no usable {folder / 'meta.json'} ({error})", "a built index", REMEDY) from error

    def write(self, folder: Path) -> None:
        """Write meta.json into `folder`, atomically."""
        write_json(folder / "meta.json", asdict(self))


@dataclass(frozen=True)
class EmbeddingMeta:
    """The part of an embedding folder's meta.json that others depend on. content: hash of its shards."""

    name: str
    encoder: str
    dim: int
    fingerprint: str
    content: str = ""

    @classmethod
    def read(cls, folder: Path) -> "EmbeddingMeta":
        """meta.json of data/embeddings/<role>/<split>. Raises CimError when there is none."""
        name = f"{folder.parent.name}/{folder.name}"
        try:
            values: dict[str, Any] = read_json(folder / "meta.json")
            known = {"dim": values["dim"], "fingerprint": values["fingerprint"], "content": values.get("content", "")}
            return cls(name, values["encoder_fingerprint"], **known)
        except (FileNotFoundError, json.JSONDecodeError, KeyError) as error:
            raise CimError(f"no usable {folder / 'meta.json'} ({error})", "embeddings", "dvc repro embed") from error


def digest_ids(ids: npt.NDArray[np.bytes_]) -> str:
    """16 hex digits that name the ids and their order."""
    digest = hashlib.sha256()
    for start in range(0, len(ids), AT_ONCE):
        digest.update((b"\n" if start else b"") + b"\n".join(ids[start : start + AT_ONCE].tolist()))
    return digest.hexdigest()[:16]


def check_ids(folder: Path, meta: IndexMeta, ids: npt.NDArray[np.bytes_]) -> None:
    """Refuse ids.parquet of another or reordered gallery."""
    if (found := digest_ids(ids)) != meta.ids:
        raise CimError(f"{folder}/ids.parquet with digest {found}", f"{meta.ids}, as built", "dvc repro --force index")


def check_encoder(meta: IndexMeta, encoder: str, where: str) -> None:
    """Refuse an index whose vectors came from another encoder than the one at `where`."""
    if meta.encoder != encoder:
        raise CimError(f"index {meta.part} built with encoder {meta.encoder}", f"{encoder}, that of {where}", REMEDY)


def check_embeddings(meta: IndexMeta, present: list[EmbeddingMeta]) -> None:
    """Refuse an index built from other embeddings than those present; folders it was not built from do not count."""
    for embeddings in present:
        built = meta.built_from.get(embeddings.name)
        if built is not None and built != embeddings.fingerprint:
            raise CimError(
                f"index {meta.part} built from {embeddings.name} {built}",
                f"{embeddings.fingerprint}, as the embeddings present",
                REMEDY,
            )
