"""What two captioners say of the same scenes, greedily and sampled, and how likely they find it; asked once, kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from PIL import Image

from cim.atomic import write_parquet
from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.likelihood import token_log_probs
from cim.captioners.load import Captioner, load_captioner
from cim.images.decode import decode_rgb
from cim.layout import Layout
from cim.metrics.scenes import Graph
from cim.scenes.draw import draw
from cim.scenes.scene import Scene, Thing
from cim.shards.read import read_samples, shard_paths

WHO, PROMPT, TOKENS, BATCH = ("base", "tuned"), "Describe this image.", 40, 64


@dataclass(frozen=True)
class Seen:
    """n scenes. greedy: captions by captioner. sampled: of each scene several, by captioner."""

    ids: Sequence[str]
    pictures: Sequence[Image.Image]
    truths: Sequence[Graph]
    greedy: dict[str, list[str]]
    sampled: dict[str, list[list[str]]]


def captioner_of(layout: Layout, who: str) -> Captioner:
    """Base or tuned, on the CPU."""
    return load_captioner(layout.model("captioner") if who == "base" else layout.tuned, "cpu")


def look(layout: Layout, split: str, images: int, samples: int, kept: Path) -> Seen:
    """The first scenes of a split; what was said of them is read from `kept` where it is there."""
    found = [sample for tar in shard_paths(layout.shards(split)) for sample in read_samples(tar)][:images]
    ids, truths = [one.id for one in found], [one.extra["scene"] for one in found]
    pictures = [decode_rgb(one.image) for one in found]
    if not kept.is_file():
        columns: dict[str, Sequence[object]] = {"id": ids}
        for who in WHO:
            captioner = captioner_of(layout, who)
            columns[who] = captions(captioner, pictures, ids)
            columns[f"{who}_sampled"] = sampled(captioner, pictures, ids, samples)
        write_parquet(kept, pl.DataFrame(columns))
    table = pl.read_parquet(kept)
    if table["id"].to_list() != list(ids) or len(table["base_sampled"][0]) != samples:
        raise SystemExit(f"{kept} is of other images or samples: move it away")
    return Seen(
        ids, pictures, truths,
        {who: table[who].to_list() for who in WHO}, {who: table[f"{who}_sampled"].to_list() for who in WHO},
    )  # fmt: skip


def captions(captioner: Captioner, pictures: Sequence[Image.Image], ids: Sequence[str]) -> list[str]:
    """Greedy."""
    found = generate(captioner, pictures, [PROMPT] * len(ids), Decoding(TOKENS), ids, BATCH)
    return [one.text for one in found]


def sampled(captioner: Captioner, pictures: Sequence[Image.Image], ids: Sequence[str], samples: int) -> list[list[str]]:
    """At temperature 1, as many a picture."""
    asked = [(picture, f"{name}-{at}") for picture, name in zip(pictures, ids, strict=True) for at in range(samples)]
    shown, keys = [picture for picture, _ in asked], [key for _, key in asked]
    found = generate(captioner, shown, [PROMPT] * len(asked), Decoding(TOKENS, temperature=1.0), keys, BATCH)
    texts = [one.text for one in found]
    return [texts[start : start + samples] for start in range(0, len(texts), samples)]


def log_probs(captioner: Captioner, pictures: Sequence[Image.Image | None], texts: Sequence[str]) -> list[list[float]]:
    """Of the tokens of n texts, each by its picture, or all without."""
    found: list[list[float]] = []
    for start in range(0, len(texts), BATCH):
        some = texts[start : start + BATCH]
        found += token_log_probs(captioner, pictures[start : start + BATCH], [PROMPT] * len(some), some)
    return found


def views(truths: Sequence[Graph], number: int, side: int) -> list[list[Image.Image]]:
    """Each scene drawn `number` times, its things in other places every time."""
    return [[decode_rgb(draw(_scene(truth, jitter), side)) for jitter in range(number)] for truth in truths]


def _scene(truth: Graph, jitter: int) -> Scene:
    relation = truth["relations"][0][1] if truth["relations"] else None
    return Scene(tuple(Thing(**thing) for thing in truth["objects"]), relation, truth["background"], jitter)
