"""Whose captions the base captioner learns: the train images', and the gallery's where `splits` names it."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tiny_tower import PROMPT, on_tower, write_trunk

import cim.warm_start.tower_start
from cim.fingerprint import fingerprint
from cim.images.ids import content_id
from cim.layout import Layout
from cim.params import Models, Runtime
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar
from cim.warm_start.make import learnt_from, make_base_captioner
from tasks.models import ModelsJob

FIT = {"kind": "fit", "width": 8, "epochs": 1, "learning_rate": 0.001}


def split(layout: Layout, name: str, numbers: range, caption: str) -> None:
    folder = layout.shards(name)
    folder.mkdir(parents=True)
    pictures = {content_id(image): image for image in (draw(scene_at(0, i), 32) for i in numbers)}
    samples = [Sample(i, pictures[i], "png", (caption,), "s", 32, 32) for i in sorted(pictures)]
    write_tar(folder / f"{name}-000000.tar", samples)
    pl.DataFrame({"id": [s.id for s in samples], "captions": [[caption]] * len(samples)}).write_parquet(
        folder / "manifest.parquet"
    )


def test_captions_of_every_split_named_are_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout, said = Layout(tmp_path), list[tuple[int, str]]()
    split(layout, "train", range(2), "a star")
    split(layout, "gallery", range(2, 5), "two moons")

    def noted(model: Any, processor: Any, rows: Any, *_: Any) -> list[Any]:
        said.extend((row.place, processor.tokenizer.decode(row.captions[0])) for row in rows)
        return []

    monkeypatch.setattr(cim.warm_start.tower_start, "start_on_tower", noted)
    captioner = on_tower(write_trunk(tmp_path / "trunk.safetensors")).model_dump()
    names = []
    for splits in (["train"], ["train", "gallery"]):
        models = Models.model_validate(
            {
                "text_encoder": {"name": "package:none"},
                "image_encoder": {**FIT, "seed": 0},
                "heldout_encoder": {**FIT, "seed": 1},
                "captioner": captioner,
                "warm_start": {"epochs": 1, "learning_rate": 0.003, "splits": splits},
            }
        )
        learnt = ModelsJob("captioner", layout, models, (PROMPT,), Runtime()).learnt
        names.append(fingerprint(*learnt_from(models, learnt, [PROMPT])))
        said.clear()
        make_base_captioner(models, learnt, [PROMPT], "cpu", layout.model("captioner"))
        # Two train images, then three of the gallery; every image's features have its caption's place.
        expected = ["a star"] * 2 + ["two moons"] * 3
        assert said == list(enumerate(expected[: 2 if splits == ["train"] else 5]))
    assert names[0] != names[1]
