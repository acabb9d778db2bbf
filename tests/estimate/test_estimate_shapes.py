"""Shapes counted on the meta device: as published, and as the libraries build them."""

import pytest

from cim.errors import CimError
from cim.estimate.published import CAPTIONERS, OPEN_CLIP, TEXT_ENCODERS
from cim.estimate.shapes import captioner_shape, clip_parameters, text_encoder_parameters
from cim.params import TinyCaptioner


@pytest.mark.parametrize(
    ("name", "parameters"),  # as the hub counts their safetensors: 3.75 and 8.29 billion
    [("Qwen/Qwen2.5-VL-3B-Instruct", 3_754_622_976), ("Qwen/Qwen2.5-VL-7B-Instruct", 8_292_166_656)],
)
def test_captioners_have_as_many_parameters_as_published(name: str, parameters: int) -> None:
    assert captioner_shape(CAPTIONERS[name], name).parameters == parameters


def test_the_7b_by_hand() -> None:
    """A text layer: q and o 2 x 3584^2 + 3584, k and v 2 x (3584 x 512 + 512), MLP 3 x 3584 x 18944, norms 2 x 3584.

    A megapixel of 1,003,520 is 5,120 patches of 14 x 14, 1,280 tokens; a patch is 3 x 2 x 14 x 14 numbers.
    """
    shape = captioner_shape(CAPTIONERS["Qwen/Qwen2.5-VL-7B-Instruct"], "7B")
    assert shape.layer == 2 * 3584**2 + 3584 + 2 * (3584 * 512 + 512) + 3 * 3584 * 18944 + 2 * 3584
    assert (shape.text.layers, shape.text.kv, shape.vision.layers, shape.patch_values) == (28, 512, 32, 1176)
    assert (shape.patches(1_003_520), shape.image_tokens(1_003_520)) == (5120, 1280)


def test_encoders_have_as_many_parameters_as_published() -> None:
    """109 million; 986.11 and 427.62 million in open_clip's table of models, of which 632.08 and 303.97 are images'."""
    import open_clip

    (name, config), *_ = TEXT_ENCODERS.items()
    parameters, dim = text_encoder_parameters(config, name)
    assert (round(parameters / 1e6), dim) == (109, 768)
    found = {tag: clip_parameters(open_clip.get_model_config(tag)) for tag in OPEN_CLIP.values()}
    assert {tag: (round(count / 1e6, 2), dim, round(text / 1e6)) for tag, (count, dim, text) in found.items()} == {
        "ViT-H-14": (986.11, 1024, 354), "ViT-L-14": (427.62, 768, 124),
    }  # fmt: skip


def test_adapters_are_as_many_as_peft_makes() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2_5_VLForConditionalGeneration

    from cim.warm_start.tiny import SPECIAL, tiny_captioner_config

    params = TinyCaptioner(kind="tiny", hidden=64, vision_hidden=32, vocabulary=300)
    config = tiny_captioner_config(params, 300, {token: place for place, token in enumerate(SPECIAL)})
    shape = captioner_shape(config, "tiny")
    model = get_peft_model(
        Qwen2_5_VLForConditionalGeneration(config), LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    )
    assert model.get_nb_trainable_parameters()[0] == 4 * shape.lora
    vision = sum(p.numel() for n, p in model.named_parameters() if p.requires_grad and "visual" in n)
    assert vision == 4 * shape.vision_lora


def test_another_architecture_is_counted() -> None:
    """LLaVA sees every image in one size: 4 x 4 patches of 8 pixels, and no patches are merged."""
    text = {
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "vocab_size": 100,
    }  # fmt: skip
    vision = {
        "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    shape = captioner_shape({"model_type": "llava", "text_config": text, "vision_config": vision}, "llava")
    assert (shape.text.layers, shape.text.kv, shape.vision.layers, shape.fixed_side) == (2, 64, 3, 32)
    assert shape.patches(10**6) == shape.image_tokens(10**6) == 16
    assert 0 < shape.vision_lora < shape.lora


@pytest.mark.parametrize("kind", ["no_such_model", "bert"])
def test_what_is_no_captioner_is_refused(kind: str) -> None:
    with pytest.raises(CimError):
        captioner_shape({"model_type": kind}, "x/y")
