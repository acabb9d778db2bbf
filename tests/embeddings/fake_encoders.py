"""Shards of plain colours and encoders that need no model: right only if image, id and vector stay together."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cim.atomic import unmark
from cim.embeddings.plan import EmbedJob
from cim.embeddings.share import Feed, embed_shards
from cim.encoders.card import EncoderCard
from cim.fingerprint import hash_path
from cim.images.ids import content_id
from cim.layout import Layout
from cim.records import Sample
from cim.shards.tar import write_tar


class ShadeEncoder:
    """An image of gray shade s to the direction (1, s + 1), its captions "s" likewise; counts its calls."""

    dim = 2

    def __init__(self, fingerprint: str = "shade-1") -> None:
        self.fingerprint = fingerprint
        self.batches: list[int] = []

    @staticmethod
    def prepare(image: Image.Image) -> np.ndarray:
        return np.array(image)

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return self.vectors([int(shade) for shade in pixels[:, 0, 0, 0]])

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        return self.vectors([int(text) for text in texts])

    def vectors(self, shades: list[int]) -> np.ndarray:
        self.batches.append(len(shades))
        raw = np.array([[1, shade + 1] for shade in shades], dtype=np.float32)
        return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def gray(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(stream, "PNG")
    return stream.getvalue()


def write_shard(path: Path, shades: list[int], *broken: bytes) -> dict[str, int]:
    """A shard with an image a shade, captioned by shade and shade + 100, and `broken` ones; {id: shade}."""
    found = {content_id(gray(shade)): shade for shade in shades}
    samples = [Sample(i, gray(s), "png", (str(s), str(s + 100)), "test", 8, 8, {"n": 1}) for i, s in found.items()] + [
        Sample(content_id(image), image, "png", (), "test", 8, 8, {}) for image in broken
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tar(path, sorted(samples, key=lambda sample: sample.id))
    return found


def write_card(layout: Layout, role: str, fingerprint: str = "shade-1") -> EncoderCard:
    card = EncoderCard(role, "open_clip", "shade", None, 2, fingerprint)
    card.write(layout.model(role))
    return card


def job_in(layout: Layout, role: str = "image", encoder: str = "shade-1") -> EmbedJob:
    """The job for shard 0 of the split train."""
    shard = layout.shards("train") / "train-000000.tar"
    return EmbedJob(role, shard, hash_path(shard), layout.embeddings(role, "train"), layout.model(role), encoder)


def counts(facts: dict[str, Any]) -> dict[str, Any]:
    """Those of a shard's facts that are no hashes."""
    return {name: facts[name] for name in ("vectors", "rejects")}


def embed_one(job: EmbedJob, encoder: ShadeEncoder, batch_size: int) -> dict[str, Any]:
    """Embed one shard, done or not; its facts."""
    unmark(job.vectors)
    embed_shards([job], encoder, Feed(batch_size))
    facts = job.done()
    assert facts is not None
    return facts
