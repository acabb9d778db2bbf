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
        rows: Rows = {"id": [], "caption": []}
        encoded = _captions(job.shard, encoder, batch_size)
    else:
        rows = {"id": []}
        encoded = _images(job.shard, encoder, batch_size, rejects)
    parts = [_keep(vectors, some, rows, rejects) for some, vectors in encoded]
    vectors = np.concatenate([np.zeros((0, encoder.dim), dtype=np.float16), *parts])
    unmark(job.vectors)  # killed between two files, the old marker must not stand for a mixture
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
        "fingerprint": fingerprint("embeddings", [[job.shard.name, job.fingerprint()] for job in jobs]),
    }
    path = folder / "meta.json"
    if not path.exists() or read_json(path) != meta:
        write_json(path, meta)
    return meta


def drop_stale_meta(jobs: list[EmbedJob]) -> None:
    """Remove the meta.json that will not hold once `jobs` run: a stage that breaks off must not leave one behind."""
    if any(job.done() is None for job in jobs):
        (jobs[0].folder / "meta.json").unlink(missing_ok=True)


def _captions(shard: Path, encoder: TextEncoder, batch_size: int) -> Iterator[tuple[Rows, Vectors]]:
    """Ids and captions, `batch_size` at most, with their vectors."""
    rows = [(sample.id, caption) for sample in read_samples(shard) for caption in sample.captions]
    for start in range(0, len(rows), batch_size):
        ids, captions = map(list, zip(*rows[start : start + batch_size], strict=True))
        yield {"id": ids, "caption": captions}, encoder.encode_texts(captions)


def _images(
    shard: Path, encoder: ImageEncoder, batch_size: int, rejects: list[Reject]
) -> Iterator[tuple[Rows, Vectors]]:
    """Ids of images, `batch_size` at most and about WINDOW_BYTES, with vectors; undecodable ones go to `rejects`."""
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
            yield {"id": ids}, encoder.encode_images(images)
            ids, images, held = [], [], 0
    if ids:
        yield {"id": ids}, encoder.encode_images(images)


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


def _write_rejects(path: Path, rejects: list[Reject]) -> None:
    if not rejects:
        path.unlink(missing_ok=True)
        return
    rows = [{"id": one.source, "reason": one.reason, "detail": one.detail} for one in rejects]
    with replacing(path) as temporary:
        pl.DataFrame(rows).write_parquet(temporary)
