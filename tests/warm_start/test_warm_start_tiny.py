"""The made captioner's sizes: whatever width params allow, the attention heads come out even."""

from pathlib import Path

import pytest

from cim.params import TinyCaptioner
from cim.warm_start.tiny import make_tiny_captioner


# Heads are hidden / 32; KV heads their largest divisor up to a third of them: 5 -> 1, 11 -> 1, 14 -> 2, 15 -> 5.
@pytest.mark.parametrize(
    ("hidden", "heads", "shared"), [(32, 1, 1), (128, 4, 1), (160, 5, 1), (352, 11, 1), (448, 14, 2), (480, 15, 5)]
)
def test_key_value_heads_divide_the_heads(tmp_path: Path, hidden: int, heads: int, shared: int) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    params = TinyCaptioner(kind="tiny", hidden=hidden, layers=1, vision_hidden=96, vision_depth=1, vocabulary=300)
    make_tiny_captioner(params, ["a red circle"] * 5, 0, tmp_path)
    config = AutoConfig.from_pretrained(tmp_path).text_config
    assert (config.num_attention_heads, config.num_key_value_heads) == (heads, shared)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert torch.isfinite(model(input_ids=torch.tensor([[1, 2, 3]])).logits).all()
