"""One shard to vectors on disk; one split's summary."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL.Image import Image

from cim.atomic import mark_done, read_json, replacing, unmark, write_json
from cim.embeddings.plan import TEXT, EmbedJob
from cim.encoders.base import ImageEncoder, TextEncoder, Vectors, directed
from cim.encoders.card import EncoderCard
from cim.fingerprint import fingerprint
from cim.images.checks import Reason, first_line
from cim.images.decode import decode_rgb
from cim.records import Reject
from cim.shards.read import read_samples

WINDOW_BYTES = 256 * 2**20  # decoded pixels held at once, however large the photos are
NO_VECTOR = "no finite vector"  # the reject reason of what the encoder makes none of
Rows = dict[str, list[str]]


def embed_shard(job: EmbedJob, encoder: Any, batch_size: int) -> dict[str, Any]:
    """Encode the captions or images of one shard; facts {vectors, rejects}.

    encoder: a TextEncoder for the role text, else an ImageEncoder. Writes <stem>.npy (float16 (n, d), C order, unit
    length before the cast), <stem>.parquet (id; for captions also caption; row i is vector i), then the done marker.
    What can't be decoded or gets no finite vector is in neither, but in rejects/<stem>.parquet with its reason.
    """
    rejects: list[Reject] = []
    if job.role == TEXT:
        rows, parts = _captions(job.shard, encoder, batch_size, rejects)
    else:
        rows, parts = _images(job.shard, encoder, batch_size, rejects)
    vectors = np.concatenate([np.zeros((0, encoder.dim), dtype=np.float16), *parts])
    unmark(job.vectors)  # killed between two files, the old marker must not vouch for a mixture
    _write_rejects(job.rejects, rejects)
    with replacing(job.rows) as temporary:
        pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String)).write_parquet(temporary)
    with replacing(job.vectors) as temporary:
        np.save(temporary, vectors, allow_pickle=False)
    facts = {"vectors": len(vectors), "rejects": len(rejects)}
    mark_done(job.vectors, job.fingerprint(), **facts)
    return facts


def write_meta(card: EncoderCard, jobs: list[EmbedJob], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """meta.json of the folder of `jobs`, all of one role and split, once every one is done; what it holds.

    An unchanged one is left as it is.
    """
    folder = jobs[0].folder
    meta = {
        "role": jobs[0].role,
        "split": folder.name,
        "encoder": card.name,
        "encoder_kind": card.kind,
        "encoder_revision": card.revision,
        "encoder_fingerprint": card.fingerprint,
        "dim": card.dim,
        "dtype": "float16",
        "shards": len(jobs),
        "vectors": sum(one["vectors"] for one in facts),
        "rejects": sum(one["rejects"] for one in facts),
        "fingerprint": _fingerprint(jobs),
    }
    path = folder / "meta.json"
    if not path.exists() or read_json(path) != meta:
        write_json(path, meta)
    return meta


def drop_stale_meta(jobs: list[EmbedJob]) -> None:
    """Remove the meta.json that will not hold once `jobs` run: a stage that breaks off must not leave one behind."""
    if any(job.done() is None for job in jobs):
        (jobs[0].folder / "meta.json").unlink(missing_ok=True)


def _fingerprint(jobs: list[EmbedJob]) -> str:
    return fingerprint("embeddings", [[job.shard.name, job.fingerprint()] for job in jobs])


def _captions(shard: Path, encoder: TextEncoder, batch_size: int, rejects: list[Reject]) -> tuple[Rows, list[Vectors]]:
    ids: list[str] = []
    captions: list[str] = []
    for sample in read_samples(shard):
        ids += [sample.id] * len(sample.captions)
        captions += sample.captions
    rows: Rows = {"id": [], "caption": []}
    parts = []
    for start in range(0, len(ids), batch_size):
        some = {"id": ids[start : start + batch_size], "caption": captions[start : start + batch_size]}
        parts.append(_keep(encoder.encode_texts(some["caption"]), some, rows, rejects))
    return rows, parts


def _images(shard: Path, encoder: ImageEncoder, batch_size: int, rejects: list[Reject]) -> tuple[Rows, list[Vectors]]:
    rows: Rows = {"id": []}
    parts = []
    for ids, images in _windows(shard, batch_size, rejects):
        parts.append(_keep(encoder.encode_images(images), {"id": ids}, rows, rejects))
    return rows, parts


def _keep(vectors: Vectors, some: Rows, rows: Rows, rejects: list[Reject]) -> Any:
    """The finite ones of `vectors` as float16; their rows of `some` go to `rows`, the others to `rejects`.

    float16 moves cosines of unit vectors by about 1e-4 (2^-11 relative a coordinate).
    """
    good = directed(vectors)
    for name, values in some.items():
        rows[name] += [values[i] for i in np.flatnonzero(good)]
    for i in np.flatnonzero(~good):
        rejects.append(Reject(some["id"][i], NO_VECTOR, some["caption"][i][:200] if "caption" in some else ""))
    return vectors[good].astype(np.float16)


def _windows(shard: Path, batch_size: int, rejects: list[Reject]) -> Iterator[tuple[list[str], list[Image]]]:
    """Ids and decoded images, `batch_size` at most and about WINDOW_BYTES; undecodable ones go to `rejects`."""
    ids: list[str] = []
    images: list[Image] = []
    held = 0
    for sample in read_samples(shard):
        try:
            image = decode_rgb(sample.image)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's decoders raise many kinds on broken bytes, all meaning this
            rejects.append(Reject(sample.id, Reason.CORRUPT.value, first_line(error)))
            continue
        ids.append(sample.id)
        images.append(image)
        held += 3 * image.width * image.height
        if len(ids) >= batch_size or held >= WINDOW_BYTES:
            yield ids, images
            ids, images, held = [], [], 0
    if ids:
        yield ids, images


def _write_rejects(path: Path, rejects: list[Reject]) -> None:
    if not rejects:
        path.unlink(missing_ok=True)
        return
    columns = {"id": [r.source for r in rejects], "reason": [r.reason for r in rejects]}
    with replacing(path) as temporary:
        pl.DataFrame({**columns, "detail": [r.detail for r in rejects]}).write_parquet(temporary)
