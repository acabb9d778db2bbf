"""What a training would refuse is found out before it is started."""

from pathlib import Path
from typing import Any

import pytest
from families.llama import llama4
from families.qwen import qwen2_5_vl
from plain_plan import SHAPE

from cim.errors import CimError
from cim.estimate.refusals import refusals
from cim.params import LoadedCaptioner, Params, Rollout, load_params
from cim.params.runtime import Ranks


@pytest.fixture
def params(root: Path) -> Params:
    return load_params(root / "params.yaml")


def tuned(params: Params, **changes: Any) -> Params:
    return params.model_copy(update={"tune": params.tune.model_copy(update=changes)})


def found(errors: list[CimError]) -> str:
    return "; ".join(f"{one.found}: {one.expected}: {one.remedy}" for one in errors)


def test_nothing_is_refused_of_the_default(params: Params) -> None:
    assert refusals(params, SHAPE, 2**30) == []


def test_every_package_is_asked_for_at_once(params: Params) -> None:
    """deepspeed and trackio are not among the locked packages; vLLM neither."""
    asked = tuned(params, report_to=["trackio"], rollout=Rollout(engine="vllm"))
    ranks = Ranks(processes=2, strategy="zero3")
    asked = asked.model_copy(update={"runtime": asked.runtime.model_copy(update={"train": ranks})})
    text = found(refusals(asked, None, None))
    assert "pip install trackio" in text
    assert "pip install deepspeed" in text
    assert "no vLLM beside TRL" in text


def test_gpus_that_share_a_copy_divide_the_processes(params: Params) -> None:
    asked = tuned(params, rollout=Rollout(engine="vllm", tensor_parallel=2))
    assert "tune.rollout.tensor_parallel 2 in 1 training processes" in found(refusals(asked, None, None))


def test_a_share_without_room_for_weights_and_one_caption(params: Params) -> None:
    """1000 weights are 2000 bytes, 50 tokens x 5 layers x 2 x 4 x 2 are 4000: 6000 of a share of 3000, or of 6000."""
    rollout = Rollout(engine="vllm", memory_share=0.5, max_model_length=50)
    asked = tuned(params, rollout=rollout, max_new_tokens=10)
    assert "tune.rollout.memory_share 0.5 of 5.9 KiB" in found(refusals(asked, SHAPE, 6000))
    assert "memory_share" not in found(refusals(asked, SHAPE, 12000))


def test_a_length_without_room_for_an_image_and_a_caption(params: Params) -> None:
    """64 x 64 pixels are 32 x 32 patches, 256 tokens of four; with a caption of 40 they are 296."""
    short, long = (
        found(refusals(tuned(params, rollout=Rollout(engine="vllm", max_model_length=n)), SHAPE, None))
        for n in (295, 296)
    )
    assert "max_model_length 295: room for an image and a caption, 296 tokens" in short
    assert "max_model_length" not in long


def test_a_captioner_that_is_here_but_not_tuned(params: Params, tmp_path: Path) -> None:
    for name, make in (("good", qwen2_5_vl), ("bad", llama4)):
        make(tmp_path / name)
    good, bad = (LoadedCaptioner(kind="hf", name=str(tmp_path / name)) for name in ("good", "bad"))
    asked = {one.name: params.model_copy(update={"models": params.models.model_copy(update={"captioner": one})})
             for one in (good, bad)}  # fmt: skip
    assert refusals(asked[good.name], None, None) == []
    (error,) = refusals(asked[bad.name], None, None)
    assert "Llama4Processor" in error.found
    assert "docs/models.md" in error.remedy


def test_a_tower_to_be_frozen(params: Params) -> None:
    from dataclasses import replace

    asked = tuned(params, vision="frozen")
    assert refusals(asked, SHAPE, None) == []
    assert "without a vision tower" in found(refusals(asked, replace(SHAPE, vision_parameters=0), None))
