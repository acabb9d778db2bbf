"""What a tuned captioner was made from, by the hashes of what lies in data/: kept in its cim.json."""

from typing import Any

from cim.atomic import marker_of, read_json
from cim.encoders.card import EncoderCard
from cim.fingerprint import hash_path
from cim.index.meta import ROLES, EmbeddingMeta, IndexMeta
from cim.tuning.job import TuneJob

ITEMS = "items"


def sources(job: TuneJob) -> dict[str, Any]:
    """{training, reward: {encoders, index, gallery}, images} of a finished training; only small files are read.

    training: fingerprint, the hashes of its best weights and of their done marker, which has its record. encoders:
    fingerprints by role. index: SHA-256 of each part's meta.json, which has the hashes of what lies beside it.
    gallery, images: hash of the shards by split (`cim.fingerprint.hash_list`), of those trained and validated on with
    the SHA-256 of their manifest and the fingerprint of their vectors.
    """
    layout, parts = job.layout, (ITEMS, *job.searched())
    marker = read_json(marker_of(layout.trained))
    roles = {"image", *(ROLES[part] for part in parts if part != ITEMS)}
    return {
        "training": {
            "fingerprint": marker["fingerprint"],
            "weights": marker["holds"],
            "record": hash_path(marker_of(layout.trained)),
        },
        "reward": {
            "encoders": {role: EncoderCard.read(layout.model(role)).fingerprint for role in sorted(roles)},
            "index": {part: hash_path(layout.index(part) / "meta.json") for part in parts},
            "gallery": IndexMeta.read(layout.index(ITEMS)).gallery,
        },
        "images": {
            split: {
                "manifest": hash_path(layout.shards(split) / "manifest.parquet"),
                "shards": embedded.content,
                "vectors": embedded.fingerprint,
            }
            for split in ("train", "validation")
            for embedded in [EmbeddingMeta.read(layout.embeddings("image", split))]
        },
    }
