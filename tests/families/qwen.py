"""Qwen-VL and families with its image tensors: patches in rows, and a grid of (time, height, width) an image."""

from pathlib import Path
from typing import Any

from families.parts import ROPE, chatml, save, template, text, tokenizer

PATCHES = {"patch_size": 8, "merge_size": 2, "size": {"shortest_edge": 1024, "longest_edge": 1024}}
VISION = {"depth": 1, "hidden_size": 32, "num_heads": 2, "patch_size": 8, "intermediate_size": 64}
QWEN_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"


def _qwen_ids(made: Any) -> dict[str, int]:
    names = {"image": "image_pad", "video": "video_pad", "vision_start": "vision_start", "vision_end": "vision_end"}
    return {f"{name}_token_id": made.convert_tokens_to_ids(f"<|{mark}|>") for name, mark in names.items()}


def qwen2_vl(out: Path) -> None:
    import transformers as t

    made = tokenizer()
    vision = {"depth": 1, "embed_dim": 32, "num_heads": 2, "hidden_size": 32, "patch_size": 8, "mlp_ratio": 2}
    config = t.Qwen2VLConfig(text_config=text(made, rope_parameters=ROPE), vision_config=vision, **_qwen_ids(made))
    films = t.Qwen2VLVideoProcessor(patch_size=8)
    save(config, t.Qwen2VLProcessor(t.Qwen2VLImageProcessor(**PATCHES), made, films), chatml(QWEN_IMAGE), out)


def qwen2_5_vl(out: Path) -> None:
    import transformers as t

    made = tokenizer()
    config = t.Qwen2_5_VLConfig(
        text_config=text(made, rope_parameters=ROPE),
        vision_config=VISION | {"out_hidden_size": 32, "window_size": 32, "fullatt_block_indexes": [0]},
        **_qwen_ids(made),
    )
    films = t.Qwen2VLVideoProcessor(patch_size=8)
    save(config, t.Qwen2_5_VLProcessor(t.Qwen2VLImageProcessor(**PATCHES), made, films), chatml(QWEN_IMAGE), out)


def qwen3_vl(out: Path) -> None:
    import transformers as t

    made = tokenizer()
    vision = VISION | {"out_hidden_size": 32, "deepstack_visual_indexes": [0], "num_position_embeddings": 16}
    config = t.Qwen3VLConfig(
        text_config=text(made, rope_parameters=ROPE, head_dim=16), vision_config=vision, **_qwen_ids(made)
    )
    films = t.Qwen3VLVideoProcessor(patch_size=8)
    save(config, t.Qwen3VLProcessor(t.Qwen2VLImageProcessor(**PATCHES), made, films), chatml(QWEN_IMAGE), out)


def qwen3_vl_moe(out: Path) -> None:
    import transformers as t

    made = tokenizer()
    vision = VISION | {"out_hidden_size": 32, "deepstack_visual_indexes": [0], "num_position_embeddings": 16}
    experts = {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 32}
    config = t.Qwen3VLMoeConfig(
        text_config=text(made, rope_parameters=ROPE, head_dim=16, **experts), vision_config=vision, **_qwen_ids(made)
    )
    films = t.Qwen3VLVideoProcessor(patch_size=8)
    save(config, t.Qwen3VLProcessor(t.Qwen2VLImageProcessor(**PATCHES), made, films), chatml(QWEN_IMAGE), out)


def qwen3_5(out: Path) -> None:
    import transformers as t

    made = tokenizer()
    linear = {f"linear_{kind}": 16 for kind in ("key_head_dim", "value_head_dim")}
    linear |= {"linear_num_key_heads": 2, "linear_num_value_heads": 2, "linear_conv_kernel_dim": 2}
    layers = {"num_hidden_layers": 2, "layer_types": ["linear_attention", "full_attention"]}
    rope = ROPE | {"partial_rotary_factor": 1.0}
    config = t.Qwen3_5Config(
        text_config=text(made, rope_parameters=rope, head_dim=16, **linear, **layers),
        vision_config=VISION | {"out_hidden_size": 32, "num_position_embeddings": 16},
        **_qwen_ids(made),
    )
    films = t.Qwen3VLVideoProcessor(patch_size=8)
    save(config, t.Qwen3VLProcessor(t.Qwen2VLImageProcessor(**PATCHES), made, films), chatml(QWEN_IMAGE), out)


GLM_MARKS = (
    "[gMASK]",
    "<sop>",
    "<|user|>",
    "<|assistant|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|image|>",
    "<|video|>",
)


def _glm(kind: str, out: Path) -> None:
    import transformers as t

    made = tokenizer(*GLM_MARKS)
    names = {
        "image": "<|image|>",
        "video": "<|video|>",
        "image_start": "<|begin_of_image|>",
        "image_end": "<|end_of_image|>",
        "video_start": "<|begin_of_video|>",
        "video_end": "<|end_of_video|>",
    }
    ids = {f"{name}_token_id": made.convert_tokens_to_ids(mark) for name, mark in names.items()}
    vision = VISION | {"out_hidden_size": 32, "image_size": 32}
    config = getattr(t, f"{kind}Config")(
        text_config=text(made, rope_parameters=ROPE | {"partial_rotary_factor": 1.0}), vision_config=vision, **ids
    )
    images = getattr(t, f"{kind}ImageProcessor")(**PATCHES)
    films = getattr(t, f"{kind}VideoProcessor")(patch_size=8)
    image = "<|begin_of_image|><|image|><|end_of_image|>"
    chat = template(image, "<|user|>\n", "", "<|assistant|>\n", "[gMASK]<sop>")
    save(config, getattr(t, f"{kind}Processor")(images, made, films), chat, out, "<|user|>")


def glm4v(out: Path) -> None:
    _glm("Glm4v", out)


def glm46v(out: Path) -> None:
    _glm("Glm46V", out)
