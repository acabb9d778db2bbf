"""tune.rollout: what contradicts itself is named, and today's run is the default."""

from typing import Any

import pytest
from test_params_load import changed, message_for

from cim.params import Rollout, parse_params


def test_by_default_transformers_samples_a_rollout_in_one_call() -> None:
    asked = parse_params(changed()).tune.rollout
    assert (asked.engine, asked.batch) == ("transformers", None)
    assert asked == Rollout()


@pytest.mark.parametrize(
    "asked",
    [
        {"batch": 64},
        {"engine": "transformers", "mode": "colocate", "memory_share": 0.3},  # said aloud, but nothing else than before
        {"engine": "vllm"},
        {"engine": "vllm", "memory_share": 0.5, "max_model_length": 4096, "tensor_parallel": 2, "sleep": True},
        {"engine": "vllm", "mode": "server", "server_url": "http://gpu-7:8000"},
        {"engine": "vllm", "importance_sampling": None},
        {"engine": "vllm", "importance_sampling": {"mode": "token_mask", "clip_max": None}},
    ],
)
def test_is_taken(asked: dict[str, Any]) -> None:
    parse_params(changed(("tune.rollout", asked), ("tune.vision", "frozen")))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"engine": "vlm"}, "tune.rollout.engine"),
        ({"batch": 0}, "tune.rollout.batch"),
        ({"memory_share": 0.5, "sleep": True}, "memory_share, sleep: only engine vllm has a use for them"),
        ({"mode": "server", "server_url": "http://a:1"}, "mode, server_url: only engine vllm"),
        ({"importance_sampling": None}, "importance_sampling: only engine vllm"),
        ({"engine": "vllm", "batch": 8}, "batch 8 with engine vllm"),
        ({"engine": "vllm", "mode": "server"}, "mode server without server_url"),
        (
            {"engine": "vllm", "mode": "server", "server_url": "http://a:1", "tensor_parallel": 2},
            "tensor_parallel: options of `vllm serve`",
        ),
        ({"engine": "vllm", "server_url": "http://a:1"}, "server_url http://a:1 with mode colocate"),
        ({"engine": "vllm", "mode": "server", "server_url": "gpu-7:8000"}, "tune.rollout.server_url"),
        ({"engine": "vllm", "memory_share": 1.5}, "tune.rollout.memory_share"),
        ({"engine": "vllm", "memory": 0.5}, "unknown name"),
        (
            {"engine": "vllm", "importance_sampling": {"clip_min": 3.0, "clip_max": 3.0}},
            "clip_min 3 is not below clip_max 3",
        ),
        (
            {"engine": "vllm", "importance_sampling": {"mode": "sequence_truncate", "clip_max": None}},
            "mode sequence_truncate without clip_min and clip_max",
        ),
    ],
)
def test_is_refused(asked: dict[str, Any], part: str) -> None:
    message = message_for(("tune.rollout", asked), ("tune.vision", "frozen"))
    assert "1 problem(s)" in message
    assert part in message


def test_vllm_takes_no_8_bit_weights_from_the_trainer() -> None:
    lora = ("tune.lora", {"rank": 4})
    asked = [lora, ("tune.precision", "8bit"), ("tune.rollout", {"engine": "vllm"})]
    assert "precision 8bit with rollout.engine vllm" in message_for(*asked)
    parse_params(changed(lora, ("tune.precision", "4bit"), ("tune.rollout", {"engine": "vllm"})))


def test_a_server_looks_at_pictures_once() -> None:
    server = {"engine": "vllm", "mode": "server", "server_url": "http://gpu-7:8000"}
    assert "vision trained with rollout.mode server" in message_for(("tune.rollout", server))
    parse_params(changed(("tune.rollout", {"engine": "vllm"})))  # in the trainer's processes they are forgotten
