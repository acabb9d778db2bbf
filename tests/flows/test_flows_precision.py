"""Precision settled where shards will be captioned."""

from typing import Any

import pytest

import flows.precision
from cim.params import CaptionParams, Runtime
from flows.precision import resolve_precision

CAPTION = CaptionParams.model_validate({"max_new_tokens": 4})


@pytest.mark.parametrize(
    ("runtime", "caption", "asked"),
    [
        ({}, {}, False),
        ({"task_runner": "ray"}, {}, True),  # the machine that starts the run may have no GPU, its workers may
        ({"task_runner": "dask"}, {}, True),
        ({"task_runner": "ray", "device": "cpu"}, {}, False),
        ({"task_runner": "ray"}, {"precision": "float32"}, False),
    ],
)
def test_a_cluster_is_asked_unless_params_say_it(
    monkeypatch: pytest.MonkeyPatch, runtime: dict[str, Any], caption: dict[str, Any], asked: bool
) -> None:
    went: list[Any] = []

    def on_a_worker(task: Any, items: list[Any], runtime: Any, doing: str, workers: int) -> list[str]:
        assert workers == 1  # task_resources as the tasks that hold the model, GPU included
        went.extend(items)
        return ["bfloat16"]

    monkeypatch.setattr(flows.precision, "map_shards", on_a_worker)
    found = resolve_precision(CAPTION.model_copy(update=caption), Runtime.model_validate(runtime))
    assert bool(went) == asked
    assert found == ("bfloat16" if asked else "float32")
