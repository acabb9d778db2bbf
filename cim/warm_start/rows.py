"""Datasets for TRL's trainers: small rows of text and ids; images are read when a batch needs them."""

import random
from collections.abc import Sequence
from typing import Any

from cim.images.decode import decode_rgb
from cim.shards.read import ImageLookup
from cim.warm_start.controls import Controls, with_token


def caption_rows(
    ids: Sequence[str],
    captions: Sequence[Sequence[str]],
    prompts: Sequence[str],
    images: ImageLookup,
    seed: int,
    controls: Controls,
) -> Any:
    """Rows image, prompt, completion for supervised fine-tuning: one a caption, the prompts taken in turn by chance.

    ids, captions: n samples, at least one caption each. controls: tokens that stand before pairs' prompts. Returns a
    datasets.Dataset in a seeded random order.
    """
    rng = random.Random(f"caption-rows-{seed}")
    rows = [(sample_id, text) for sample_id, texts in zip(ids, captions, strict=True) for text in texts]
    rng.shuffle(rows)
    return with_images(
        {
            "id": [sample_id for sample_id, _ in rows],
            "prompt": [turn("user", with_token(controls.get(row), rng.choice(prompts))) for row in rows],
            "completion": [turn("assistant", text) for _, text in rows],
        },
        images,
    )


def turn(role: str, text: str) -> list[dict[str, str]]:
    """A conversation of one message."""
    return [{"role": role, "content": text}]


def with_images(columns: dict[str, list[Any]], images: ImageLookup) -> Any:
    """A datasets.Dataset of these columns and `image`, read by the column `id` when a row is."""
    from datasets import Dataset

    def read(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return {**batch, "image": [decode_rgb(images[sample_id]) for sample_id in batch["id"]]}

    return Dataset.from_dict(columns).with_transform(read)
