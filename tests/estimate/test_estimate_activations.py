"""Bytes that come and go: by hand, and as autograd and the cache of keys and values hold them."""

from collections.abc import Callable
from typing import Any

import pytest
from plain_plan import SHAPE, plan, sizes

from cim.estimate.activations import Loaded, rollout_terms, shared_terms, text_layer, update_terms, vision_layer
from cim.estimate.shapes import Tower


def test_rollout_by_hand() -> None:
    """Four captions together, 7 + 3 tokens, 5 layers, keys and values 4 wide, 4 bytes: 4 x 10 x 5 x 2 x 4 x 4 = 6400.

    Prompts: text 7 x (2 x 10 x 4 + 3 x 30 x 4) = 3080, image 16 x (2 x 8 x 4 + 3 x 16 x 4) = 4096, so 4 x 4096.
    Logits: 4 x 100 x 8.
    """
    assert sizes(rollout_terms(SHAPE, plan())) == {
        "keys and values": (6400, 0), "prompts' activations": (16384, 0), "logits": (3200, 0),
    }  # fmt: skip


def test_update_by_hand() -> None:
    """Two captions are 20 tokens and 32 patches.

    Text: 4 x (8 x 10 + 2 x 4 + 4 x 30) = 832 a token and layer, image: 4 x (13 x 8 + 4 x 16) = 672 a patch and layer.
    All: 5 x 20 x 832 + 2 x 32 x 672 = 83200 + 43008. Checkpointed: inputs 4 x (5 x 10 x 20 + 2 x 8 x 32) = 6048, and
    all of one layer, 32 x 672 = 21504 being more than 20 x 832.
    """
    assert sizes(update_terms(SHAPE, plan())) == {"activations": (0, 126208)}
    assert sizes(update_terms(SHAPE, plan(checkpointing=True))) == {"activations": (0, 27552)}
    assert sizes(update_terms(SHAPE, plan(vision=False))) == {"activations": (0, 83200)}


def test_shared_by_hand() -> None:
    """Pixels of 6 captions x 16 patches x 12 numbers x 4; an encoder twice."""
    found = sizes(shared_terms(SHAPE, plan(), [Loaded("image encoder", 100, 2)], 5000))
    assert found == {
        "pixels of the rollout": (4608, 4608), "image encoder": (800, 800), "index": (5000, 5000),
    }  # fmt: skip
    *_, unknown = shared_terms(SHAPE, plan(), [], None)
    assert (unknown.update, unknown.formula) == (0, "not known: give --gallery-images")


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


def text_layer_saves(mixed: bool, dtype: str = "float32") -> float:
    """Bytes a token and layer of a text tower with weights of `dtype`."""
    import torch
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLTextModel

    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [4, 6, 6]}
    ids = torch.zeros(2, 53, dtype=torch.long)  # a number of tokens that is no width of the model

    def of(layers: int) -> int:
        config = Qwen2_5_VLTextConfig(
            hidden_size=256, intermediate_size=640, num_hidden_layers=layers, num_attention_heads=8,
            num_key_value_heads=2, vocab_size=64, bos_token_id=None, eos_token_id=None, rope_parameters=rope,
        )  # fmt: skip
        model = Qwen2_5_VLTextModel(config).to(getattr(torch, dtype))
        return saved(model, lambda: model(input_ids=ids, use_cache=False), mixed)

    return (of(3) - of(1)) / (2 * ids.numel())


@pytest.mark.parametrize("mixed", [False, True])
def test_a_text_layer_saves_what_the_formula_says(mixed: bool) -> None:
    """Within 1%: variances of norms and sums of attention, a few numbers a token, are left out."""
    assert text_layer_saves(mixed) == pytest.approx(text_layer(Tower(2, 256, 640, 64), mixed), rel=0.01)


def test_bfloat16_weights_save_no_more_than_autocast() -> None:
    """Their norms compute in float32 all the same, so it is nearly as much."""
    most = text_layer(Tower(2, 256, 640, 64), mixed=True)
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

    assert (of(3) - of(1)) / (2 * len(pixels)) == pytest.approx(vision_layer(Tower(2, 256, 640, 256), mixed), rel=0.01)


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
