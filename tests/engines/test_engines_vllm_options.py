"""What of vLLM's options decides captions, and what only how they are made."""

import json
from pathlib import Path
from typing import Any

import pytest

from cim.captioners.decoding import Decoding
from cim.captions.lineage import Lineage
from cim.engines.vllm_options import VllmOptions
from cim.errors import CimError
from cim.params import VllmParams


@pytest.mark.parametrize(
    ("given", "decisive"),
    [
        ({}, {}),
        ({"tensor_parallel": 2, "memory_share": 0.5, "enforce_eager": True}, {}),
        ({"max_model_length": 99}, {"max_model_length": 99}),
        ({"mm_processor_kwargs": {"max_pixels": 64}}, {"mm_processor_kwargs": {"max_pixels": 64}}),
    ],
)
def test_only_what_decides_captions_is_their_lineage(given: dict[str, Any], decisive: dict[str, Any]) -> None:
    options = VllmOptions.of(VllmParams(**given))
    assert json.loads(options.decisive()) == decisive
    lineage = Lineage("model", "Say.", Decoding(8), engine="vllm", options=options.decisive())
    assert lineage.values()["decoding"].get("options", {}) == decisive


def test_options_are_hashed_with_the_model_that_is_kept() -> None:
    one, other = ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert hash(VllmOptions.of(VllmParams(mm_processor_kwargs=one))) == hash(
        VllmOptions.of(VllmParams(mm_processor_kwargs=other))
    )


def make_adapter(folder: Path, **config: Any) -> VllmOptions:
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8, **config}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return VllmOptions.of(VllmParams(adapter=str(folder)))


def test_an_adapter_is_named_by_its_content(tmp_path: Path) -> None:
    for name in ("one", "copy", "other"):
        (tmp_path / name).mkdir()
    one, copy = make_adapter(tmp_path / "one"), make_adapter(tmp_path / "copy")
    assert one.decisive() == copy.decisive()
    assert "adapter" in json.loads(one.decisive())
    assert make_adapter(tmp_path / "other", r=16).decisive() != one.decisive()


@pytest.mark.parametrize(("rank", "room"), [(1, 1), (2, 8), (8, 8), (9, 16), (512, 512)])
def test_room_for_the_adapters_rank(tmp_path: Path, rank: int, room: int) -> None:
    assert make_adapter(tmp_path, r=rank).arguments()["max_lora_rank"] == room


@pytest.mark.parametrize("config", [{"r": 513}, {"peft_type": "IA3"}, {"r": None}])
def test_no_lora_adapter(tmp_path: Path, config: dict[str, Any]) -> None:
    with pytest.raises(CimError, match="merge_and_unload"):
        make_adapter(tmp_path, **config)


def test_no_adapter_at_all(tmp_path: Path) -> None:
    with pytest.raises(CimError, match=r"no adapter_config\.json"):
        VllmOptions.of(VllmParams(adapter=str(tmp_path)))
