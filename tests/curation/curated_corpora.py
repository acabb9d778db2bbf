"""Pictures of ten topics, an encoder that sees and reads topics, and corpora of them, for the tests of this folder."""

import io
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cim.images.ids import content_id
from cim.records import Sample
from cim.shards.tar import write_tar

TOPICS = 10


def picture(topic: int, seed: int, side: int = 64) -> Image.Image:
    """A pattern of 8 x 8 blocks, other ones for each seed; the topic is how red the first is."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    blocks[0, 0] = (25 * topic + 5, 0, 0)
    return Image.fromarray(blocks).resize((side, side), Image.Resampling.NEAREST)


def encoded(image: Image.Image, kind: str = "PNG", **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


class TopicEncoder:
    """A picture to the direction of its topic, a text to that of the numbers in it, none of them to all alike."""

    dim, fingerprint = TOPICS, "topics"

    @staticmethod
    def prepare(image: Image.Image) -> np.ndarray:
        return np.array(image.resize((64, 64)))

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        return np.eye(TOPICS, dtype=np.float32)[((pixels[:, 3, 3, 0].astype(int) - 5) / 25).round().astype(int)]

    def encode_images(self, images: list[Image.Image]) -> np.ndarray:
        return self.encode_pixels(np.stack([self.prepare(image) for image in images]))

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        vectors = np.array([[str(topic) in re.findall(r"\d", text) for topic in range(TOPICS)] for text in texts])
        vectors = np.where(vectors.any(axis=1, keepdims=True), vectors, 1).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write_corpus(path: Path, images: Sequence[bytes], captions: Sequence[Sequence[str]]) -> list[str]:
    """A shard of these images with these captions; the ids in the order given."""
    ids = [content_id(image) for image in images]
    samples = [
        Sample(name, image, "png", tuple(texts), "there", 64, 64, {"n": 1})
        for name, image, texts in zip(ids, images, captions, strict=True)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tar(path, sorted(samples, key=lambda sample: sample.id))
    return ids


def images(*topics: int) -> list[bytes]:
    return [encoded(picture(topic, 10 * topic)) for topic in topics]


def contents(folder: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}
