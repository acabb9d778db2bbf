"""Bytes that come and go: by hand, and as autograd and the cache of keys and values hold them."""

from collections.abc import Callable
from typing import Any

import pytest
from plain_plan import SHAPE, all_sizes, plan, sizes

from cim.estimate.activations import (
    Loaded,
    Vllm,
    encoder_terms,
    index_term,
    pairs,
    pixel_terms,
    rollout_terms,
    text_layer,
    update_terms,
    vision_layer,
    vllm_term,
)
from cim.estimate.shapes import Tower


def test_rollout_by_hand() -> None:
    """Four captions together, 7 + 3 tokens, 5 layers, keys and values 4 wide, 4 bytes: 4 x 10 x 5 x 2 x 4 x 4 = 6400.

    Prompts: text 7 x (2 x 10 x 4 + 3 x 30 x 4) = 3080, image 16 x (2 x 8 x 4 + 3 x 16 x 4) = 4096, so 4 x 4096.
    Logits: 4 x 10 x 8. A validation has three together.
    """
    assert all_sizes(rollout_terms(SHAPE, plan())) == {
        "keys and values": (6400, 0, 0, 4800), "prompts' activations": (16384, 0, 0, 12288),
        "logits": (320, 0, 0, 240),
    }  # fmt: skip


def test_what_vllm_samples_transformers_does_not() -> None:
    """Validations are captioned by transformers all the same."""
    assert all_sizes(rollout_terms(SHAPE, plan(sampled=0)))["keys and values"] == (0, 0, 0, 4800)


def test_vllm_keeps_its_share_unless_it_sleeps() -> None:
    assert all_sizes([vllm_term(Vllm(100, 0.3, sleep=False))]) == {"vLLM": (100, 100, 100, 100)}
    assert all_sizes([vllm_term(Vllm(100, 0.3, sleep=True))]) == {"vLLM": (100, 0, 0, 0)}
    assert "give --device-memory" in vllm_term(Vllm(None, 0.3, sleep=True)).formula


def test_update_by_hand() -> None:
    """Two captions are 20 tokens and 32 patches.

    Text: 4 x (8 x 10 + 2 x 4 + 4 x 30) = 832 a token and layer, image: 4 x (13 x 8 + 4 x 16) = 672 a patch and layer.
    All: 5 x 20 x 832 + 2 x 32 x 672 = 83200 + 43008. Checkpointed: inputs 4 x (5 x 10 x 20 + 2 x 8 x 32) = 6048, and
    all of one layer, 32 x 672 = 21504 being more than 20 x 832. A frozen tower keeps none, but runs: 21504 of a layer,
    and 4 x 1000 of inputs.
    """
    assert sizes(update_terms(SHAPE, plan())) == {"activations": (0, 126208)}
    assert all_sizes(update_terms(SHAPE, plan(checkpointing=True))) == {"activations": (0, 21504, 27552, 0)}
    assert sizes(update_terms(SHAPE, plan(vision=False))) == {"activations": (0, 83200)}
    assert sizes(update_terms(SHAPE, plan(vision=False, checkpointing=True))) == {"activations": (0, 25504)}


def test_pixels_by_hand() -> None:
    """6 captions x 16 patches x 12 numbers x 4; three images of a validation."""
    found = all_sizes(pixel_terms(SHAPE, plan()))
    assert found == {"pixels of the rollout": (4608,) * 4, "pixels of a validation": (0, 0, 0, 2304)}


def test_what_scores_captions() -> None:
    assert sizes(encoder_terms([Loaded("text encoder", 100)])) == {"text encoder": (400, 400)}
    assert sizes([index_term(5000, "auto")]) == {"index": (5000, 5000)}
    assert index_term(None, "auto").formula == "not known: give --gallery-images"


def saved(model: Any, forward: Callable[[], Any], mixed: bool) -> int:
    """Bytes of all storages but the parameters' that autograd keeps for the backward pass, copies of weights aside."""
    import torch

    kept: dict[int, Any] = {}
    shapes = {tuple(p.shape) for p in model.parameters() if p.dim() == 2}
    shapes |= {shape[::-1] for shape in shapes}

    def keep(tensor: Any) -> Any:
        if tuple(tensor.shape) not in shapes:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        forward()
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    return sum(one.untyped_storage().nbytes() for place, one in kept.items() if place not in own)


def text_layer_saves(mixed: bool, dtype: str = "float32", attention: str = "sdpa", tokens: int = 53) -> float:
    """Bytes a token and layer of a text tower with weights of `dtype`."""
    import torch
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]}
    ids = torch.zeros(2, tokens, dtype=torch.long)  # a number of tokens that is no width of the model

    def of(layers: int) -> int:
        config = Qwen2_5_VLTextConfig(
            hidden_size=256, intermediate_size=640, num_hidden_layers=layers, num_attention_heads=8,
            num_key_value_heads=2, vocab_size=64, bos_token_id=None, eos_token_id=None, rope_parameters=rope,
            attn_implementation=attention,
        )  # fmt: skip
        model = Qwen2_5_VLTextModel(config).to(getattr(torch, dtype))
        return saved(model, lambda: model(input_ids=ids, use_cache=False), mixed)

    return (of(3) - of(1)) / (2 * ids.numel())


@pytest.mark.parametrize("mixed", [False, True])
def test_a_text_layer_saves_what_the_formula_says(mixed: bool) -> None:
    """Within 1%: variances of norms and sums of attention, a few numbers a token, are left out."""
    assert text_layer_saves(mixed) == pytest.approx(text_layer(Tower(2, 256, 640, 8, 64), mixed), rel=0.01)


@pytest.mark.parametrize("mixed", [False, True])
def test_eager_attention_saves_its_matrix(mixed: bool) -> None:
    """Twice as many tokens: 53 numbers a head and token more, which others do not save."""
    longer, shorter = (text_layer_saves(mixed, attention="eager", tokens=n) for n in (106, 53))
    tower, eager = Tower(2, 256, 640, 8, 64), plan(attention="eager", autocast=mixed)
    assert longer - shorter == pytest.approx(pairs(tower, 106, eager) / 106 - pairs(tower, 53, eager) / 53, rel=0.01)
    assert pairs(tower, 53, plan()) == 0


def test_bfloat16_weights_save_no_more_than_autocast() -> None:
    """Their norms compute in float32 all the same, so it is nearly as much."""
    most = text_layer(Tower(2, 256, 640, 8, 64), mixed=True)
    assert 0.8 * most <= text_layer_saves(False, "bfloat16") <= 1.01 * most


@pytest.mark.parametrize("mixed", [False, True])
def test_a_vision_layer_saves_what_the_formula_says(mixed: bool) -> None:
    import torch
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLVisionConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

    pixels, grid = torch.randn(2 * 48, 3 * 2 * 64), torch.tensor([[1, 6, 8]] * 2)

    def of(layers: int) -> int:
        config = Qwen2_5_VLVisionConfig(
            depth=layers, hidden_size=256, intermediate_size=640, num_heads=8, patch_size=8, spatial_merge_size=2,
            window_size=128, fullatt_block_indexes=list(range(layers)), out_hidden_size=64,
        )  # fmt: skip
        model = Qwen2_5_VisionTransformerPretrainedModel(config)
        return saved(model, lambda: model(pixels, grid_thw=grid), mixed)

    assert (of(3) - of(1)) / (2 * len(pixels)) == pytest.approx(
        vision_layer(Tower(2, 256, 640, 8, 256), mixed), rel=0.01
    )


@pytest.mark.parametrize("mixed", [False, True])
def test_keys_and_values_as_the_cache_holds_them(mixed: bool) -> None:
    """4 bytes a number with float32 weights, under autocast too."""
    import torch
    from transformers import Qwen2_5_VLForConditionalGeneration

    from cim.estimate.shapes import captioner_shape
    from cim.params import TinyCaptioner
    from cim.warm_start.tiny import SPECIAL, tiny_captioner_config

    params = TinyCaptioner(kind="tiny", hidden=64, vision_hidden=32, vocabulary=300)
    config = tiny_captioner_config(params, 300, {token: place for place, token in enumerate(SPECIAL)})
    model = Qwen2_5_VLForConditionalGeneration(config)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        cache = model(input_ids=torch.full((4, 10), 50), use_cache=True).past_key_values
    held = sum(one.keys.nbytes + one.values.nbytes for one in cache.layers)
    assert held == sizes(rollout_terms(captioner_shape(config, "tiny"), plan(autocast=mixed)))["keys and values"][0]
