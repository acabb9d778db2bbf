"""Ways to decode that exclude each other."""

from typing import Any

import pytest
from test_params_load import changed, message_for

from cim.captioners.decoding import Decoding
from cim.params import parse_params

SERVER = {"base_url": "http://gpu-7:8000/v1", "model": "captioner"}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([("caption.decoding", {"beams": 4}), ("caption.temperature", 0.7)], "beams 4 with temperature 0.7"),
        ([("caption.decoding", {"candidates": 4})], "candidates 4 with temperature 0"),
        ([("caption.decoding", {"beams": 2, "guidance": 1.5})], "beams with guidance"),
        ([("caption.decoding", {"guidance": 1.5}), ("caption.engine", "vllm")], "engine vllm with"),
        ([("caption.vllm", {"memory_share": 0.5})], "vllm with engine transformers, which has no use for it"),
        ([("caption.engine", "vllm"), ("caption.temperature", 2.5)], "temperature 2.5: it takes 2 at most"),
        ([("caption.engine", "vllm"), ("caption.vllm", {"memory": 0.5})], "unknown name"),
        ([("caption.engine", "endpoint")], "engine endpoint and the section endpoint"),
        ([("caption.endpoint", SERVER)], "engine endpoint and the section endpoint"),
        ([("caption.endpoint", SERVER), ("caption.engine", "endpoint")], "captioners are folders here"),
        (
            [("caption.endpoint", SERVER | {"base_url": "http://a:secret@b/v1"}), ("caption.engine", "endpoint")],
            "keys come by key_env alone",
        ),
        ([("caption.engine", "continuous")], "takes token ids and no images"),
        ([("caption.decoding", {"guidance": 0.5})], "caption.decoding.guidance"),
        ([("caption.decoding", {"retries": 3})], "caption.decoding.retries"),
    ],
)
def test_is_refused(changes: list[tuple[str, Any]], part: str) -> None:
    assert part in message_for(*changes)


def test_the_default_is_greedy_and_guards_only_against_repetition() -> None:
    decoding = Decoding.of(parse_params(changed()).caption)
    assert {**decoding.values(), "max_new_tokens": 0} == {
        "max_new_tokens": 0, "temperature": 0.0, "seed": 0, "max_repetition": 0.5, "retries": 2,
    }  # fmt: skip


def test_what_scores_is_part_of_the_decoding() -> None:
    params = parse_params(changed(("caption.decoding", {"score": True}))).caption
    assert Decoding.of(params, "abc").values()["scored_by"] == "abc"
    assert "score" not in Decoding.of(params).values()
