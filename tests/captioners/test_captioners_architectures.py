"""Every architecture the README names goes through load, suppress and generate: tiny, random weights, offline."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cim.captioners.decoding import Decoding
from cim.captioners.generate import generate
from cim.captioners.load import load_captioner
from cim.captioners.special_tokens import end_tokens, suppressed_tokens
from cim.warm_start.tiny import CHAT_TEMPLATE, train_tokenizer

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 32,
}
SIDE = {"height": 32, "width": 32}


def _tokenizer(*marks: str, **named: str) -> Any:
    tokenizer = train_tokenizer(["a red circle"] * 9, 300)
    tokenizer.add_special_tokens(
        {"extra_special_tokens": [*marks, *named.values()]}, replace_extra_special_tokens=False
    )
    if named:
        tokenizer._set_model_specific_special_tokens(named)
    return tokenizer


def _template(image: str) -> str:
    return CHAT_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", image)


def _text(tokenizer: Any) -> dict[str, Any]:
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id, "bos_token_id": None}
    return TEXT | ids | {"vocab_size": len(tokenizer) + 5}  # five rows that no token uses


def _qwen2_vl(out: Path) -> None:
    from transformers import (
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )  # fmt: skip

    tokenizer = _tokenizer()
    text = _text(tokenizer) | {
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]}
    }
    vision = {"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32, "patch_size": 8, "mlp_ratio": 2}
    marks = ("image_pad", "video_pad", "vision_start", "vision_end")
    ids = [tokenizer.convert_tokens_to_ids(f"<|{mark}|>") for mark in marks]
    fields = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    config = Qwen2VLConfig(text_config=text, vision_config=vision, **dict(zip(fields, ids, strict=True)))
    shape = {"patch_size": 8, "merge_size": 2, "size": {"shortest_edge": 1024, "longest_edge": 1024}}
    processor = Qwen2VLProcessor(Qwen2VLImageProcessor(**shape), tokenizer, Qwen2VLVideoProcessor(patch_size=8))
    _save(Qwen2VLForConditionalGeneration(config), processor, CHAT_TEMPLATE, out)


def _llava(out: Path) -> None:
    from transformers import CLIPImageProcessor, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = _tokenizer("<image>")
    config = LlavaConfig(
        text_config=_text(tokenizer) | {"model_type": "llama"},
        vision_config=VISION | {"model_type": "clip_vision_model", "patch_size": 8},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE)
    processor = LlavaProcessor(images, tokenizer, 8, "default", num_additional_image_tokens=1)
    _save(LlavaForConditionalGeneration(config), processor, _template("<image>\n"), out)


def _idefics3(out: Path) -> None:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3ImageProcessor, Idefics3Processor

    tokenizer = _idefics_tokenizer()
    config = Idefics3Config(**_idefics_parts(tokenizer))
    processor = Idefics3Processor(Idefics3ImageProcessor(**_IDEFICS_IMAGES), tokenizer, image_seq_len=4)
    _save(Idefics3ForConditionalGeneration(config), processor, _template("<image>"), out)


def _smolvlm(out: Path) -> None:
    from transformers import (
        SmolVLMConfig,
        SmolVLMForConditionalGeneration,
        SmolVLMImageProcessor,
        SmolVLMProcessor,
        SmolVLMVideoProcessor,
    )  # fmt: skip

    tokenizer = _idefics_tokenizer()
    config = SmolVLMConfig(**_idefics_parts(tokenizer))
    images = SmolVLMImageProcessor(**_IDEFICS_IMAGES)
    films = SmolVLMVideoProcessor(max_image_size={"longest_edge": 32}, size={"longest_edge": 64})
    processor = SmolVLMProcessor(images, tokenizer, films, image_seq_len=4)
    _save(SmolVLMForConditionalGeneration(config), processor, _template("<image>"), out)


_IDEFICS_IMAGES = {"size": {"longest_edge": 64}, "max_image_size": {"longest_edge": 32}}


def _idefics_tokenizer() -> Any:
    cells = [f"<row_{r}_col_{c}>" for r in range(1, 7) for c in range(1, 7)]
    return _tokenizer("<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", *cells)


def _idefics_parts(tokenizer: Any) -> dict[str, Any]:
    return {
        "text_config": _text(tokenizer) | {"model_type": "llama"},
        "vision_config": VISION | {"patch_size": 8},
        "scale_factor": 2,
        "image_token_id": tokenizer.convert_tokens_to_ids("<image>"),
    }


def _internvl(out: Path) -> None:
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
    )  # fmt: skip

    names = {"start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>"}
    tokenizer = _tokenizer(**names, video_token="<video>")
    config = InternVLConfig(
        text_config=_text(tokenizer) | {"model_type": "qwen2"},
        vision_config=VISION | {"image_size": [32, 32], "patch_size": [8, 8]},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    images = GotOcr2ImageProcessor(size=SIDE, crop_to_patches=True, max_patches=4)
    processor = InternVLProcessor(images, tokenizer, InternVLVideoProcessor(size=SIDE), image_seq_length=4)
    _save(InternVLForConditionalGeneration(config), processor, _template("<IMG_CONTEXT>\n"), out)


def _save(model: Any, processor: Any, template: str, out: Path) -> None:
    processor.chat_template = template
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.save_pretrained(out)
    processor.save_pretrained(out)


@pytest.mark.parametrize("make", [_qwen2_vl, _llava, _idefics3, _smolvlm, _internvl])
def test_architecture_captions_a_mixed_batch_as_it_does_one_by_one(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path)
    captioner = load_captioner(tmp_path, "cpu", "float32")
    noise = np.random.default_rng(0)
    images = [
        Image.fromarray(noise.integers(0, 255, (*side, 3), dtype=np.uint8)) for side in ((40, 60), (90, 30), (32, 32))
    ]
    prompts = ["Describe it.", "What?", "What is in this image? Say it."]

    together = generate(captioner, images, prompts, Decoding(6), batch_size=3)

    assert together == generate(captioner, images, prompts, Decoding(6), batch_size=1)
    guided = Decoding(6, guidance=1.5)
    assert generate(captioner, images, prompts, guided) == generate(captioner, images, prompts, guided, batch_size=1)
    assert all(1 <= row.tokens <= 6 for row in together)
    never = suppressed_tokens(captioner.processor, captioner.model)
    assert captioner.processor.image_token_id in never
    assert not set(end_tokens(captioner.processor, captioner.model.generation_config.eos_token_id)) & set(never)
    rows = captioner.model.get_output_embeddings().weight.shape[0]
    assert set(range(rows - 5, rows)) <= set(never)
