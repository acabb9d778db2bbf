"""Finished shards of generated scenes to refine, and captioners that say what they are told to."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cim.captions.tar import Recaptioned, sample_key, write_pairs
from cim.images.ids import content_hash
from cim.refine.base import Bill, Sample
from cim.scenes.describe import state
from cim.scenes.draw import draw
from cim.scenes.scene import Scene, scene_at


def scenes_in(folder: Path, scenes: Sequence[Scene], captions: Sequence[str], **own: Sequence[Any]) -> None:
    """One shard of scenes with these captions. own: fields of their corpus, a value each."""
    folder.mkdir(exist_ok=True)
    samples = []
    for at, (scene, caption) in enumerate(zip(scenes, captions, strict=True)):
        original = {name: values[at] for name, values in own.items()}
        told = {"key": sample_key(0, at), "caption": caption, "alt_text": None, "original": original, "recaption": {}}
        samples.append(Recaptioned(sample_key(0, at), draw(scene, 32), "png", caption, told))
    write_pairs(folder / "00000.tar", samples)


def full(scene: Scene) -> str:
    """A true caption that says all there is."""
    return state(scene, random.Random(0), 1.0)


def some_scenes(count: int) -> list[Scene]:
    return [scene_at(5, at) for at in range(count)]


def sample_of(caption: str, image: bytes = b"", **own: Any) -> Sample:
    """By itself, without a shard."""
    return Sample("00000", image, {"caption": caption}, own, {}, caption)


class Says:
    """Meets Looker. answers: of an image's id and how often its prompt was asked before. asked: all prompts."""

    parallel = 1

    def __init__(self, answers: Callable[[str, int], str]) -> None:
        self._answers, self.asked = answers, list[str]()

    def look(self, image: bytes, prompts: Sequence[str], bill: Bill) -> list[str]:
        self.asked += prompts
        return [self._answers(content_hash(image)[:16], at) for at in range(len(prompts))]

    def identity(self) -> dict[str, Any]:
        return {"model": "stub"}
