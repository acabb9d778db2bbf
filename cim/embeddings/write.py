"""One shard's vectors to disk; one split's summary."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cim.atomic import mark_done, marker_of, read_json, replacing, unmark, write_json, write_parquet
from cim.embeddings.pieces import Rows
from cim.embeddings.plan import META, TEXT, EmbedJob, lock_of
from cim.encoders.base import Vectors, directed
from cim.encoders.card import EncoderCard
from cim.fingerprint import fingerprint, hash_list, hash_path
from cim.lock import file_lock
from cim.records import Reject

NO_VECTOR = "no finite vector"  # the reject reason of what the encoder makes none of


class ShardVectors:
    """The vectors of one shard, gathered batch by batch: 2 bytes a number and their ids, no image."""

    def __init__(self, job: EmbedJob) -> None:
        self.job = job
        self.rejects: list[Reject] = []
        self._rows: Rows = {"id": [], "caption": []} if job.role == TEXT else {"id": []}
        self._parts: list[Any] = []

    def add(self, rows: Rows, vectors: Vectors) -> None:
        """A batch: the finite ones of `vectors` as float16 with their `rows`; the others become rejects.

        float16 moves cosines of unit vectors by about 1e-4 (2^-11 relative a coordinate).
        """
        good = directed(vectors)
        for name, values in rows.items():
            self._rows[name] += [values[i] for i in np.flatnonzero(good)]
        for i in np.flatnonzero(~good):
            self.rejects.append(Reject(rows["id"][i], NO_VECTOR, rows["caption"][i][:200] if "caption" in rows else ""))
        self._parts.append(vectors[good].astype(np.float16))

    def write(self, dim: int) -> dict[str, Any]:
        """The files of the shard; its facts {vectors, rejects, sha256: {name: hash} of its files and of the shard}.

        <stem>.npy (float16 (n, d), C order, unit length before the cast), <stem>.parquet (id; for captions also
        caption; row i is vector i), then the done marker. What can't be decoded or gets no finite vector is in
        neither, but in rejects/<stem>.parquet with its reason.
        """
        job = self.job
        vectors = np.concatenate([np.zeros((0, dim), dtype=np.float16), *self._parts])
        unmark(job.vectors)  # killed between two files, the old marker must not stand for a mixture
        _write_rejects(job, self.rejects)
        write_parquet(job.rows, pl.DataFrame(self._rows, schema=dict.fromkeys(self._rows, pl.String)))
        with replacing(job.vectors) as temporary:
            np.save(temporary, vectors, allow_pickle=False)
        known = {path.name: hash_path(path) for path in (job.vectors, job.rows)} | {job.shard.name: job.content}
        facts = {"vectors": len(vectors), "rejects": len(self.rejects), "sha256": known}
        mark_done(job.vectors, job.fingerprint(), **facts)
        return facts


def write_meta(card: EncoderCard, jobs: Sequence[EmbedJob], facts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """meta.json of the folder of `jobs`, all of one role and split, once every one is done; what it holds.

    An unchanged one is left as it is.
    """
    folder = jobs[0].folder
    meta = split_meta(card, jobs[0].role, folder.name, facts, [marker_of(job.vectors) for job in jobs])
    meta["fingerprint"] = fingerprint("embeddings", [[job.shard.name, job.fingerprint()] for job in jobs])
    path = folder / "meta.json"
    with file_lock(lock_of(folder, META), inf):  # others that shared the work write it at the same time
        if not path.exists() or read_json(path) != meta:
            write_json(path, meta)
    return meta


def split_meta(
    card: EncoderCard, role: str, split: str, facts: Sequence[dict[str, Any]], markers: Sequence[Path]
) -> dict[str, Any]:
    """meta.json but for its fingerprint. facts: of the done markers, which lie at `markers`.

    content: of the shards' bytes, see `hash_list`; markers: the same of the markers'.
    """
    return {
        "role": role,
        "split": split,
        "encoder": card.name,
        "encoder_kind": card.kind,
        "encoder_revision": card.revision,
        "encoder_fingerprint": card.fingerprint,
        "dim": card.dim,
        "dtype": "float16",
        "shards": len(facts),
        "vectors": sum(one["vectors"] for one in facts),
        "rejects": sum(one["rejects"] for one in facts),
        "content": hash_list(shard_hashes(facts)),
        "markers": hash_list({path.name: hash_path(path) for path in markers}),
    }


def shard_hashes(facts: Sequence[dict[str, Any]]) -> dict[str, str]:
    """SHA-256 of the shards that were embedded, by name, as their done markers say."""
    return {name: known for one in facts for name, known in one["sha256"].items() if name.endswith(".tar")}


def drop_stale_meta(jobs: Sequence[EmbedJob]) -> None:
    """Remove the meta.json that will not hold once `jobs` run: a stage that breaks off must not leave one behind."""
    if any(job.done() is None for job in jobs):
        (jobs[0].folder / "meta.json").unlink(missing_ok=True)


def _write_rejects(job: EmbedJob, rejects: Sequence[Reject]) -> None:
    if not rejects:
        job.rejects.unlink(missing_ok=True)
        return
    rows = [{"id": one.source, "reason": one.reason, "detail": one.detail} for one in rejects]
    write_parquet(job.rejects, pl.DataFrame(rows))
